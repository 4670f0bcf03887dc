// A request as a handler sees it: complete, bounded, and never what two readers could take for
// different requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/endpoint.h"

namespace gw::http {

struct Header {
  std::string name;   // lower case in requests
  std::string value;  // without surrounding white space; no control characters but tabs
};

struct Request {
  std::string method;  // GET, HEAD or POST
  std::string target;  // as sent: path and query
  std::string path;    // decoded; begins with "/", holds no NUL. Dot segments are not resolved
  std::string query;   // after the "?", as sent
  std::string host;    // with its port, as sent; empty only with HTTP/1.0
  std::vector<Header> headers;
  std::string body;
  std::optional<SocketAddress> peer;  // nothing on a Unix socket
  bool tls = false;

  // The first header of that name (lower case), or nullptr.
  const std::string* header(std::string_view name) const;
};

// `text` with its percent-escapes decoded; nothing when one is incomplete, or a NUL
// is in it, escaped or not.
std::optional<std::string> decode_percent(std::string_view text);

}  // namespace gw::http
