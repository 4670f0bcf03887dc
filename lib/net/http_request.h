// A request as a client sent it, parsed strictly (RFC 9112): what two readers could take for
// different requests is refused. Part of the HTTP server; its fuzz target includes this too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"

namespace gw::net {

struct RequestLimits {
  std::size_t max_headers = 16 << 10;
  std::size_t max_body = 64 << 10;
  std::vector<std::string> methods = {"GET", "HEAD"};
};

struct ParsedRequest {
  enum State {
    kIncomplete,  // more bytes are needed
    kComplete,    // `request` is set
    kRefused,     // answer `status` and close: where the next request begins is not known
  } state = kIncomplete;
  ServerRequest request;
  std::size_t size = 0;  // kComplete: bytes of the input that were this request
  bool keep_alive = false;
  bool wants_continue = false;  // kIncomplete: the client waits for "100 Continue"
  int status = 0;               // kRefused
};

// Looks at the front of `input`, which is at most max_headers + max_body and a little long before
// it is complete or refused.
ParsedRequest parse_request(std::string_view input, const RequestLimits& limits);

// The path of a request target, with its percent-escapes decoded; empty when it is not one.
std::string decode_path(std::string_view path);

}  // namespace gw::net
