#include "http/file_response.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::http {

namespace {

constexpr std::string_view kBlanks = " \t";

// "*", or a list of tags. `weak`: one of these counts like a strong one, as for If-None-Match; for
// If-Match it counts as none.
bool lists_tag(std::string_view list, std::string_view etag, bool weak) {
  if (trim(list, kBlanks) == "*") return true;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    std::string_view tag = trim(item, kBlanks);
    if (weak && tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == etag) return true;
  }
  return false;
}

}  // namespace

RangeAnswer parse_range(std::string_view value, std::uint64_t size) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos || to_lower(value.substr(0, equals)) != "bytes") return {};
  const std::string_view spec = trim(value.substr(equals + 1), kBlanks);
  const auto dash = spec.find('-');
  if (dash == std::string_view::npos) return {};
  const std::string_view first = spec.substr(0, dash);
  const std::string_view last = spec.substr(dash + 1);
  const auto from = parse_decimal(first);
  const auto to = parse_decimal(last);
  if ((!first.empty() && !from) || (!last.empty() && !to) || (!from && !to)) return {};
  if (!from) {  // the last bytes
    const std::uint64_t n = std::min(*to, size);
    if (n == 0) return {RangeAnswer::kUnsatisfiable, {}};
    return {RangeAnswer::kPart, {size - n, n}};
  }
  if (to && *to < *from) return {};
  if (*from >= size) return {RangeAnswer::kUnsatisfiable, {}};
  const std::uint64_t end = to ? std::min(*to, size - 1) : size - 1;
  return {RangeAnswer::kPart, {*from, end - *from + 1}};
}

Result<File> open_file(const std::string& path) {
  File out;
  out.fd = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!out.fd && errno == ENOENT) return not_found_error(path + ": no such file");
  struct stat info {};
  if (!out.fd || ::fstat(out.fd.get(), &info) != 0) return errno_error("opening " + path, errno);
  if (!S_ISREG(info.st_mode)) return io_error(path + ": not a regular file");
  out.size = static_cast<std::uint64_t>(info.st_size);
  return out;
}

namespace {

// What is said of the file, for how long it may be kept and its digest, is not said of this text.
Response refused_file(int status, std::string text) {
  Response out;
  out.status = status;
  out.content_type = "text/plain; charset=utf-8";
  out.body = std::move(text);
  out.headers.push_back({"Cache-Control", "no-store"});
  return out;
}

}  // namespace

Response file_response(const Request& request, File file) {
  Response out;
  out.content_type = std::move(file.content_type);
  out.headers = std::move(file.headers);
  out.headers.push_back({"Accept-Ranges", "bytes"});
  if (!file.etag.empty()) out.headers.push_back({"ETag", file.etag});
  const std::string* match = request.header("if-match");
  if (match != nullptr && !file.etag.empty() && !lists_tag(*match, file.etag, false)) {
    return refused_file(412, "it has another ETag\n");
  }
  const std::string* none_match = request.header("if-none-match");
  if (none_match != nullptr && !file.etag.empty() && lists_tag(*none_match, file.etag, true)) {
    out.status = 304;
    out.content_type.clear();
    return out;
  }
  RangeAnswer answer;
  const std::string* range = request.header("range");
  const std::string* if_range = request.header("if-range");
  // A part of another version would be worse than the whole of this one.
  const bool same = if_range == nullptr || (!file.etag.empty() && *if_range == file.etag);
  if (range != nullptr && same && request.method == "GET") answer = parse_range(*range, file.size);
  switch (answer.kind) {
    case RangeAnswer::kUnsatisfiable:
      out = refused_file(416, "no such range\n");
      out.headers.push_back({"Accept-Ranges", "bytes"});
      out.headers.push_back({"Content-Range", fmt::format("bytes */{}", file.size)});
      return out;
    case RangeAnswer::kPart:
      out.status = 206;
      out.headers.push_back(
          {"Content-Range", fmt::format("bytes {}-{}/{}", answer.part.offset,
                                        answer.part.offset + answer.part.size - 1, file.size)});
      break;
    case RangeAnswer::kWhole:
      answer.part = {0, file.size};
      break;
  }
  out.file = FileBody{std::move(file.fd), answer.part.offset, answer.part.size};
  return out;
}

}  // namespace gw::http
