// What a handler answers with: text, or a part of an open file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/request.h"
#include "os/file.h"

namespace gw::http {

// `size` bytes of `fd` from `offset` on. The file must not shrink before they are sent: the
// connection is closed in the middle then, so that nobody takes a part for the whole.
struct FileBody {
  Fd fd;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  // Besides Date, Content-Type, Content-Length, X-Content-Type-Options and Connection. A control
  // character in one is a defect: 500 is answered instead.
  std::vector<Header> headers = {};
  std::string body = {};
  std::optional<FileBody> file = {};  // instead of the body
};

// A page of one line: "not found\n" and the like.
Response text_response(int status, std::string_view line);
Response redirect(int status, std::string location);

std::string_view reason_phrase(int status);

// RFC 9110 section 5.6.7: "Sun, 22 Nov 2026 21:41:10 GMT".
std::string http_date(WallTime t);

// How the body's end is marked.
enum class Framing { kLength, kChunked, kClose };

struct HeadOptions {
  Framing framing = Framing::kLength;
  bool keep_alive = true;
  std::string_view date = {};  // of http_date()
};

// The status line and headers, up to the empty line. Nothing when a header cannot be sent.
std::optional<std::string> format_head(const Response& response, const HeadOptions& options);

}  // namespace gw::http
