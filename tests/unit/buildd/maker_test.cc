#include "buildd/maker.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/bytes.h"
#include "base/metrics.h"
#include "buildd/local_log.h"
#include "buildd/service.h"
#include "buildd/sum_log.h"
#include "module/gzip.h"
#include "os/file.h"
#include "support/build/modules.h"
#include "support/http/client.h"
#include "tlog/build_log.h"
#include "tlog/log_signer.h"

using namespace gw;
using namespace gw::buildd;
using namespace gw::testing;
using Kind = BuildUpdate::Kind;

namespace {

namespace fs = std::filesystem;

build::Key key() {
  return {.module = "a.b/main",
          .version = "v1.0.0",
          .target = {"js", "wasm"},
          .go_version = "go1.26.8"};
}

constexpr const char* kWorks =
    "[ $2 = -n ] && exec mkdir -p $GOMODCACHE/cache/download\necho building in $GOPATH\n"
    "mkdir -p $GOPATH/bin/js_wasm\necho program >$GOPATH/bin/js_wasm/main";

// A shell script in the place of the go command.
struct MakerLab {
  explicit MakerLab(const std::string& script, MakerOptions options = {})
      : cache(build::Cache::open(dir.file("cache")).value()),
        toolchains({[this] { return Result<std::vector<std::string>>(offered); },
                    [this](const std::string& version) -> Result<build::Toolchain> {
                      if (no_toolchain) return *no_toolchain;
                      return build::Toolchain{version, dir.file("goroot"), {}};
                    }},
                   {}, modules.clock),
        binaries(BinaryStore::open(dir.file("binaries")).value()),
        ledger(Ledger::open(dir.file("ledger.db")).value()),
        signer(tlog::SignerKey::from_seed("b.example", std::string(32, 'b')).value()),
        log(tlog::LogWriter::open(*ledger, {&signer, nullptr}).value()),
        sum_log(SumLog::open(dir.file("sum.log"), *ledger).value()) {
    modules.add("a.b/main", "v1.0.0", {{"main.go", "package main\n"}});
    fs::create_directories(dir.file("goroot/bin"));
    std::ofstream(dir.file("goroot/bin/go")) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(dir.file("goroot/bin/go"), fs::perms(0755));
    options.sandbox = build::SandboxMode::kOff;
    maker.emplace(MakerParts{cache, *modules.store, toolchains, binaries, *ledger, *log, *sum_log,
                             modules.clock, logger, stop},
                  std::move(options));
  }
  BuildUpdate make() {
    return maker->make(key(), [this](std::string_view text) { progress.emplace_back(text); });
  }
  TempDir dir;
  std::vector<std::string> offered = {"go1.26.8"};
  std::optional<Error> no_toolchain;
  Modules modules;
  build::Cache cache;
  Toolchains toolchains;
  BinaryStore binaries;
  std::unique_ptr<Ledger> ledger;
  tlog::KeySigner signer;
  std::unique_ptr<tlog::LogWriter> log;
  std::unique_ptr<SumLog> sum_log;
  Logger logger{LogLevel::kError, [](std::string_view) {}};
  os::Stop stop;
  std::optional<Maker> maker;
  std::vector<std::string> progress;
};

}  // namespace

TEST_CASE("maker: twice, then into the log, then found", "[maker]") {
  MakerLab lab(kWorks);
  const BuildUpdate made = lab.make();
  REQUIRE(made.kind == Kind::kSuccess);
  const auto built = lab.ledger->find_built(build::format_key(key())).value();
  REQUIRE(built);
  CHECK(built->record == "a.b/main v1.0.0 / js wasm go1.26.8 8 " + made.sum + " \n");
  CHECK(lab.log->head()->size == 1);
  const std::string sums = lab.dir.file("sum.log");
  CHECK(os::read_file(sums, 1000).value() == built->record);
  // It is made whole again, or anew; another log's is not taken for ours, nor a longer one.
  REQUIRE(os::write_file_atomic(sums, built->record + "half", 0644));
  REQUIRE(SumLog::open(sums, *lab.ledger));
  CHECK(os::read_file(sums, 1000).value() == built->record);
  fs::remove(sums);
  REQUIRE(SumLog::open(sums, *lab.ledger));
  CHECK(os::read_file(sums, 1000).value() == built->record);
  for (const std::string& bad : {std::string("another\n"), built->record + "more\n"}) {
    REQUIRE(os::write_file_atomic(sums, bad, 0644));
    REQUIRE(SumLog::open(sums, *lab.ledger));
    CHECK(os::read_file(sums, 1000).value() == built->record);
  }
  CHECK(std::count(lab.progress.begin(), lab.progress.end(),
                   "building it a second time, to compare") == 1);
  // No path of ours is in the log that others read.
  const std::string log = mod::gunzip(lab.ledger->build_log(0).value(), 10'000).value();
  CHECK(log.find("building in $DIR") != std::string::npos);
  CHECK(log.find(lab.dir.path()) == std::string::npos);
  // Nothing is built for what is there.
  lab.progress.clear();
  CHECK(lab.make().sum == made.sum);
  CHECK(lab.progress.empty());

  const tlog::LogFiles files(*lab.ledger, *lab.log, tlog::DataTileStyle::kNumbered);
  LocalLog local(files, "here");
  const tlog::FetchRequest requests[] = {{"latest", 1000}, {"none", 1000}};
  const auto fetched = local.fetch(requests);
  CHECK(*fetched[0] == lab.log->head()->latest);
  CHECK(fetched[1].error().kind == ErrorKind::kNotFound);
}

TEST_CASE("maker: a full disk leaves no half of a line in sum.log", "[maker]") {
  MakerLab lab(kWorks);
  const BuildUpdate made = lab.make();
  REQUIRE(made.kind == Kind::kSuccess);
  const std::string sums = lab.dir.file("sum.log");
  const std::string first = os::read_file(sums, 1000).value();
  const std::string second = "a.b/main v1.0.1 / js wasm go1.26.8 8 " + made.sum + " \n";
  REQUIRE(lab.log->append({"second", second, std::make_shared<BuildResult>()}));
  // A file may get no larger than half of the second line.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{first.size() + second.size() / 2, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Status full = lab.sum_log->follow();
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  (void)std::signal(SIGXFSZ, handler);
  CHECK_FALSE(full);
  CHECK(os::read_file(sums, 1000).value() == first);
  REQUIRE(lab.sum_log->follow());
  CHECK(os::read_file(sums, 1000).value() == first + second);
}

TEST_CASE("maker: what differs is not published", "[maker]") {
  MakerLab lab(std::string(kWorks) + "\necho $$ >>$GOPATH/bin/js_wasm/main");
  const BuildUpdate made = lab.make();
  CHECK(made.kind == Kind::kTempFailed);
  CHECK(made.error.find("two builds differ") != std::string::npos);
  CHECK(lab.ledger->size().value() == 0);
  CHECK_FALSE(lab.ledger->find_failure(build::format_key(key()), lab.modules.clock.now()).value());
}

TEST_CASE("maker: other services are asked first", "[maker]") {
  std::string asked;
  Status answer = untrusted_error("another result");
  MakerOptions options;
  options.verifiers = {{"v.example", [&](const VerifierQuestion& question) {
                          asked = build::format_key(question.key) + " " + question.record;
                          return answer;
                        }}};
  MakerLab lab(kWorks, options);
  CHECK(lab.make().kind == Kind::kTempFailed);
  CHECK(asked.starts_with(
      "a.b/main@v1.0.0/js-wasm-go1.26.8/ a.b/main v1.0.0 / js wasm go1.26.8 8 0"));
  CHECK(lab.ledger->size().value() == 0);
  answer = unavailable_error("down");
  CHECK(lab.make().kind == Kind::kTempFailed);
  answer = {};
  CHECK(lab.make().kind == Kind::kSuccess);
}

TEST_CASE("maker: about a private module only who knows of it is asked", "[maker]") {
  for (const bool followed : {false, true}) {
    std::vector<std::string> asked;
    const auto verifier = [&](const std::string& name, bool knows) {
      return Verifier{name,
                      [&asked, name](const VerifierQuestion& /*question*/) -> Status {
                        asked.push_back(name);
                        return {};
                      },
                      knows};
    };
    MakerOptions options;
    options.is_private = [](const std::string& module) { return module == "a.b/main"; };
    options.verifiers = {verifier("public.example", false)};
    if (followed) options.verifiers.push_back(verifier("followed.example", true));
    MakerLab lab(kWorks, options);
    CHECK(lab.make().kind == Kind::kSuccess);
    CHECK(asked ==
          (followed ? std::vector<std::string>{"followed.example"} : std::vector<std::string>{}));
    // Without anybody to ask it is built twice.
    const bool again = std::any_of(
        lab.progress.begin(), lab.progress.end(),
        [](const std::string& text) { return text.find("a second time") != std::string::npos; });
    CHECK(again != followed);
  }
}

TEST_CASE("maker: a verifier that asks for ours has answered", "[maker]") {
  const auto other = tlog::SignerKey::from_seed("v.example", std::string(32, 'v')).value();
  const std::string name = build::format_key(key());
  std::string record, mark;
  MakerOptions options;
  options.sign_hop = [](const std::string& text) -> Result<std::string> { return "ours " + text; };
  const FakeClock clock(WallTime(std::chrono::seconds(1'800'000'000)));
  Claims claims({other.verifier()}, clock);
  options.claims = &claims;
  // It says what it got, and does not answer before we do: as when its question to us comes first.
  bool lies = false;
  options.verifiers = {
      {"v.example", [&](const VerifierQuestion& question) -> Status {
         REQUIRE(question.marks.size() == 1);
         mark = decode_base64(question.marks[0]).value();
         record = question.record;
         const std::string claim = lies ? tlog::format_build_record({key().view(), 9,
                                                                     "0AAAAAAAAAAAAAAAA"
                                                                     "AAAAAAAAAAA"})
                                        : record;
         CHECK(claims.take(name,
                           {encode_base64(other.sign_note(format_hop_text(claim, clock.now())))}));
         CHECK(question.settled.wait_for(std::chrono::minutes(10)));
         return unavailable_error("ended by us");
       }}};
  lies = GENERATE(false, true);
  MakerLab lab(kWorks, options);
  const BuildUpdate made = lab.make();
  CHECK(made.kind == (lies ? Kind::kTempFailed : Kind::kSuccess));
  CHECK(lab.ledger->size().value() == (lies ? 0 : 1));
  CHECK(mark.starts_with("ours gwtool build hop\n"));
  CHECK(mark.ends_with("\n" + record));
}

TEST_CASE("maker: who reads of a failure in the log finds it kept", "[maker]") {
  const bool permanent = GENERATE(true, false);
  MakerLab lab(permanent ? "echo \"./a.go:1:2: undefined: x\"; exit 1" : "kill -9 $$");
  std::vector<std::string> found;
  lab.logger = Logger(LogLevel::kInfo, [&](std::string_view line) {
    const auto kept =
        lab.ledger->find_failure(build::format_key(key()), lab.modules.clock.now()).value();
    found.push_back(std::string(kept ? "kept" : "not kept") +
                    (line.find(" permanent=1 ") != line.npos ? ", permanent" : ""));
  });
  CHECK(lab.make().kind == (permanent ? Kind::kPermFailed : Kind::kTempFailed));
  CHECK(found == std::vector<std::string>{permanent ? "kept, permanent" : "not kept"});
}

TEST_CASE("maker: failures are remembered when they would come again", "[maker]") {
  const std::string name = build::format_key(key());
  {
    MakerLab lab("echo \"./a.go:1:2: undefined: x\"; exit 1");
    const BuildUpdate made = lab.make();
    CHECK(made.kind == Kind::kPermFailed);
    const WallTime now = lab.modules.clock.now();
    const auto failure = lab.ledger->find_failure(name, now).value();
    REQUIRE(failure);
    CHECK(failure->reason == "undefined symbol");
    CHECK(failure->expires_at == now + std::chrono::hours(7 * 24));
    CHECK(mod::gunzip(failure->log, 10'000).value().find("undefined: x") != std::string::npos);
  }
  {
    MakerLab lab("kill -9 $$");
    CHECK(lab.make().kind == Kind::kTempFailed);
    CHECK_FALSE(lab.ledger->find_failure(name, lab.modules.clock.now()).value());
  }
  {
    // Nor what no build came to.
    MakerLab lab(kWorks);
    for (const auto& error : {untrusted_error("evil"), not_found_error("gone")}) {
      lab.no_toolchain = error;
      CHECK(lab.make().kind == Kind::kTempFailed);
      CHECK_FALSE(lab.ledger->find_failure(name, lab.modules.clock.now()).value());
    }
    lab.no_toolchain.reset();
    CHECK(lab.make().kind == Kind::kSuccess);
  }
  {
    // What is in the log was built once: nothing is remembered against it.
    MakerLab lab(kWorks);
    const BuildUpdate made = lab.make();
    REQUIRE(made.kind == Kind::kSuccess);
    fs::remove(lab.binaries.use(made.sum, false, lab.modules.clock.now()).value());
    std::ofstream(lab.dir.file("goroot/bin/go"))
        << "#!/bin/sh\necho \"./a.go:1:2: undefined: x\"; exit 1\n";
    CHECK(lab.make().kind == Kind::kTempFailed);
    CHECK_FALSE(lab.ledger->find_failure(name, lab.modules.clock.now()).value());
  }
  {
    // Nobody knows why: perhaps tomorrow.
    MakerLab lab("echo odd; exit 1");
    CHECK(lab.make().kind == Kind::kPermFailed);
    const auto failure = lab.ledger->find_failure(name, lab.modules.clock.now()).value();
    CHECK(failure->expires_at == lab.modules.clock.now() + std::chrono::hours(24));
  }
}

TEST_CASE("maker: what was built with a version that is no longer offered is built again",
          "[maker]") {
  MakerLab lab(kWorks);
  const BuildUpdate made = lab.make();
  REQUIRE(made.kind == Kind::kSuccess);
  const std::string record = lab.ledger->find_built(build::format_key(key())).value()->record;
  lab.offered = {"go1.29.0"};
  lab.modules.clock.advance(std::chrono::minutes(2));
  CHECK(lab.toolchains.check("go1.26.8").error().kind == ErrorKind::kNotFound);
  for (const bool packed : {false, true}) {
    fs::remove(lab.binaries.use(made.sum, packed, lab.modules.clock.now()).value());
  }
  const BuildUpdate again = lab.make();
  CHECK(again.kind == Kind::kSuccess);
  CHECK(again.sum == made.sum);
  CHECK_FALSE(lab.ledger->find_failure(build::format_key(key()), lab.modules.clock.now()).value());
  // Samples of old records, too.
  lab.maker->rebuild(record);
  CHECK(format_metrics().find("gwtool_buildd_rebuilt_records_total{end=\"failed\"} 0\n") !=
        std::string::npos);
}

namespace {

// A service that builds as the laboratory does.
struct ServiceLab : MakerLab {
  explicit ServiceLab(const std::string& script) : MakerLab(script) { start(); }
  void start() {
    ServiceOptions options;
    options.data = dir.file("data");
    options.listen = http::Endpoint::parse("127.0.0.1:0", 0).value();
    options.maker.sandbox = build::SandboxMode::kOff;
    options.maker.twice = false;
    options.gate = false;
    ServiceParts parts{cache,   *modules.store, {},     *latest, signer, nullptr,
                       nullptr, modules.clock,  logger, stop};
    parts.toolchains = {[] { return Result<std::vector<std::string>>({"go1.26.8"}); },
                        [this](const std::string& version) -> Result<build::Toolchain> {
                          return build::Toolchain{version, dir.file("goroot"), {}};
                        }};
    service = Service::start(std::move(options), parts).value();
  }
  os::Fd ask(const std::string& path, const std::string& method = "GET") const {
    os::Fd fd = http::test::connect_to(service->endpoint());
    http::test::send_all(fd,
                         method + " " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    return fd;
  }
  std::string get(const std::string& path) const { return http::test::read_until(ask(path)); }
  tlog::NoteSigner* latest = &signer;
  std::unique_ptr<Service> service;
};

}  // namespace

TEST_CASE("service: a build that ends while it is taken down is told to its reader", "[service]") {
  ServiceLab lab("[ $2 != -n ] && read x <$0.go\n" + std::string(kWorks));
  const std::string go = lab.dir.file("goroot/bin/go");
  REQUIRE(::mkfifo((go + ".go").c_str(), 0600) == 0);
  const os::Fd reader = lab.ask("/tlog/lookup/" + build::format_key(key()));
  // Opens when the build runs.
  const os::Fd builder(::open((go + ".go").c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(builder);
  const http::Endpoint endpoint = lab.service->endpoint();
  std::thread end([&] { lab.service.reset(); });
  // The server goes first; all that the answer needs must still be there.
  while (http::test::connect_to(endpoint)) std::this_thread::yield();
  CHECK(::write(builder.get(), "\n", 1) == 1);
  end.join();
  lab.start();
  CHECK(lab.get("/tlog/lookup/" + build::format_key(key())).starts_with("HTTP/1.1 200"));
}

TEST_CASE("service: a directory that cannot be, an address that is taken", "[service]") {
  MakerLab lab(kWorks);
  const ServiceParts parts{
      lab.cache, *lab.modules.store, {},         lab.signer, lab.signer, nullptr,
      nullptr,   lab.modules.clock,  lab.logger, lab.stop};
  ServiceOptions options;
  options.data = "/dev/null/x";
  CHECK(Service::start(options, parts).error().kind == ErrorKind::kIo);
  options.data = lab.dir.file("data");
  options.listen = http::Endpoint::parse("127.0.0.1:0", 0).value();
  auto first = Service::start(options, parts).value();
  CHECK(Service::start(options, parts).error().kind == ErrorKind::kUnavailable);
  options.data = lab.dir.file("other");
  options.listen = first->endpoint();
  CHECK(Service::start(options, parts).error().kind == ErrorKind::kUsage);
  first.reset();
  options.data = lab.dir.file("data");
  CHECK(Service::start(options, parts));
}

namespace {

struct FlakySigner : tlog::NoteSigner {
  explicit FlakySigner(tlog::NoteSigner& s) : signer(s) {}
  Result<std::string> sign(std::string_view text) override {
    if (fails) return unavailable_error("no signature now");
    return signer.sign(text);
  }
  const tlog::VerifierKey& key() const override { return signer.key(); }
  tlog::NoteSigner& signer;
  std::atomic<bool> fails = false;
};

}  // namespace

TEST_CASE("service: nobody sees a record that no signed head covers", "[service]") {
  ServiceLab lab(kWorks);
  FlakySigner flaky(lab.signer);
  lab.latest = &flaky;
  lab.service.reset();
  lab.start();
  const std::string sum = lab.make().sum;  // in the laboratory's own log
  const std::string page = "/" + build::format_key(key());
  const std::string result = page + sum + "/";
  flaky.fails = true;
  CHECK(lab.get(page + "record").starts_with("HTTP/1.1 503"));
  // It is saved, and yet not there.
  CHECK(lab.get(page).starts_with("HTTP/1.1 200"));
  for (const char* name :
       {"", "record", "log", "main-v1.0.0-go1.26.8", "main-v1.0.0-go1.26.8.gz"}) {
    CHECK(lab.get(result + name).starts_with("HTTP/1.1 404"));
  }
  CHECK(lab.get("/a.b/main@v1.0.0?sums").find(sum) == std::string::npos);
  CHECK(lab.get("/").find(page) == std::string::npos);
  const os::Fd feed = lab.ask("/-/feed?from=0");
  (void)http::test::read_until(feed, "keepalive\n\n");
  CHECK(lab.get("/tlog/latest").find("\n0\n") != std::string::npos);
  char none = 0;
  CHECK(::recv(feed.get(), &none, 1, MSG_DONTWAIT) == -1);
  // Still no signature: it is not built again, and no failure is kept.
  CHECK(lab.get(page + "record").starts_with("HTTP/1.1 503"));
  flaky.fails = false;
  CHECK(lab.get(page + "record").starts_with("HTTP/1.1 307"));
  CHECK(lab.get(result + "record").starts_with("HTTP/1.1 200"));
  CHECK(http::test::read_until(feed, sum).find("id: 0\n") != std::string::npos);
}
