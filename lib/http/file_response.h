// A file as a response, whole or a part of it: RFC 9110 sections 13 (conditions) and 14 (ranges).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/request.h"
#include "http/response.h"
#include "os/file.h"

namespace gw::http {

struct File {
  Fd fd;                   // a regular file, open for reading
  std::uint64_t size = 0;  // as open_file() found it
  std::string content_type = "application/octet-stream";
  std::string etag = {};  // strong, with its quotes; empty: no conditions, no If-Range
  std::vector<Header> headers = {};
};

// kNotFound when there is none, kIo otherwise; a link as the last part of the path is not followed.
Result<File> open_file(const std::string& path);

// 200, 206 for one range, 412 for an If-Match that does not, 304 for an If-None-Match that does,
// 416. Several ranges in one request are answered with the whole, as the RFC allows.
Response file_response(const Request& request, File file);

struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
struct RangeAnswer {
  enum Kind { kWhole, kPart, kUnsatisfiable } kind = kWhole;
  ByteRange part = {};
};
// What a Range header's value asks of a file of that size; what is not one range is kWhole.
RangeAnswer parse_range(std::string_view value, std::uint64_t size);

}  // namespace gw::http
