#include "build/proxy_client.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <type_traits>

#include "support/net/test_server.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;
using Kind = mod::ProxyRequest::Kind;

namespace {

const mod::ProxyRequest kMod{Kind::kMod, "example.org/A", "v1.0.0"};
constexpr const char* kPath = "/example.org/!a/@v/v1.0.0.mod";

std::string fetch(const std::string& list, const mod::ProxyRequest& request = kMod) {
  auto client = ProxyClient::create(list, {});
  if (!client) return std::string(error_kind_name(client.error().kind));
  auto body = (*client)->fetch(request);
  return body ? *body : std::string(error_kind_name(body.error().kind));
}

std::string name(ErrorKind kind) { return std::string(error_kind_name(kind)); }

}  // namespace

TEST_CASE("the proxies of a list are asked in turn, as the go command does") {
  const testing::TempDir dir;
  std::filesystem::create_directories(dir.file("example.org/!a/@v"));
  std::ofstream(dir.file("example.org/!a/@v/v1.0.0.mod")) << "from the file";
  const std::string file = "file://" + dir.path();
  const std::string none = "file://" + dir.file("nowhere");
  test::TestServer good([](const std::string&) { return test::respond(200, "from the server"); });
  test::TestServer gone([](const std::string&) { return test::respond(410, "gone"); });
  test::TestServer broken([](const std::string&) { return test::respond(500, "broken"); });

  CHECK(fetch(file) == "from the file");
  CHECK(fetch(good.url()) == "from the server");
  CHECK(good.requests()[0].starts_with("GET " + std::string(kPath) + " HTTP"));
  CHECK(fetch(gone.url() + "," + file) == "from the file");
  CHECK(fetch(none + "," + good.url()) == "from the server");
  CHECK(fetch(broken.url() + "," + file) == name(ErrorKind::kUnavailable));
  CHECK(fetch(broken.url() + "|" + file) == "from the file");
  // What the one that failed would have said is not known.
  CHECK(fetch(broken.url() + "|" + gone.url()) == name(ErrorKind::kUnavailable));
  CHECK(fetch(gone.url() + ",direct") == name(ErrorKind::kNotFound));
  CHECK(fetch("off") == name(ErrorKind::kNotFound));
  CHECK(fetch("off," + file) == name(ErrorKind::kNotFound));
  CHECK(fetch("") == name(ErrorKind::kUsage));
}

TEST_CASE("a proxy may send elsewhere, but not without end") {
  test::TestServer store([](const std::string&) { return test::respond(200, "stored"); });
  test::TestServer proxy([&](const std::string&) {
    return test::respond(302, "", "Location: " + store.url("/x") + "\r\n");
  });
  CHECK(fetch(proxy.url()) == "stored");
  std::string self;
  test::TestServer loop(
      [&](const std::string&) { return test::respond(302, "", "Location: " + self + "\r\n"); });
  self = loop.url("/y");
  CHECK(fetch(loop.url()) == name(ErrorKind::kUnavailable));
}

TEST_CASE("an answer without end is cut") {
  test::TestServer server([](const std::string&) {
    return test::Reply{
        .bytes = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(1 << 17, 'x'),
        .close = true};
  });
  CHECK(fetch(server.url(), {Kind::kInfo, "example.org/A", "v1.0.0"}) ==
        name(ErrorKind::kUntrusted));
}

TEST_CASE("a file proxy is left by no link and no path") {
  const testing::TempDir dir;
  std::filesystem::create_directories(dir.file("example.org/!a/@v"));
  std::filesystem::create_symlink("/etc/passwd", dir.file("example.org/!a/@v/v1.0.0.mod"));
  CHECK(fetch("file://" + dir.path()) == name(ErrorKind::kUntrusted));
  CHECK(fetch("file://" + dir.path(), {Kind::kMod, "../x", "v1.0.0"}) == name(ErrorKind::kUsage));
}

TEST_CASE("what comes of a zip is told while it comes, and bounded as ever") {
  const std::string bytes(300'000, 'x');
  test::TestServer store([&](const std::string&) { return test::respond(200, bytes); });
  test::TestServer proxy([&](const std::string& head) {
    return head.find(".zip") == std::string::npos
               ? test::respond(200, "a go.mod")
               : test::respond(302, "elsewhere", "Location: " + store.url("/x") + "\r\n");
  });
  test::TestServer gone([](const std::string&) {
    return test::respond(404, "no such zip", "Content-Type: text/plain\r\n");
  });
  std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
  const auto fetch_from = [&](const std::string& list, Kind kind) {
    auto client = ProxyClient::create(
        list, {}, [&](const mod::ProxyRequest& request, std::uint64_t got, std::uint64_t all) {
          CHECK(request.module == "example.org/A");
          told.emplace_back(got, all);
        });
    return (*client)->fetch({kind, "example.org/A", "v1.0.0"});
  };
  CHECK(fetch_from(proxy.url(), Kind::kZip).value() == bytes);
  REQUIRE(!told.empty());
  CHECK(told.back() == std::pair<std::uint64_t, std::uint64_t>(300'000, 300'000));
  CHECK(std::is_sorted(told.begin(), told.end()));
  told.clear();
  CHECK(fetch_from(proxy.url(), Kind::kMod).value() == "a go.mod");
  const auto none = fetch_from(gone.url(), Kind::kZip);
  REQUIRE(!none);
  CHECK(none.error().kind == ErrorKind::kNotFound);
  CHECK(none.error().message.find("no such zip") != std::string::npos);
  CHECK(told.empty());
}
