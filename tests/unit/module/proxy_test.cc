#include "module/proxy.h"

#include <catch2/catch.hpp>

#include "module/dirhash.h"

using namespace gw;
using namespace gw::mod;
using Kind = ProxyRequest::Kind;

namespace {

bool proxy_has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

ProxyEntry url(const std::string& place, bool after_any = false) {
  return {ProxyEntry::Kind::kUrl, place, after_any};
}
ProxyEntry proxy_file(const std::string& place, bool after_any = false) {
  return {ProxyEntry::Kind::kFile, place, after_any};
}
const ProxyEntry kDirect = {ProxyEntry::Kind::kDirect, "", false};
const ProxyEntry kOff = {ProxyEntry::Kind::kOff, "", false};

}  // namespace

TEST_CASE("lists as in GOPROXY") {
  struct {
    const char* list;
    std::vector<ProxyEntry> entries;
  } const cases[] = {
      {"https://proxy.golang.org,direct", {url("https://proxy.golang.org"), kDirect}},
      {"direct", {kDirect}},
      {"off", {kOff}},
      {"https://a.b|https://c.d/x//,off", {url("https://a.b", true), url("https://c.d/x"), kOff}},
      {" https://a.b , ,direct|https://never.asked", {url("https://a.b"), kDirect}},
      {"http://127.0.0.1:3000/", {url("http://127.0.0.1:3000")}},
      {"proxy.example.com", {url("https://proxy.example.com")}},
      {"localhost:3000/x", {url("https://localhost:3000/x")}},
      {"http://[::1]:3000/x", {url("http://[::1]:3000/x")}},
      {"http://[::1]", {url("http://[::1]")}},
      {"HTTPS://A.B", {url("HTTPS://A.B")}},
      {"https://user:word@a.b/x", {url("https://user:word@a.b/x")}},
      {"file:///srv/go%20proxy/", {proxy_file("/srv/go proxy")}},
      {"file:/srv|file:///", {proxy_file("/srv", true), proxy_file("/")}},
  };
  for (const auto& c : cases) {
    INFO(c.list);
    const auto entries = parse_proxy_entries(c.list);
    INFO((entries ? std::string() : entries.error().message));
    REQUIRE(entries);
    CHECK(*entries == c.entries);
  }
  for (const char* bad : {"",
                          " , |",
                          "word",
                          "/srv/proxy",
                          "ftp://a.b",
                          "https://",
                          "https:///x",
                          "https:/a.b",
                          "https://a.b?x",
                          "https://a.b#x",
                          "https://a b",
                          "https://a.b\x01",
                          "file://host/x",
                          "file:x",
                          "file:///x?y",
                          "file:///%zz",
                          "file:///%0",
                          "file:///%00",
                          "://a.b",
                          "https://a.b,word",
                          "https://a.b:x",
                          "https://a.b:",
                          "https://u@",
                          "https://:80",
                          "https://a.b:70000"}) {
    INFO(bad);
    const auto entries = parse_proxy_entries(bad);
    REQUIRE(!entries);
    CHECK(entries.error().kind == ErrorKind::kUsage);
  }
  const auto secret = parse_proxy_entries("https://user:pass%word@a.b?x");
  CHECK(proxy_has(secret.error().message, "https://...@a.b"));
  CHECK(!proxy_has(secret.error().message, "pass"));
}

TEST_CASE("paths below a proxy") {
  struct {
    ProxyRequest request;
    const char* path;
  } const cases[] = {
      {{Kind::kList, "golang.org/x/mod", ""}, "golang.org/x/mod/@v/list"},
      {{Kind::kLatest, "github.com/BurntSushi/toml", ""}, "github.com/!burnt!sushi/toml/@latest"},
      {{Kind::kInfo, "golang.org/x/mod", "v0.33.0"}, "golang.org/x/mod/@v/v0.33.0.info"},
      {{Kind::kInfo, "golang.org/x/mod", "Main"}, "golang.org/x/mod/@v/!main.info"},
      {{Kind::kInfo, "golang.org/x/mod", "x.info"}, "golang.org/x/mod/@v/x.info.info"},
      {{Kind::kInfo, "golang.org/x/mod", "latest"}, "golang.org/x/mod/@v/latest.info"},
      {{Kind::kMod, "a.b/c", "v2.0.0+incompatible"}, "a.b/c/@v/v2.0.0+incompatible.mod"},
      {{Kind::kMod, "a.b/c", "v1.0.0-RC1"}, "a.b/c/@v/v1.0.0-!r!c1.mod"},
      {{Kind::kZip, "golang.org/toolchain", "v0.0.1-go1.26.8.linux-amd64"},
       "golang.org/toolchain/@v/v0.0.1-go1.26.8.linux-amd64.zip"},
  };
  for (const auto& c : cases) {
    INFO(c.path);
    CHECK(format_proxy_path(c.request).value() == c.path);
    CHECK(parse_proxy_path(c.path).value() == c.request);
  }
  for (const ProxyRequest& bad :
       {ProxyRequest{Kind::kList, "", ""}, ProxyRequest{Kind::kLatest, "../a.b", ""},
        ProxyRequest{Kind::kInfo, "a.b/c", ""}, ProxyRequest{Kind::kInfo, "a.b/c", "../x"},
        ProxyRequest{Kind::kInfo, "a.b/c", "a/b"}, ProxyRequest{Kind::kMod, "a.b/c", "main"},
        ProxyRequest{Kind::kZip, "a.b/c", "v2.0.0"}, ProxyRequest{Kind::kZip, "a.b/c", "v1"}}) {
    CHECK(format_proxy_path(bad).error().kind == ErrorKind::kUsage);
  }
  for (const char* bad : {"",
                          "golang.org/x/mod",
                          "golang.org/x/mod/@v/",
                          "golang.org/x/mod/@v/list/",
                          "/golang.org/x/mod/@v/list",
                          "@v/list",
                          "@latest",
                          "golang.org/x/mod/@v/v1.0.0",
                          "golang.org/x/mod/@v/v1.0.0.ziphash",
                          "golang.org/x/mod/@v/.info",
                          "golang.org/x/mod/@v/v1.zip",
                          "golang.org/x/mod/@v/v2.0.0.mod",
                          "github.com/BurntSushi/toml/@latest",
                          "a.b/c/@v/@v/v1.0.0.mod",
                          "a.b/../c/@v/list",
                          "a.b//c/@v/list",
                          "a.b/c/@v/../x.info",
                          "a.b/c/@v/x/y.info",
                          "sumdb/sum.golang.org/latest",
                          "a.b/c/@v/list?x"}) {
    INFO(bad);
    CHECK(parse_proxy_path(bad).error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("limits of answers") {
  CHECK(max_answer_bytes(Kind::kZip) == 500U << 20U);
  CHECK(max_answer_bytes(Kind::kMod) == 16U << 20U);
  CHECK(max_answer_bytes(Kind::kList) == 4U << 20U);
  CHECK(max_answer_bytes(Kind::kInfo) == max_answer_bytes(Kind::kLatest));
}

TEST_CASE("lists of versions: what is none is ignored") {
  const auto list = [](const char* text) { return parse_version_list("a.b/c", text); };
  CHECK(list("v1.10.0\nv1.9.0\nv0.1.0\nv1.10.0-rc.1\n") ==
        std::vector<std::string>{"v0.1.0", "v1.9.0", "v1.10.0-rc.1", "v1.10.0"});
  CHECK(list("v1.0.0") == std::vector<std::string>{"v1.0.0"});
  CHECK(list("v1.0.0\nv1.0.0\r\n \tv1.0.0 2020-01-01T00:00:00Z x\n\n").size() == 1);
  CHECK(list("v2.0.0+incompatible\n").size() == 1);
  CHECK(list("").empty());
  CHECK(list("<html>\n404\nx v1.0.0\n1.0.0\nv1\nv1.2\nv01.0.0\nv1.0.0+meta\nv2.0.0\nV1.0.0\n")
            .empty());
  CHECK(list("v0.0.0-20250915201037-7f05d217867b\nv1.0.1-0.20250915201037-7f05d217867b\n").empty());
  CHECK(parse_version_list("golang.org/toolchain",
                           "v0.0.1-go1.9rc2.windows-amd64\n"
                           "v0.0.1-go1.26.8.linux-amd64\n")
            .size() == 2);
}

TEST_CASE("the latest by time, of a list without tags") {
  const auto latest = [](const char* text) { return find_latest_by_time("a.b/c", text); };
  CHECK(latest("v0.0.0-20240101000000-000000000001\nv0.0.0-20250101000000-000000000000\n"
               "v0.0.0-20230101000000-000000000002\n") == "v0.0.0-20250101000000-000000000000");
  CHECK(latest("v0.0.1 2025-01-01T00:00:00Z\nv0.0.2 2024-01-01T00:00:00Z\n") == "v0.0.1");
  CHECK(latest("v0.0.1 yesterday\nv0.0.0-20240101000000-000000000001\n") ==
        "v0.0.0-20240101000000-000000000001");
  CHECK(latest("v0.0.1\nv0.0.2\n") == std::nullopt);
  CHECK(latest("v0.0.0-20241301000000-000000000001\n") == std::nullopt);
  CHECK(latest("") == std::nullopt);
}

TEST_CASE("version info") {
  const ProxyRequest asked{Kind::kInfo, "a.b/c", "v1.0.0"};
  const auto real = parse_version_info(
      {Kind::kInfo, "filippo.io/edwards25519", "v1.1.0"},
      R"({"Version":"v1.1.0","Time":"2023-12-10T19:31:43Z","Origin":{"VCS":"git","URL":)"
      R"("https://github.com/FiloSottile/edwards25519","Hash":"325f520de716c1d2d2b4e8dc2f82c7f5fac6e83e"}})");
  REQUIRE(real);
  CHECK(real->version == "v1.1.0");
  CHECK(format_rfc3339(real->time.value()) == "2023-12-10T19:31:43Z");
  CHECK(!parse_version_info(asked, R"({"Version":"v1.0.0"})")->time);
  CHECK(!parse_version_info(asked, R"({"Version":"v1.0.0","Time":null})")->time);
  // A query may have any answer that fits, a version has itself.
  const ProxyRequest branch{Kind::kInfo, "a.b/c", "main"};
  CHECK(parse_version_info(branch, R"({"Version":"v1.2.3"})")->version == "v1.2.3");
  CHECK(parse_version_info({Kind::kInfo, "a.b/c", "v1"}, R"({"Version":"v1.2.3"})"));
  CHECK(parse_version_info({Kind::kLatest, "a.b/c", ""}, R"({"Version":"v1.2.3"})"));
  for (const char* bad : {"", "v1.0.0", "[]", "null", R"("v1.0.0")", "{}", R"({"Version":1})",
                          R"({"Version":""})", R"({"Version":"main"})", R"({"Version":"v1"})",
                          R"({"Version":"v2.0.0"})", R"({"Version":"v1.0.1"})",
                          R"({"Version":"v1.0.0"} x)", R"({"Version":"v1.0.0","Time":"yesterday"})",
                          R"({"Version":"v1.0.0","Time":1})", R"({"Version":"../../x"})"}) {
    INFO(bad);
    CHECK(parse_version_info(asked, bad).error().kind == ErrorKind::kUntrusted);
  }
  CHECK(proxy_has(parse_version_info(asked, R"({"Version":"v1.0.1"})").error().message,
                  "v1.0.1 where v1.0.0 was asked for"));
  CHECK(!parse_version_info(branch, R"({"Version":"main"})"));
  CHECK(!parse_version_info(branch, R"({"Version":"v3.0.0"})"));
}

TEST_CASE("go.mod is proven before anything reads it") {
  const std::string text = "module golang.org/x/sys\n\ngo 1.18\n";
  const std::string_view sum = "h1:/VUhepiaJMQUp4+oa/7Zr1D23ma6VTLIYjOOTFZPUcA=";
  CHECK(verify_gomod(text, sum));
  CHECK(verify_gomod(text + " ", sum).error().kind == ErrorKind::kUntrusted);
  CHECK(!verify_gomod(text, ""));
  CHECK(!verify_gomod(std::string((16U << 20U) + 1, ' '), sum));
}
