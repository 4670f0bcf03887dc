#include "build/client.h"

#include <catch2/catch.hpp>

#include "support/net/test_server.h"
#include "support/tlog/test_log.h"
#include "tlog/evidence.h"

using namespace gw;
using namespace gw::build;
using gw::testing::TestLog;

namespace {

const Key kKey{"example.org/svc", "v0.1.0", "/cmd/svc", {"linux", "amd64"}, "go1.26.8", true};

// A binary of `size` bytes of 'x'.
std::string record(const Key& key, std::uint64_t size) {
  const std::string sum = format_binary_sum(sha256(std::string(size, 'x')));
  return tlog::format_build_record({key.view(), size, sum});
}

ProvenBuild proven(std::uint64_t size) {
  TestLog log("builds.test", tlog::kBuildLog);
  log.append(record(kKey, size));
  tlog::Client client(log, log.key(), tlog::kBuildLog);
  return *prove_build(client, kKey, std::nullopt);
}

struct Got {
  Status status;
  std::string bytes;
};
Got fetch(const test::TestServer& server, const ProvenBuild& build) {
  auto http = *net::HttpClient::create();
  std::string bytes;
  Status status = download(http, server.url(), build, [&](std::string_view piece) {
    bytes += piece;
    return Status();
  });
  return {std::move(status), std::move(bytes)};
}

// As a server with ranges does it.
test::Reply ranged(const std::string& request, const std::string& file) {
  const std::size_t at = request.find("Range: bytes=");
  if (at == std::string::npos) return test::respond(200, file);
  const std::string range = request.substr(at + 13, request.find('\r', at) - at - 13);
  const std::size_t dash = range.find('-');
  const std::size_t first = std::stoul(range.substr(0, dash));
  const std::size_t last = std::stoul(range.substr(dash + 1));
  return test::respond(206, file.substr(first, last - first + 1));
}

}  // namespace

TEST_CASE("a build that is proven", "[client]") {
  TestLog log("builds.test", tlog::kBuildLog);
  log.append(
      record({"example.org/svc", "v0.0.9", "/cmd/svc", {"linux", "amd64"}, "go1.26.8", true}, 7));
  log.append(record(kKey, 1234));
  tlog::Client client(log, log.key(), tlog::kBuildLog);
  const std::string old = log.head_note(1);
  const auto build = prove_build(client, kKey, old);
  REQUIRE(build);
  CHECK(build->size() == 1234);
  CHECK(build->head().size() == 2);
  CHECK(build->newest_note() == log.head_note(2));
  CHECK(build->download_path() == "example.org/svc@v0.1.0/cmd/svc/linux-amd64-go1.26.8-stripped/" +
                                      build->sum() + "/svc-v0.1.0-go1.26.8-stripped");
  Key other = kKey;
  other.stripped = false;
  CHECK(prove_build(client, other, std::nullopt).error().kind == ErrorKind::kNotFound);
  other.go_version = "1.26";
  CHECK(prove_build(client, other, std::nullopt).error().kind == ErrorKind::kUsage);
}

TEST_CASE("a record of another build is none of this", "[client]") {
  TestLog log("builds.test", tlog::kBuildLog);
  Key other = kKey;
  other.version = "v0.0.9";
  log.append(record(other, 7));
  log.append(record(kKey, 8));
  tlog::Client client(log, log.key(), tlog::kBuildLog);
  tlog::Client plain(log, log.key(), tlog::kBuildLog);
  const auto paths = log.fetch(
      std::vector<tlog::FetchRequest>{{"lookup/" + format_key(other), std::size_t{1} << 20}});
  log.replace("lookup/" + format_key(kKey), *paths[0]);
  CHECK(prove_build(client, kKey, std::nullopt).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("a log with another history", "[client]") {
  TestLog log("builds.test", tlog::kBuildLog);
  log.append(record({"example.org/a", "v0.0.9", "/", {"linux", "amd64"}, "go1.26.8", false}, 7));
  TestLog fork = log.fork_at(0);
  fork.append(record({"example.org/b", "v0.0.9", "/", {"linux", "amd64"}, "go1.26.8", false}, 7));
  log.append(record(kKey, 8));
  tlog::Client client(log, log.key(), tlog::kBuildLog);
  const auto build = prove_build(client, kKey, fork.head_note(1));
  REQUIRE_FALSE(build);
  CHECK(build.error().kind == ErrorKind::kUntrusted);
  CHECK(tlog::find_contradiction(build.error()) != nullptr);
  // a log that shows an older head than before is not wrong, but the larger head stays
  TestLog grown = log.fork_at(2);
  grown.append(record({"example.org/c", "v0.0.9", "/", {"linux", "amd64"}, "go1.26.8", false}, 7));
  tlog::Client both(grown, log.key(), tlog::kBuildLog);
  const std::string larger = grown.head_note(3);
  grown.serve(2);
  const auto kept = prove_build(both, kKey, larger);
  // the tiles of the larger tree are not served, so that nothing can be said
  CHECK_FALSE(kept);
}

TEST_CASE("two histories are told before whatever else is wrong with an answer", "[client]") {
  TestLog log("builds.test", tlog::kBuildLog);
  log.append(record({"example.org/a", "v0.0.9", "/", {"linux", "amd64"}, "go1.26.8", false}, 7));
  TestLog fork = log.fork_at(0);
  fork.append(record({"example.org/b", "v0.0.9", "/", {"linux", "amd64"}, "go1.26.8", false}, 7));
  log.append(record(kKey, 8));
  const std::string path = "lookup/" + format_key(kKey);
  std::string reply = *log.serve_path(path);
  reply.replace(reply.find(" 8 "), 3, " 9 ");
  log.replace(path, reply);
  tlog::Client client(log, log.key(), tlog::kBuildLog);
  const auto forked = prove_build(client, kKey, fork.head_note(1));
  REQUIRE_FALSE(forked);
  CHECK(tlog::find_contradiction(forked.error()) != nullptr);
  // One history: the answer's own fault.
  const auto wrong = prove_build(client, kKey, log.head_note(1));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().kind == ErrorKind::kUntrusted);
  CHECK(tlog::find_contradiction(wrong.error()) == nullptr);
}

TEST_CASE("where a service is", "[client]") {
  CHECK(*service_base("", "builds.example.org") == "https://builds.example.org");
  CHECK(*service_base("", "builds") == "http://builds:8000");
  CHECK(*service_base("http://127.0.0.1:80/x/", "a") == "http://127.0.0.1:80/x");
  CHECK(*service_base("https://a.example/tlog", "a") == "https://a.example");
  CHECK_FALSE(service_base("ftp://a.example", "a"));
  CHECK(pages_place("/srv/copy/tlog/") == "/srv/copy");
  CHECK(pages_place("/srv/copy") == "/srv/copy");
}

TEST_CASE("downloads in pieces", "[client]") {
  const std::string file(std::size_t{2} * 1024 * 1024 + 17, 'x');
  std::atomic<int> requests = 0;
  const test::TestServer server([&](const std::string& request) {
    // the third one is cut, and goes on where it ended
    auto reply = ranged(request, file);
    if (++requests == 3) {
      reply.bytes.resize(reply.bytes.size() - 7);
      reply.close = true;
    }
    return reply;
  });
  const Got got = fetch(server, proven(file.size()));
  REQUIRE(got.status);
  CHECK(got.bytes == file);
  CHECK(requests == 4);
}

TEST_CASE("downloads of files whose size is not known", "[client]") {
  auto http = *net::HttpClient::create();
  for (const std::size_t size : {std::size_t{17}, std::size_t{1} << 20, std::size_t{3} << 19}) {
    const std::string file(size, 'x');
    const test::TestServer server([&](const std::string& request) {
      auto first = std::stoul(request.substr(request.find("bytes=") + 6));
      return first >= file.size() ? test::respond(416, "") : ranged(request, file);
    });
    std::string got;
    FileRequest wanted;
    wanted.url = server.url("/x.gz");
    wanted.size = std::uint64_t{1} << 30;
    wanted.exact = false;
    const Sink sink = [&](std::string_view piece) {
      got += piece;
      return Status();
    };
    CHECK(download(http, wanted, sink));
    CHECK(got == file);
    wanted.size = size;
    CHECK(download(http, wanted, sink));
    wanted.size = size - 1;
    CHECK(download(http, wanted, sink).error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("a busy service is waited for", "[client]") {
  auto http = *net::HttpClient::create();
  std::atomic<int> requests = 0;
  const test::TestServer server([&](const std::string& request) {
    if (++requests == 1) return test::respond(503, "", "Retry-After: 1\r\n");
    return ranged(request, "xxx");
  });
  std::string got;
  const Sink sink = [&](std::string_view piece) {
    got += piece;
    return Status();
  };
  FileRequest wanted;
  wanted.url = server.url("/x");
  wanted.size = 3;
  wanted.patience = std::chrono::seconds(100);
  CHECK(download(http, wanted, sink));
  CHECK(got == "xxx");
  CHECK(requests == 2);
}

TEST_CASE("downloads that are not what they should be", "[client]") {
  const std::uint64_t size = 100;
  const auto fails = [&](const test::TestServer::Handler& handler, ErrorKind kind) {
    const test::TestServer server(handler);
    const Got got = fetch(server, proven(size));
    REQUIRE_FALSE(got.status);
    CHECK(got.status.error().kind == kind);
    CHECK(got.bytes.size() <= size);
  };
  const auto whole = [](std::size_t n) {
    return [n](const std::string&) { return test::respond(200, std::string(n, 'x')); };
  };
  const test::TestServer plain(whole(size));  // knows no ranges
  CHECK(fetch(plain, proven(size)).bytes.size() == size);
  fails(whole(size + 1), ErrorKind::kUntrusted);
  fails(whole(size - 1), ErrorKind::kUntrusted);
  fails([](const std::string&) { return test::respond(206, std::string(101, 'x')); },
        ErrorKind::kUntrusted);
  fails([](const std::string&) { return test::respond(206, "x"); }, ErrorKind::kUntrusted);
  fails([](const std::string&) { return test::respond(404, ""); }, ErrorKind::kNotFound);
  fails([](const std::string&) { return test::respond(500, ""); }, ErrorKind::kUnavailable);
}
