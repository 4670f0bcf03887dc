// Which part of a file a request's headers ask for: the part lies within the file and is what the
// answer's headers say; asked for by its ends, it is the same part; and no condition gives more
// than the whole.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "fuzz/require.h"
#include "http/file_response.h"

namespace fuzz_http_range {

using gw::http::File;
using gw::http::RangeAnswer;
using gw::http::Request;
using gw::http::Response;

namespace {

std::string header(const Response& response, std::string_view name) {
  std::string out;
  for (const auto& h : response.headers) {
    if (h.name != name) continue;
    require(out.empty());  // once
    out = h.value;
  }
  return out;
}

std::string_view take_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

void check_range(std::string_view value, std::uint64_t size) {
  const RangeAnswer answer = gw::http::parse_range(value, size);
  if (answer.kind != RangeAnswer::kPart) {
    require(answer.part.offset == 0 && answer.part.size == 0);
    return;
  }
  const auto [offset, bytes] = answer.part;
  require(bytes > 0 && bytes <= size && offset <= size - bytes);
  const std::string ends = fmt::format("bytes={}-{}", offset, offset + bytes - 1);
  const RangeAnswer again = gw::http::parse_range(ends, size);
  require(again.kind == RangeAnswer::kPart);
  require(again.part.offset == offset && again.part.size == bytes);
}

void check_response(const Request& request, std::uint64_t size) {
  File file;
  file.size = size;
  file.etag = "\"tag\"";
  const Response response = gw::http::file_response(request, std::move(file));
  const std::string content_range = header(response, "Content-Range");
  // What is kept with an answer is about the file, and a refusal is none of it.
  require(header(response, "ETag") == (response.status == 416 ? "" : "\"tag\""));
  switch (response.status) {
    case 200:
      require(response.file && response.file->offset == 0 && response.file->size == size);
      require(content_range.empty());
      break;
    case 206: {
      require(response.file && response.file->size > 0 && request.method == "GET");
      const std::uint64_t first = response.file->offset;
      const std::uint64_t last = first + response.file->size - 1;
      require(last >= first && last < size);
      require(content_range == fmt::format("bytes {}-{}/{}", first, last, size));
      break;
    }
    case 304:
      require(!response.file && response.body.empty() && content_range.empty());
      require(request.header("if-none-match") != nullptr);
      break;
    case 416:
      require(!response.file && content_range == fmt::format("bytes */{}", size));
      break;
    default:
      require(false);
  }
}

}  // namespace

// The file's size in eight octets, then lines: Range, If-Range, If-None-Match; an empty or missing
// one is not sent.
FUZZ_TARGET(http_range)(const std::uint8_t* data, std::size_t size) {
  std::uint64_t file_size = 0;
  const std::size_t octets = std::min<std::size_t>(8, size);
  for (std::size_t i = 0; i < octets; ++i) file_size = file_size << 8 | data[i];
  std::string_view rest(reinterpret_cast<const char*>(data) + octets, size - octets);
  check_range(rest.substr(0, rest.find('\n')), file_size);

  Request request;
  for (const char* name : {"range", "if-range", "if-none-match"}) {
    const std::string_view line = take_line(rest);
    if (!line.empty()) request.headers.push_back({name, std::string(line)});
  }
  for (const char* method : {"GET", "HEAD"}) {
    request.method = method;
    check_response(request, file_size);
  }
  return 0;
}

}  // namespace fuzz_http_range
