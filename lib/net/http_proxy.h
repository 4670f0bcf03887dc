// Which proxy a request goes through: HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go reads them.
//
// Problem: curl reads these variables by rules of its own: HTTP_PROXY in capitals counts for
// nothing, ALL_PROXY does, and NO_PROXY knows neither "*.example.org" nor "host:443". Whoever set
// them up for the go command must get the same here. Source: golang.org/x/net/http/httpproxy,
// FromEnvironment and ProxyFunc.
//
// Pure but for from_environment(); a value, any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace gw::net {

struct ProxySettings {
  std::string http;   // a URL, or HOST:PORT; empty: none
  std::string https;  // for https URLs
  std::string no;     // hosts, domains, addresses and networks that are asked directly

  // What the environment says of a variable; null: it is not there.
  using Variable = std::function<const char*(const char*)>;
  // Capitals before small letters. In a CGI program (REQUEST_METHOD) HTTP_PROXY may be what a
  // client sent as its header "Proxy", and does not count.
  static ProxySettings from_environment(const Variable& variable);

  // For a URL that check_url() takes; "" is none.
  std::string proxy_for(std::string_view scheme, std::string_view host, unsigned port) const;

  // The hosts and domains of `no` as curl's list has them, for where a redirect may lead.
  std::string no_for_curl() const;
};

}  // namespace gw::net
