#include "net/http_proxy.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

using gw::net::ProxySettings;

namespace {

ProxySettings from(const std::map<std::string, std::string>& variables) {
  return ProxySettings::from_environment([&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

}  // namespace

TEST_CASE("proxies: which variable counts for which scheme") {
  const auto both = from({{"HTTP_PROXY", "http://a:1"}, {"https_proxy", "b:2"}});
  CHECK(both.proxy_for("http", "x.org", 80) == "http://a:1");
  CHECK(both.proxy_for("https", "x.org", 443) == "b:2");
  // Capitals first; an empty one is none.
  CHECK(from({{"HTTPS_PROXY", "a"}, {"https_proxy", "b"}}).https == "a");
  CHECK(from({{"HTTPS_PROXY", ""}, {"https_proxy", "b"}}).https == "b");
  // Not Go's, and not for a CGI program, where a client could have sent it.
  CHECK(from({{"ALL_PROXY", "a"}, {"all_proxy", "a"}}).proxy_for("https", "x.org", 443).empty());
  CHECK(from({{"HTTP_PROXY", "a"}, {"REQUEST_METHOD", "GET"}}).http.empty());
}

TEST_CASE("proxies: what NO_PROXY exempts") {
  struct Case {
    const char* no;
    const char* host;
    unsigned port;
    bool direct;
  };
  const Case cases[] = {
      {"", "x.org", 443, false},
      {"x.org", "x.org", 443, true},
      {"x.org", "a.x.org", 443, true},
      {"x.org", "ax.org", 443, false},
      {" X.ORG , y.org", "x.org", 443, true},
      {".x.org", "x.org", 443, false},
      {".x.org", "a.x.org", 443, true},
      {"*.x.org", "x.org", 443, false},
      {"*.x.org", "a.b.x.org", 443, true},
      {"x.org:443", "x.org", 443, true},
      {"x.org:443", "x.org", 8443, false},
      {"x.org:8443", "a.x.org", 8443, true},
      {"*.x.org:443", "a.x.org", 443, true},
      {":443", "x.org", 443, false},
      {"*", "x.org", 443, true},
      {"y.org,*", "x.org", 443, true},
      {"192.0.2.1", "192.0.2.1", 443, true},
      {"192.0.2.1:443", "192.0.2.1", 443, true},
      {"192.0.2.1:80", "192.0.2.1", 443, false},
      {"192.0.2.0/24", "192.0.2.77", 443, true},
      {"192.0.2.0/24", "192.0.3.1", 443, false},
      {"192.0.2.0/33", "192.0.2.1", 443, false},
      {"2001:db8::/32", "[2001:db8::1]", 443, true},
      {"2001:db8::/32", "2001:db9::1", 443, false},
      {"[2001:db8::1]", "2001:db8::1", 443, true},
      {"[2001:db8::1]:443", "2001:db8::1", 80, false},
      {"2001:db8::1", "2001:db8::1", 443, true},
      {"2.1", "192.0.2.1", 443, false},
      // Never by a proxy.
      {"", "localhost", 443, true},
      {"", "LOCALHOST", 443, true},
      {"", "127.1.2.3", 443, true},
      {"", "::1", 443, true},
      {"", "localhost.org", 443, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.no, c.host, c.port);
    const ProxySettings settings{.http = "", .https = "p", .no = c.no};
    CHECK(settings.proxy_for("https", c.host, c.port) == (c.direct ? "" : "p"));
  }
  CHECK(ProxySettings{.http = "", .https = "", .no = "*.x.org, y.org:443,[::2]:1"}.no_for_curl() ==
        ".x.org,y.org,::2");
}
