#include "buildd/ledger.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "base/bytes.h"
#include "build/key.h"
#include "buildd/binary_store.h"
#include "buildd/published_head.h"
#include "module/gzip.h"
#include "os/file.h"
#include "support/store/fault_vfs.h"
#include "support/temp_dir.h"
#include "tlog/build_log.h"
#include "tlog/hash.h"
#include "tlog/log_writer.h"

using namespace gw;
using namespace gw::buildd;
using namespace gw::testing;

namespace {

constexpr WallTime kLedgerNow{std::chrono::seconds(1'800'000'000)};

std::string key_of(int n) {
  return "example.org/a@v1." + std::to_string(n) + ".0/linux-amd64-go1.26.8/";
}

// All of a service's state in a directory, opened as a start would.
struct State {
  static Result<std::unique_ptr<State>> open(const std::string& dir, const std::string& vfs = {}) {
    auto out = std::make_unique<State>(dir);
    GW_TRY(auto binaries, BinaryStore::open(dir + "/binaries"));
    out->binaries = std::make_unique<BinaryStore>(std::move(binaries));
    GW_TRY(out->ledger, Ledger::open(dir + "/ledger.db", vfs));
    GW_TRY(const auto published, out->head.load());
    GW_TRY(out->log, tlog::LogWriter::open(*out->ledger, {&out->head, nullptr}, published));
    return out;
  }
  explicit State(const std::string& dir)
      : signer(tlog::SignerKey::from_seed("example.org", std::string(32, 'k')).value()),
        head(signer, dir + "/published") {}

  Status publish(int n) {
    GW_TRY(const StoredBinary binary, binaries->add("binary " + std::to_string(n)));
    auto result = std::make_shared<BuildResult>();
    result->sha256 = binary.sha256;
    result->packed_size = binary.packed_size;
    result->packed_sha256 = binary.packed_sha256;
    result->log = mod::gzip("log");
    result->made_at = kLedgerNow;
    const std::string key = key_of(n);
    const auto target = tlog::parse_build_key(key);
    const std::string record = tlog::format_build_record({*target, binary.size, binary.sum});
    GW_TRY(const auto appended, log->append({key, record, result}));
    return appended.head->size > appended.number ? Status() : internal_error("not covered");
  }

  tlog::KeySigner signer;
  PublishedHead head;
  std::unique_ptr<BinaryStore> binaries;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<tlog::LogWriter> log;
};

// What must be true after whatever happened. How many records there are.
std::uint64_t check_invariants(const std::string& dir) {
  auto state = State::open(dir);
  INFO((state ? "" : state.error().message));
  REQUIRE(state);
  State& s = **state;
  const std::uint64_t size = s.ledger->size().value();
  CHECK(s.log->head()->size == size);
  std::set<std::string> keys;
  for (std::uint64_t n = 0; n < size; ++n) {
    const std::string record = s.ledger->read_records(n, 1).value()[0];
    CHECK(s.ledger->read_hashes(0, n, 1).value()[0] == tlog::leaf_hash(record));
    const auto parsed = tlog::parse_build_record(record);
    REQUIRE(parsed);
    const std::string key = tlog::format_build_key(parsed->target);
    CHECK(keys.insert(key).second);
    const auto built = s.ledger->find_built(key).value();
    REQUIRE(built);
    CHECK(built->number == n);
    CHECK(mod::gunzip(s.ledger->build_log(n).value(), 10).value() == "log");
    for (const bool packed : {false, true}) {
      const auto path = s.binaries->use(parsed->sum, packed, kLedgerNow);
      REQUIRE(path);
      const std::string bytes = os::read_file(*path, 1000).value();
      CHECK(sha256(bytes) == (packed ? built->packed_sha256 : built->sha256));
    }
  }
  return size;
}

}  // namespace

TEST_CASE("ledger: a build and its record, after a start as before", "[ledger]") {
  const TempDir dir;
  {
    auto s = State::open(dir.path()).value();
    REQUIRE(s->ledger->save_failure(key_of(1), {"unknown", "m", "h", mod::gzip("x"), kLedgerNow,
                                                kLedgerNow + std::chrono::hours(1)}));
    for (int n = 0; n < 300; ++n) REQUIRE(s->publish(n));
    REQUIRE(s->publish(7));  // the same again is found
    CHECK(s->ledger->size().value() == 300);
    // A success takes the failure away.
    CHECK_FALSE(s->ledger->find_failure(key_of(1), kLedgerNow).value());
    CHECK(s->ledger->recent(2).value()[0].key == key_of(299));
    CHECK(s->ledger->of_module("example.org/a", 1000).value().size() == 300);
    CHECK(s->ledger->of_module("example.org", 1000).value().empty());
    CHECK(s->ledger->of_version("example.org/a", "v1.2.0", 9).value().at(0).key == key_of(2));
    CHECK(s->ledger->of_version("example.org/a", "v1.2.0", 9).value().size() == 1);
    CHECK(s->ledger->of_version("example.org/a", "v1.2", 9).value().empty());
    CHECK(s->ledger->find_built(key_of(5)).value()->number == 5);
    CHECK_FALSE(s->ledger->find_built(key_of(300)).value());
    CHECK(s->ledger->read_records(299, 2).error().kind == ErrorKind::kCorrupt);
    CHECK(s->ledger->read_hashes(8, 1, 1).error().kind == ErrorKind::kCorrupt);
  }
  CHECK(check_invariants(dir.path()) == 300);
}

TEST_CASE("ledger: another record for a key is refused", "[ledger]") {
  const TempDir dir;
  auto s = State::open(dir.path()).value();
  REQUIRE(s->publish(0));
  auto result = std::make_shared<BuildResult>();
  const std::string key = key_of(0);
  const std::string record =
      tlog::format_build_record({*tlog::parse_build_key(key), 1, "0AAAAAAAAAAAAAAAAAAAAAAAAAAA"});
  CHECK(s->log->append({key, record, result}).error().kind == ErrorKind::kUsage);
  // Also by the database, should the writer ever err; and none without its result.
  const tlog::LogEntry again{key, record, result};
  const tlog::LogEntry* entries[] = {&again};
  CHECK_FALSE(s->ledger->append({1, entries, {}}));
  CHECK(s->ledger->append({0, entries, {}}).error().kind == ErrorKind::kCorrupt);
  const tlog::LogEntry bare{key_of(1), record, nullptr};
  entries[0] = &bare;
  CHECK(s->ledger->append({1, entries, {}}).error().kind == ErrorKind::kInternal);
  s.reset();
  CHECK(check_invariants(dir.path()) == 1);
}

TEST_CASE("ledger: failures expire, are forgotten, are listed", "[ledger]") {
  const TempDir dir;
  auto s = State::open(dir.path()).value();
  const Failure failure{"not a main package", "message",  "hint",
                        mod::gzip("log"),     kLedgerNow, kLedgerNow + std::chrono::hours(1)};
  REQUIRE(s->ledger->save_failure(key_of(1), failure));
  REQUIRE(s->ledger->save_failure(key_of(2), failure));
  const auto found = s->ledger->find_failure(key_of(1), kLedgerNow).value();
  REQUIRE(found);
  CHECK(found->reason == "not a main package");
  CHECK(mod::gunzip(found->log, 10).value() == "log");
  CHECK_FALSE(s->ledger->find_failure(key_of(1), failure.expires_at).value());
  CHECK(s->ledger->failures(kLedgerNow, 10).value().size() == 2);
  CHECK(s->ledger->forget_failure(key_of(1)).value());
  CHECK_FALSE(s->ledger->forget_failure(key_of(1)).value());
  REQUIRE(s->ledger->forget_expired(failure.expires_at));
  CHECK(s->ledger->failures(kLedgerNow, 10).value().empty());
}

TEST_CASE("ledger: a database restored from an older copy is refused", "[ledger]") {
  const TempDir dir;
  {
    auto s = State::open(dir.path()).value();
    REQUIRE(s->publish(0));
    s.reset();
    REQUIRE(State::open(dir.path()));  // closed: all is in one file
  }
  const std::string old = os::read_file(dir.file("ledger.db"), 10U << 20U).value();
  REQUIRE(State::open(dir.path()).value()->publish(1));
  std::filesystem::remove(dir.file("ledger.db-wal"));
  std::filesystem::remove(dir.file("ledger.db-shm"));
  REQUIRE(os::write_file_atomic(dir.file("ledger.db"), old, 0644));
  const auto reopened = State::open(dir.path());
  REQUIRE_FALSE(reopened);
  CHECK(reopened.error().kind == ErrorKind::kCorrupt);
  CHECK(reopened.error().hint.find("fork") != std::string::npos);

  REQUIRE(os::write_file_atomic(dir.file("published"), "not a note", 0644));
  CHECK(State::open(dir.path()).error().kind == ErrorKind::kCorrupt);
}

// Values that a running gobuild v0.0.48 gave.
TEST_CASE("ledger: the example log, byte for byte", "[ledger]") {
  const TempDir dir;
  auto ledger = Ledger::open(dir.file("x.db")).value();
  tlog::KeySigner signer(tlog::SignerKey::parse("PRIVATE+KEY+gobuildtest+d0d3feb6+"
                                                "AXgHf7lUluErzggs4KZ6pTjWBAs4ip1uGK1K12tiJy2M")
                             .value());
  auto log = tlog::LogWriter::open(*ledger, {&signer, nullptr}).value();
  CHECK(
      log->head()->latest ==
      "go.sum database tree\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
      "\u2014 gobuildtest 0NP+tlfkCFE6DE4aNaDsH5BDPDogiVygDqlWUs+GsF1ItekL05AypnAd6CcpgGMYANvdmcRs"
      "Do0N74zCf/8yFXiTpQc=\n");
  auto result = std::make_shared<BuildResult>();
  const std::string record =
      "example.test/hello v0.1.0 / linux amd64 go1.26.10 2538672 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n";
  REQUIRE(log->append({"example.test/hello@v0.1.0/linux-amd64-go1.26.10/", record, result}));
  CHECK(encode_base64(as_bytes(log->head()->root)) ==
        "12GZhSWu8Ib7QI1cHw3ycpbUpzGrkwYuO9Z56DIx7dA=");
}

TEST_CASE("ledger: another program's database is refused", "[ledger]") {
  const TempDir dir;
  {
    auto db = sqlite::Database::open(dir.file("x.db"), sqlite::Database::Mode::kCreate).value();
    REQUIRE(db.exec("CREATE TABLE t(a)"));
  }
  CHECK(Ledger::open(dir.file("x.db")).error().kind == ErrorKind::kUsage);
}

TEST_CASE("ledger: nobody is told to begin a new one in the place of a damaged one", "[ledger]") {
  const testing::TempDir dir;
  for (const std::string& bytes :
       {std::string("no database"), "SQLite format 3" + std::string(5000, '\0')}) {
    REQUIRE(os::write_file_atomic(dir.file("ledger.db"), bytes, 0644));
    const auto opened = Ledger::open(dir.file("ledger.db"));
    REQUIRE_FALSE(opened);
    INFO(opened.error().message);
    CHECK(opened.error().hint.starts_with("put a copy in its place"));
  }
}

TEST_CASE("ledger: a full disk, at each write: all of a build or nothing", "[ledger]") {
  FaultVfs& faults = FaultVfs::instance();
  for (const int code : {SQLITE_FULL, SQLITE_IOERR}) {
    for (int nth = 1;; ++nth) {
      const TempDir dir;
      std::uint64_t done = 0;
      {
        auto s = State::open(dir.path(), FaultVfs::kName).value();
        REQUIRE(s->publish(0));
        faults.arm(nth, code, true);
        for (int n = 1; n < 4; ++n) done += s->publish(n) ? 1 : 0;
        faults.disarm();
      }
      CHECK(check_invariants(dir.path()) >= 1 + done);
      if (done == 3) break;
    }
  }
}

TEST_CASE("ledger: kill -9 at each write: all of a build or nothing", "[ledger]") {
  for (int nth = 1;; ++nth) {
    const TempDir dir;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      FaultVfs::instance().arm(nth, FaultVfs::kKill, false);
      auto s = State::open(dir.path(), FaultVfs::kName);
      for (int n = 0; s && n < 4; ++n) {
        if (!(*s)->publish(n)) ::_exit(1);
        // The caller has been answered: it must be there after whatever comes.
        const os::Fd answered(
            ::open(dir.file("answered").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644));
        if (::write(answered.get(), "x", 1) != 1) ::_exit(1);
      }
      ::_exit(s ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE((WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0));
    const auto answered = os::read_file(dir.file("answered"), 10);
    CHECK(check_invariants(dir.path()) >= (answered ? answered->size() : 0));
    // A restart continues.
    auto s = State::open(dir.path()).value();
    for (int n = 0; n < 5; ++n) REQUIRE(s->publish(n));
    s.reset();
    CHECK(check_invariants(dir.path()) == 5);
    if (!WIFSIGNALED(status)) break;
  }
}

TEST_CASE("binaries: half a file is swept, old ones make room", "[binaries]") {
  const TempDir dir;
  REQUIRE(os::write_file_atomic(dir.file("abc.part"), "x", 0644));
  REQUIRE(os::write_file_atomic(dir.file(".new-0123456789abcdef"), "x", 0644));
  auto store = BinaryStore::open(dir.path()).value();
  CHECK_FALSE(os::file_exists(dir.file("abc.part")));
  CHECK_FALSE(os::file_exists(dir.file(".new-0123456789abcdef")));

  const StoredBinary a = store.add(std::string(1000, 'a')).value();
  const StoredBinary b = store.add(std::string(1000, 'b')).value();
  CHECK(a.sum == build::format_binary_sum(sha256(std::string(1000, 'a'))));
  const WallTime later = std::chrono::time_point_cast<std::chrono::seconds>(
      std::chrono::system_clock::now() + std::chrono::hours(2));
  REQUIRE(store.use(b.sum, false, later));
  REQUIRE(store.use(b.sum, true, later));
  CHECK(store.evict(5000, later).value() == a.size + b.size + a.packed_size + b.packed_size);
  CHECK(store.evict(b.size + b.packed_size, later).value() == b.size + b.packed_size);
  CHECK(store.use(a.sum, false, later).error().kind == ErrorKind::kNotFound);
  CHECK(store.use(a.sum, true, later).error().kind == ErrorKind::kNotFound);
  CHECK(store.use(b.sum, false, later));
  // What was asked for a moment ago stays.
  CHECK(store.evict(0, later).value() > 0);
  // Also what was asked for before, as each piece of a long download asks for it.
  const auto minutes = [&](int n) { return later + std::chrono::minutes(n); };
  for (const bool packed : {false, true}) REQUIRE(store.use(b.sum, packed, minutes(58)));
  CHECK(store.evict(0, minutes(110)).value() == b.size + b.packed_size);
  CHECK(store.evict(0, minutes(124)).value() == 0);
  CHECK(store.use("../x", false, later).error().kind != ErrorKind::kInternal);
}
