// The HTTP server's request parser. Whatever it takes for a request it must take for the same one
// byte by byte, never earlier and never as two, and nothing it hands on breaks its promises.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/http_request.h"

using gw::net::ParsedRequest;

namespace {

void require(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  gw::net::RequestLimits limits{256, 64, {"GET", "HEAD", "POST"}};
  ParsedRequest whole = gw::net::parse_request(input, limits);
  if (whole.state == ParsedRequest::kRefused) {
    require(whole.status >= 400 && whole.status < 600);
    return 0;
  }
  if (whole.state == ParsedRequest::kIncomplete) {
    require(input.size() < limits.max_headers + 4 + limits.max_body + 4);
    return 0;
  }
  require(whole.size <= input.size());
  require(whole.request.path.starts_with('/'));
  require(whole.request.path.find('\0') == std::string::npos);
  require(whole.request.body.size() <= limits.max_body);
  for (const auto& h : whole.request.headers) {
    require(!h.name.empty() && h.value.find_first_of("\r\n") == std::string::npos);
  }
  for (std::size_t n = 0; n < whole.size; n++) {
    auto part = gw::net::parse_request(input.substr(0, n), limits);
    require(part.state == ParsedRequest::kIncomplete);
  }
  auto exact = gw::net::parse_request(input.substr(0, whole.size), limits);
  require(exact.state == ParsedRequest::kComplete && exact.size == whole.size);
  require(exact.request.path == whole.request.path && exact.request.body == whole.request.body);
  return 0;
}
