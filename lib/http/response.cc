#include "http/response.h"

#include <fmt/format.h>

#include <iterator>

#include "base/text.h"

namespace gw::http {

namespace {

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

Response text_response(int status, std::string_view line) {
  Response out;
  out.status = status;
  out.body = std::string(line) + "\n";
  return out;
}

Response redirect(int status, std::string location) {
  Response out = text_response(status, "see " + location);
  out.headers.push_back({"Location", std::move(location)});
  return out;
}

std::string_view reason_phrase(int status) {
  struct Phrase {
    int status;
    std::string_view text;
  };
  constexpr Phrase kPhrases[] = {{200, "OK"},
                                 {204, "No Content"},
                                 {206, "Partial Content"},
                                 {301, "Moved Permanently"},
                                 {302, "Found"},
                                 {303, "See Other"},
                                 {304, "Not Modified"},
                                 {307, "Temporary Redirect"},
                                 {308, "Permanent Redirect"},
                                 {400, "Bad Request"},
                                 {401, "Unauthorized"},
                                 {403, "Forbidden"},
                                 {404, "Not Found"},
                                 {405, "Method Not Allowed"},
                                 {408, "Request Timeout"},
                                 {411, "Length Required"},
                                 {412, "Precondition Failed"},
                                 {413, "Content Too Large"},
                                 {414, "URI Too Long"},
                                 {416, "Range Not Satisfiable"},
                                 {417, "Expectation Failed"},
                                 {421, "Misdirected Request"},
                                 {422, "Unprocessable Content"},
                                 {429, "Too Many Requests"},
                                 {431, "Request Header Fields Too Large"},
                                 {500, "Internal Server Error"},
                                 {501, "Not Implemented"},
                                 {502, "Bad Gateway"},
                                 {503, "Service Unavailable"},
                                 {505, "HTTP Version Not Supported"}};
  for (const Phrase& p : kPhrases) {
    if (p.status == status) return p.text;
  }
  return "Status";
}

std::string http_date(WallTime t) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date(day);
  // "2026-11-22T21:41:10Z" has the digits of the day, the year and the time.
  const std::string digits = format_rfc3339(t);
  return fmt::format("{}, {} {} {} {} GMT", kDays[std::chrono::weekday(day).c_encoding()],
                     digits.substr(8, 2), kMonths[static_cast<unsigned>(date.month()) - 1],
                     digits.substr(0, 4), digits.substr(11, 8));
}

std::optional<std::string> format_head(const Response& response, const HeadOptions& options) {
  std::string out;
  out.reserve(512);
  auto to = std::back_inserter(out);
  fmt::format_to(to, "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 reason_phrase(response.status), options.date);
  if (!response.content_type.empty()) {
    if (!is_http_field_value(response.content_type)) return std::nullopt;
    fmt::format_to(to, "Content-Type: {}\r\n", response.content_type);
  }
  if (options.framing == Framing::kChunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (options.framing == Framing::kLength && has_body(response.status)) {
    fmt::format_to(to, "Content-Length: {}\r\n",
                   response.file ? response.file->size : response.body.size());
  }
  out += "X-Content-Type-Options: nosniff\r\n";
  for (const Header& h : response.headers) {
    if (!is_http_field_value(h.name) || !is_http_field_value(h.value)) return std::nullopt;
    fmt::format_to(to, "{}: {}\r\n", h.name, h.value);
  }
  if (!options.keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  return out;
}

}  // namespace gw::http
