#include "net/http_request.h"

#include <algorithm>
#include <optional>

#include "base/bytes.h"

namespace gw::net {

namespace {

constexpr std::string_view kKnownMethods[] = {"GET",     "HEAD",  "POST",    "PUT",  "DELETE",
                                              "OPTIONS", "TRACE", "CONNECT", "PATCH"};

bool is_token(std::string_view text) {  // RFC 9110 section 5.6.2
  constexpr std::string_view kMore = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (to_lower(c) >= 'a' && to_lower(c) <= 'z') ||
           kMore.find(c) != std::string_view::npos;
  });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The only header of that name; nothing when there is none. `many` is set when there are more.
const std::string* only_header(const ServerRequest& request, std::string_view name, bool& many) {
  const std::string* found = nullptr;
  for (const HttpHeader& h : request.headers) {
    if (h.name != name) continue;
    if (found != nullptr) many = true;
    found = &h.value;
  }
  return found;
}

bool lists(const std::string* value, std::string_view word) {
  if (value == nullptr) return false;
  std::string lower = to_lower(*value);
  std::string_view rest = lower;
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (trim(one) == word) return true;
  }
  return false;
}

// Each of the steps below returns the status to refuse the request with, 0 to go on.

int parse_target(std::string_view target, ServerRequest& out) {
  if (!target.starts_with('/')) {
    // The absolute form that proxies are sent; its host says nothing that we need.
    std::string scheme = to_lower(target.substr(0, 7));
    if (scheme != "http://") return 400;
    auto slash = target.find('/', 7);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  auto question = target.find('?');
  if (question != std::string_view::npos) out.query = target.substr(question + 1);
  out.path = decode_path(target.substr(0, question));
  return out.path.empty() ? 400 : 0;
}

int parse_request_line(std::string_view line, const RequestLimits& limits, ParsedRequest& out) {
  auto first = line.find(' ');
  auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return 400;
  std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return 400;
  for (char c : target) {
    if (c <= ' ' || c > '~' || c == '#') return 400;
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return version.starts_with("HTTP/") && version.size() < 20 ? 505 : 400;
  }
  out.keep_alive = version == "HTTP/1.1";
  out.request.method = method;
  if (std::find(std::begin(kKnownMethods), std::end(kKnownMethods), method) ==
      std::end(kKnownMethods)) {
    return 501;
  }
  const auto& allowed = limits.methods;
  if (std::find(allowed.begin(), allowed.end(), method) == allowed.end()) return 405;
  return parse_target(target, out.request);
}

int parse_header_line(std::string_view line, ServerRequest& out) {
  auto colon = line.find(':');
  if (colon == std::string_view::npos) return 400;
  std::string_view name = line.substr(0, colon);
  std::string_view value = trim(line.substr(colon + 1));
  // Space before the colon and lines that go on in the next one are how requests are smuggled.
  if (!is_token(name) || has_control(value)) return 400;
  out.headers.push_back({to_lower(name), std::string(value)});
  return 0;
}

int parse_framing(const RequestLimits& limits, ParsedRequest& out, std::size_t& body) {
  bool many = false;
  const ServerRequest& request = out.request;
  const std::string* host = only_header(request, "host", many);
  if (many || (host == nullptr && out.keep_alive)) return 400;
  const std::string* length = only_header(request, "content-length", many);
  if (many) return 400;
  if (request.header("transfer-encoding") != nullptr) return length != nullptr ? 400 : 411;
  body = 0;
  if (length != nullptr) {
    auto n = parse_decimal(*length);
    if (!n) return 400;
    if (*n > limits.max_body) return 413;
    body = static_cast<std::size_t>(*n);
  }
  bool close = std::any_of(request.headers.begin(), request.headers.end(), [](const auto& h) {
    return h.name == "connection" && lists(&h.value, "close");
  });
  out.keep_alive = out.keep_alive && !close;
  return 0;
}

}  // namespace

const std::string* ServerRequest::header(std::string_view name) const {
  for (const HttpHeader& h : headers) {
    if (h.name == name) return &h.value;
  }
  return nullptr;
}

std::string decode_path(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); i++) {
    char c = path[i];
    if (c == '%') {
      auto byte = decode_hex(path.substr(i + 1, 2));
      if (!byte || byte->size() != 1 || (*byte)[0] == '\0') return {};
      c = (*byte)[0];
      i += 2;
    }
    out += c;
  }
  return out.starts_with('/') ? out : std::string();
}

ParsedRequest parse_request(std::string_view input, const RequestLimits& limits) {
  ParsedRequest out;
  auto refuse = [&](int status) {
    out.state = ParsedRequest::kRefused;
    out.status = status;
    return std::move(out);
  };
  // RFC 9112 section 2.2: an empty line before a request is passed over.
  std::size_t begin = input.starts_with("\r\n") ? 2 : 0;
  auto end = input.find("\r\n\r\n", begin);
  // A head of the largest size allowed may still lack the last three bytes of what ends it.
  if (end == std::string_view::npos ? input.size() > limits.max_headers + 3
                                    : end > limits.max_headers) {
    return refuse(431);
  }
  if (end == std::string_view::npos) return out;
  std::string_view head = input.substr(begin, end + 2 - begin);
  for (bool first = true; !head.empty(); first = false) {
    std::string_view line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(line.size() + 2);
    int status =
        first ? parse_request_line(line, limits, out) : parse_header_line(line, out.request);
    if (status != 0) return refuse(status);
  }
  std::size_t body = 0;
  if (int status = parse_framing(limits, out, body); status != 0) return refuse(status);
  out.size = end + 4 + body;
  if (input.size() < out.size) {
    const std::string* expect = out.request.header("expect");
    out.wants_continue = expect != nullptr && to_lower(*expect) == "100-continue";
    return out;
  }
  out.request.body = input.substr(end + 4, body);
  out.state = ParsedRequest::kComplete;
  return out;
}

}  // namespace gw::net
