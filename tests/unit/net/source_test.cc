#include "net/source.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <mutex>

#include "net/source_http.h"
#include "os/file.h"
#include "support/net/test_server.h"

using namespace gw;
using namespace gw::net;
using namespace std::chrono_literals;
using test::Reply;
using test::request_path;
using test::respond;
using test::TestServer;
using tlog::FetchRequest;

namespace {

struct SourceScratch {
  SourceScratch() {
    path = std::filesystem::temp_directory_path() / "gw-source-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~SourceScratch() { std::filesystem::remove_all(path); }
  void put(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories(std::filesystem::path(path + "/" + name).parent_path());
    REQUIRE(os::create_file(path + "/" + name, bytes, 0644));
  }
  std::string path;
};

std::unique_ptr<tlog::TileSource> source(SourceOptions options) {
  if (options.log_name.empty()) options.log_name = "log.example";
  auto made = make_source(options);
  REQUIRE(made);
  return *std::move(made);
}

Result<std::string> fetch_one(tlog::TileSource& from, const std::string& path,
                              std::size_t max = 1000) {
  FetchRequest request{path, max};
  auto results = from.fetch({&request, 1});
  REQUIRE(results.size() == 1);
  return std::move(results[0]);
}

ErrorKind kind(Result<std::string> r) {
  REQUIRE(!r);
  return r.error().kind;
}

}  // namespace

TEST_CASE("source: which paths a log can have") {
  for (const char* path :
       {"latest", "tile/8/0/x001/234.p/5", "lookup/github.com/!azure/a_b~c@v1.0.0+incompatible",
        "lookup/a.b/c@v1.0.0/linux-amd64-go1.26.8/", "a", ".hidden", "...", "a..b/c"}) {
    CAPTURE(path);
    CHECK(is_source_path(path));
  }
  using namespace std::string_literals;
  for (const std::string& path :
       {""s,        "lookup/"s, "lookup//"s, "lookup/a//"s, "tile/8/"s, "/latest"s,
        "latest/"s, "a//b"s,    "."s,        ".."s,         "a/../b"s,  "../x"s,
        "a/.."s,    "a/./b"s,   "a b"s,      "a\0b"s,       "a?b"s,     "a#b"s,
        "a%2e%2e"s, "a\\b"s,    "\xc3\xa4"s, "a\nb"s,       "a[b"s,     std::string(4097, 'a')}) {
    CAPTURE(path);
    CHECK_FALSE(is_source_path(path));
  }
}

TEST_CASE("source: a directory") {
  SourceScratch scratch;
  scratch.put("log/latest", "head");
  scratch.put("log/tile/8/0/000.p/5", "partial");
  scratch.put("log/empty", "");
  scratch.put("secret", "outside");
  std::filesystem::create_symlink("latest", scratch.path + "/log/link");
  std::filesystem::create_symlink("self", scratch.path + "/log/self");
  REQUIRE(::mkfifo((scratch.path + "/log/fifo").c_str(), 0644) == 0);
  for (const std::string& named : {scratch.path + "/log", "file://" + scratch.path + "/log"}) {
    auto from = source({.source = named});
    CHECK(from->describe() == "directory " + scratch.path + "/log");
    std::vector<FetchRequest> requests = {
        {"latest", 4},      {"missing", 9}, {"latest", 3},   {"tile/8/0/000.p/5", 100},
        {"../secret", 100}, {"empty", 0},   {"tile/8", 100}, {"latest/x", 100},
        {"fifo", 100},      {"link", 100},  {"self", 100},   {std::string(300, 'a'), 100}};
    auto results = from->fetch(requests);
    REQUIRE(results.size() == requests.size());
    CHECK(*results[0] == "head");
    CHECK(kind(results[1]) == ErrorKind::kNotFound);
    CHECK(results[1].error().message == scratch.path + "/log/missing: no such file");
    CHECK(kind(results[2]) == ErrorKind::kUntrusted);
    CHECK(*results[3] == "partial");
    CHECK(kind(results[4]) == ErrorKind::kUsage);
    CHECK(results[5]->empty());
    CHECK(kind(results[6]) == ErrorKind::kNotFound);
    CHECK(kind(results[7]) == ErrorKind::kNotFound);
    CHECK(kind(results[8]) == ErrorKind::kNotFound);
    CHECK(*results[9] == "head");
    CHECK(kind(results[10]) == ErrorKind::kIo);
    CHECK(kind(results[11]) == ErrorKind::kNotFound);
  }
  // A build's lookup is a page.
  scratch.put("log/lookup/a.b@v1.0.0/x/index.html", "page");
  std::vector<FetchRequest> lookups = {{"lookup/a.b@v1.0.0/x/", 9}, {"lookup/a.b@v1.0.0/x", 9}};
  auto pages = source({.source = scratch.path + "/log"})->fetch(lookups);
  CHECK(*pages[0] == "page");
  CHECK(kind(pages[1]) == ErrorKind::kNotFound);
  // A directory that is swapped for another is followed; one that goes away is an error.
  auto from = source({.source = scratch.path + "/log"});
  CHECK(*fetch_one(*from, "latest") == "head");
  std::filesystem::rename(scratch.path + "/log", scratch.path + "/old");
  CHECK(kind(fetch_one(*from, "latest")) == ErrorKind::kIo);
  scratch.put("log/latest", "new head");
  CHECK(*fetch_one(*from, "latest") == "new head");
}

TEST_CASE("source: options that are wrong") {
  SourceScratch scratch;
  scratch.put("file", "x");
  const SourceOptions cases[] = {
      {.source = scratch.path + "/missing"},
      {.source = scratch.path + "/file"},
      {.source = "ftp://log.example/"},
      {.source = "file://host/dir"},
      {.source = "file:///nonexistent/dir"},
      {.source = "https://log.example/?q"},
      {.source = "https://log.example/#f"},
      {.source = "https://"},
      {.proxy = "proxy.example"},
      {.proxy = ","},
      {.proxy = "https://a.example,file:///x"},
      {.proxy = "https://a.example|ftp://b"},
      {.source = scratch.path + "/missing", .proxy = "https://a.example"},
      {.http = {.ca_file = "/nonexistent/ca.pem"}},
  };
  for (SourceOptions options : cases) {
    CAPTURE(options.source, options.proxy);
    options.log_name = "log.example";
    auto made = make_source(options);
    REQUIRE(!made);
    CHECK(made.error().kind == ErrorKind::kUsage);
  }
  CHECK_FALSE(make_source({.log_name = "a b"}));
  CHECK_FALSE(make_source({.log_name = "../x"}));
  CHECK(source({})->describe() == "https://log.example");
  CHECK(source({.source = "https://u:p@mirror.example/go//"})->describe() ==
        "https://mirror.example/go");
}

TEST_CASE("source: a web address") {
  TestServer server([](const std::string& request) {
    std::string path = request_path(request);
    if (path == "/base/latest") return respond(200, "head");
    if (path == "/base/moved") return respond(301, "", "Location: /base/latest\r\n");
    if (path == "/base/gone") return respond(410, "");
    if (path == "/base/broken") return respond(500, "");
    if (path == "/base/html") return respond(403, "<html>");
    if (path == "/base/cut") {
      return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", .close = true};
    }
    return respond(404, "");
  });
  auto from = source({.source = server.url("/base/"), .pause = std::chrono::milliseconds(0)});
  CHECK(from->describe() == server.url("/base"));
  std::vector<FetchRequest> requests = {{"latest", 4}, {"moved", 4}, {"../x", 9},   {"latest", 3},
                                        {"gone", 9},   {"none", 9},  {"broken", 9}, {"html", 9},
                                        {"cut", 9},    {"latest", 9}};
  auto results = from->fetch(requests);
  REQUIRE(results.size() == requests.size());
  CHECK(*results[0] == "head");
  CHECK(*results[1] == "head");
  CHECK(kind(results[2]) == ErrorKind::kUsage);
  CHECK(kind(results[3]) == ErrorKind::kUntrusted);
  CHECK(kind(results[4]) == ErrorKind::kNotFound);
  CHECK(kind(results[5]) == ErrorKind::kNotFound);
  CHECK(kind(results[6]) == ErrorKind::kUnavailable);
  CHECK(kind(results[7]) == ErrorKind::kUnavailable);
  CHECK(kind(results[8]) == ErrorKind::kUnavailable);
  CHECK(*results[9] == "head");
  CHECK(results[5].error().message == server.url("/base/none") + ": status 404");
  CHECK(from->fetch({}).empty());
}

TEST_CASE("source: a file that failed while others came is asked for again") {
  std::mutex mutex;
  std::map<std::string, int> asked;
  const auto count = [&](const std::string& path) {
    const std::lock_guard lock(mutex);
    return asked[path];
  };
  const int bad = GENERATE(1, 5, 6);
  TestServer server([&](const std::string& request) {
    const std::string path = request_path(request);
    const std::lock_guard lock(mutex);
    const int times = ++asked[path];
    if (path == "/flaky" && times <= bad) return respond(503, "");
    if (path == "/cut" && times <= bad) {
      return Reply{.bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", .close = true};
    }
    if (path == "/gone") return respond(404, "");
    if (path == "/forbidden") return respond(403, "");
    return respond(200, "fine");
  });
  auto from = source({.source = server.url(), .pause = std::chrono::milliseconds(0)});
  const std::vector<FetchRequest> requests = {
      {"flaky", 9}, {"good", 9}, {"gone", 9}, {"cut", 9}, {"forbidden", 9}};
  const auto results = from->fetch(requests);
  REQUIRE(results.size() == 5);
  CHECK(results[0].has_value() == (bad < 6));
  CHECK(*results[1] == "fine");
  CHECK(kind(results[2]) == ErrorKind::kNotFound);
  CHECK(results[3].has_value() == (bad < 6));
  CHECK(kind(results[4]) == ErrorKind::kUnavailable);
  CHECK(count("/good") == 1);
  CHECK(count("/gone") == 1);
  CHECK(count("/forbidden") == 1);
  CHECK(count("/flaky") == std::min(bad + 1, 6));
  // Alone it is for the caller to wait.
  CHECK(kind(fetch_one(*from, "forbidden")) == ErrorKind::kUnavailable);
  CHECK(count("/forbidden") == 2);
}

TEST_CASE("source: a server that asks to be left alone is") {
  TestServer server([](const std::string& request) {
    if (request_path(request) == "/busy") return respond(503, "", "Retry-After: 100000\r\n");
    return respond(200, "fine", "Retry-After: 50\r\n");
  });
  auto from = source({.source = server.url()});
  CHECK(fetch_one(*from, "fine"));
  CHECK(fetch_one(*from, "fine"));
  CHECK(kind(fetch_one(*from, "busy")) == ErrorKind::kUnavailable);
  auto left = fetch_one(*from, "fine");
  CHECK(kind(left) == ErrorKind::kUnavailable);
  CHECK(left.error().message == server.url() + ": asked not to be asked again for 300 s");
  CHECK(server.requests().size() == 3);
}

TEST_CASE("source: a busy server is waited for, but not for ever") {
  std::atomic<int> asked = 0;
  TestServer server([&](const std::string& request) {
    if (request_path(request) == "/later") return respond(503, "", "Retry-After: 200\r\n");
    if (++asked < 3) return respond(503, "", "Retry-After: 1\r\n");
    return respond(200, "fine");
  });
  auto from = source({.source = server.url(), .patience = std::chrono::seconds(100)});
  CHECK(*fetch_one(*from, "busy") == "fine");
  CHECK(asked == 3);
  // Too late for this one.
  CHECK(kind(fetch_one(*from, "later")) == ErrorKind::kUnavailable);
  CHECK(server.requests().size() == 4);
  // However often it says so.
  asked = -100;
  auto hasty = source({.source = server.url(), .patience = std::chrono::seconds(1)});
  CHECK(kind(fetch_one(*hasty, "busy")) == ErrorKind::kUnavailable);
  CHECK(asked < -90);
  os::Stop stop;
  stop.request();
  auto ended =
      source({.source = server.url(), .http = {.stop = &stop}, .patience = std::chrono::hours(1)});
  CHECK(kind(fetch_one(*ended, "later")) == ErrorKind::kUnavailable);
}

TEST_CASE("source: proxy lists") {
  using E = mod::ProxyEntry;
  using Kind = E::Kind;
  struct Case {
    const char* text;
    std::vector<E> list;
  };
  const Case cases[] = {
      {"https://a.example/", {{Kind::kUrl, "https://a.example", false}}},
      {"https://a.example,direct",
       {{Kind::kUrl, "https://a.example", false}, {Kind::kDirect, "", false}}},
      {"https://a.example|http://b.example/x/,off",
       {{Kind::kUrl, "https://a.example", true},
        {Kind::kUrl, "http://b.example/x", false},
        {Kind::kOff, "", false}}},
      {"direct", {{Kind::kDirect, "", false}}},
      {"off,https://a.example", {{Kind::kOff, "", false}}},
      {" https://a.example , , direct ",
       {{Kind::kUrl, "https://a.example", false}, {Kind::kDirect, "", false}}},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    auto list = parse_proxy_list(c.text);
    REQUIRE(list);
    CHECK(*list == c.list);
  }
  // Unlike the go command's own: a log comes over HTTP, and nothing is guessed.
  for (const char* bad : {"", " ,", "a.example", "file:///srv", "https://a.example,ftp://b.example",
                          "https://a.example?x"}) {
    CAPTURE(bad);
    const auto list = parse_proxy_list(bad);
    REQUIRE(!list);
    CHECK(list.error().kind == ErrorKind::kUsage);
  }
  CHECK(parse_proxy_list("https://a.example,ftp://b.example").error().message ==
        "bad URL \"ftp://b.example\": neither http:// nor https://");
}

namespace {

// A module proxy: answers "supported" with a status, and carries one file.
struct Proxy {
  explicit Proxy(int supported)
      : server([supported](const std::string& request) {
          std::string path = request_path(request);
          if (path == "/p/sumdb/log.example/supported") return respond(supported, "");
          if (path == "/p/sumdb/log.example/latest") return respond(200, "through proxy");
          if (path == "/latest") return respond(200, "direct");
          return respond(404, "");
        }) {}
  std::string url() const { return server.url("/p"); }
  TestServer server;
};

}  // namespace

TEST_CASE("source: the first proxy that carries the log is used, and no other") {
  Proxy none(404);
  Proxy gone(410);
  Proxy broken(500);
  Proxy carries(200);
  Proxy never(200);
  Proxy direct(404);
  struct Case {
    std::string list;
    std::string body;  // or
    std::string error;
  };
  const std::string is_direct = "direct";
  const std::string proxied = "through proxy";
  const Case cases[] = {
      {carries.url() + "," + never.url(), proxied, ""},
      {none.url() + "," + gone.url() + "," + carries.url() + "," + never.url(), proxied, ""},
      {none.url() + "|" + carries.url(), proxied, ""},
      {broken.url() + "|" + carries.url(), proxied, ""},
      {broken.url() + "," + carries.url(), "", "status 500"},
      {none.url() + ",direct", is_direct, ""},
      {none.url(), is_direct, ""},
      {broken.url() + "|direct", is_direct, ""},
      {broken.url(), "", "status 500"},
      {none.url() + ",off", "", "ends in off"},
      {"off", "", "ends in off"},
      {"direct," + never.url(), is_direct, ""},
  };
  for (const Case& c : cases) {
    CAPTURE(c.list);
    auto from = source({.source = direct.server.url(), .proxy = c.list});
    for (int i = 0; i < 2; ++i) {
      auto r = fetch_one(*from, "latest");
      if (c.error.empty()) {
        REQUIRE(r);
        CHECK(*r == c.body);
      } else {
        // A list in which nobody carries the log is a mistake, and not to be tried again.
        CHECK(kind(r) == (c.error == "ends in off" ? ErrorKind::kUsage : ErrorKind::kUnavailable));
        CHECK(r.error().message.find(c.error) != std::string::npos);
      }
    }
    if (c.body == proxied) {
      CHECK(from->describe() == carries.url() + "/sumdb/log.example");
      CHECK(kind(fetch_one(*from, "tile/8/0/000")) == ErrorKind::kNotFound);
    }
  }
  CHECK(never.server.requests().empty());
  for (const std::string& r : direct.server.requests()) CHECK(request_path(r) == "/latest");
}

TEST_CASE("source: a web page is no file of a log, and no proxy that carries it") {
  for (const std::string page : {"<!DOCTYPE html><html>", "\n <HTML lang=en>"}) {
    TestServer portal([&](const std::string&) { return respond(200, page); });
    auto from = source({.source = portal.url("")});
    for (const char* path : {"latest", "lookup/a.b/c@v1.0.0", "tile/8/0/000"}) {
      const auto r = fetch_one(*from, path);
      CHECK(kind(r) == ErrorKind::kUnavailable);
      CHECK(r.error().message == portal.url("/") + path + ": a web page, and no file of a log");
      CHECK_FALSE(r.error().hint.empty());
    }
    Proxy carries(200);
    auto any =
        source({.source = "http://127.0.0.1:1", .proxy = portal.url("") + "|" + carries.url()});
    CHECK(fetch_one(*any, "latest").value() == "through proxy");
    auto first =
        source({.source = "http://127.0.0.1:1", .proxy = portal.url("") + "," + carries.url()});
    CHECK(kind(fetch_one(*first, "latest")) == ErrorKind::kUnavailable);
  }
}

TEST_CASE("source: what a proxy says of itself is never a security error") {
  struct Case {
    int status;
    std::size_t size;
    std::string list;
    std::optional<ErrorKind> error;
  };
  const Case cases[] = {
      {200, 100'000, "", std::nullopt},
      {404, 100'000, ",off", ErrorKind::kUsage},
      {500, 100'000, "", ErrorKind::kUnavailable},
      {200, 2'000'000, "", ErrorKind::kUnavailable},
      {404, 2'000'000, "", ErrorKind::kUnavailable},
      {200, 2'000'000, "|off", ErrorKind::kUnavailable},
  };
  for (const Case& c : cases) {
    CAPTURE(c.status, c.size, c.list);
    TestServer server([&](const std::string& request) {
      if (!request_path(request).ends_with("/supported")) return respond(200, "through proxy");
      return respond(c.status, std::string(c.size, 'x'));
    });
    auto from = source({.proxy = server.url() + c.list});
    const auto r = fetch_one(*from, "latest");
    if (c.error) {
      CHECK(kind(r) == *c.error);
    } else {
      CHECK(r.value() == "through proxy");
    }
  }
}

TEST_CASE("source: a proxy is asked once whether it carries the log") {
  std::atomic<int> probes{0};
  TestServer server([&](const std::string& request) {
    if (!request_path(request).ends_with("/supported")) return respond(200, "yes");
    return respond(probes++ == 0 ? 503 : 200, "");
  });
  auto from = source({.proxy = server.url()});
  // An answer that decides nothing is asked for again.
  CHECK(kind(fetch_one(*from, "latest")) == ErrorKind::kUnavailable);
  for (int i = 0; i < 3; ++i) CHECK(fetch_one(*from, "latest"));
  CHECK(probes == 2);
}
