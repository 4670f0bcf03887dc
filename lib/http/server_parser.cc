#include "http/server_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::http {

namespace {

namespace beast = boost::beast;
using beast::http::field;

// What a Host header may hold: RFC 3986 section 3.2, without user names.
bool is_authority(std::string_view text) {
  constexpr std::string_view kMore = "-._~!$&'()*+;=%:[]";
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alnum(c) || kMore.find(c) != std::string_view::npos;
  });
}

int read_target(Request& out) {
  std::string_view target = out.target;
  if (target.find_first_of("#\"<>\\^`{|}") != std::string_view::npos) return 400;
  if (!target.starts_with('/')) {
    // The absolute form that proxies are sent: its host counts, not the header's.
    const auto scheme_end = target.find("://");
    const std::string scheme = to_lower(target.substr(0, scheme_end));
    if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) return 400;
    target.remove_prefix(scheme_end + 3);
    const std::size_t end = std::min(target.find_first_of("/?"), target.size());
    const std::string host(target.substr(0, end));
    if (host.empty() || !is_authority(host)) return 400;
    out.host = host;
    std::string origin(target.substr(end));
    if (!origin.starts_with('/')) origin.insert(0, 1, '/');
    out.target = std::move(origin);
    target = out.target;
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  out.query = target.substr(std::min(question + 1, target.size()));
  auto path = decode_percent(target.substr(0, question));
  if (!path) return 400;
  out.path = *std::move(path);
  return 0;
}

// Beast's parser calls these; each error ends the parsing, and `status` says with what.
class HeadParser final : public beast::http::basic_parser<true> {
 public:
  HeadParser(Request& out, std::size_t max_body) : out_(out) {
    header_limit(UINT32_MAX);  // the scanner's is smaller
    body_limit(max_body);
  }

  int status = 0;
  bool http10 = false;
  bool expects = false;
  bool bad_expectation = false;

 private:
  using View = beast::string_view;
  using Error = beast::error_code;

  static std::string_view view(View v) { return {v.data(), v.size()}; }
  void refuse(int with, Error& ec) {
    status = with;
    ec = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb /*verb*/, View method, View target, int version,
                       Error& ec) override {
    http10 = version == 10;
    out_.method = view(method);
    out_.target = view(target);
    const bool known = out_.method == "GET" || out_.method == "HEAD" || out_.method == "POST";
    if (!known) return refuse(405, ec);
    if (const int bad = read_target(out_); bad != 0) refuse(bad, ec);
  }

  void on_field_impl(field name, View name_text, View value, Error& ec) override {
    switch (name) {
      case field::host:
        if (hosts_++ > 0 || !is_authority(view(value))) return refuse(400, ec);
        if (out_.host.empty()) out_.host = view(value);
        break;
      case field::content_length:
        // "5, 5" and two that are equal are one length to some readers, and none to others.
        if (lengths_++ > 0 || !parse_decimal(view(value))) return refuse(400, ec);
        break;
      case field::transfer_encoding:
        if (codings_++ > 0) return refuse(400, ec);
        chunked_ = to_lower(view(value)) == "chunked";
        break;
      case field::expect:
        expects = to_lower(view(value)) == "100-continue";
        bad_expectation = !expects;
        break;
      default:
        break;
    }
    out_.headers.push_back({to_lower(view(name_text)), std::string(view(value))});
  }

  void on_header_impl(Error& ec) override {
    if (codings_ > 0 && (lengths_ > 0 || http10)) return refuse(400, ec);
    if (codings_ > 0) return refuse(chunked_ ? 411 : 501, ec);
    if (hosts_ == 0 && !http10) return refuse(400, ec);
    if (bad_expectation) return refuse(417, ec);
  }

  // The rest is about responses, and bodies that never get here.
  void on_response_impl(int, View, int, Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(View, Error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, View, Error&) override { return 0; }
  void on_finish_impl(Error&) override {}

  Request& out_;
  unsigned hosts_ = 0;
  unsigned lengths_ = 0;
  unsigned codings_ = 0;
  bool chunked_ = false;
};

int status_of(const HeadParser& parser, const beast::error_code& error) {
  if (parser.status != 0) return parser.status;
  if (error == beast::http::error::body_limit) return 413;
  if (error == beast::http::error::header_limit) return 431;
  return 400;
}

// HTTP/2 and later say so in the place where Beast only finds no version that it knows.
bool is_other_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  const std::string_view version = line.substr(line.rfind(' ') + 1);
  return version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
         version != "HTTP/1.1" && version != "HTTP/1.0" && is_digit(version[5]) &&
         is_digit(version[7]);
}

}  // namespace

int RequestParser::parse_head() {
  HeadParser parser(request_, limits_.max_body);
  beast::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(head_), error);
  if (error == beast::http::error::bad_version && is_other_version(head_)) return 505;
  if (error) return status_of(parser, error);
  if (used != head_.size() || !parser.is_header_done()) return 400;
  body_left_ = parser.content_length().value_or(0);
  http10_ = parser.http10;
  keep_alive_ = !parser.http10 && parser.keep_alive();
  expects_ = parser.expects && !parser.http10 && body_left_ > 0;
  return 0;
}

RequestParser::State RequestParser::refuse(int status) {
  status_ = status;
  return State::kRefused;
}

RequestParser::State RequestParser::feed(std::string_view& bytes) {
  if (!in_body_) {
    std::size_t used = 0;
    const std::size_t skipped = scanner_.skipped();
    const HeadScanner::State state = scanner_.feed(bytes, used);
    const std::size_t skip = scanner_.skipped() - skipped;
    head_.append(bytes.substr(skip, used - skip));
    bytes.remove_prefix(used);
    if (state == HeadScanner::State::kRefused) return refuse(scanner_.status());
    if (state == HeadScanner::State::kMore) return State::kIncomplete;
    if (const int status = parse_head(); status != 0) return refuse(status);
    in_body_ = true;
    std::string().swap(head_);
  }
  const std::string_view part =
      bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size())));
  request_.body.append(part);
  bytes.remove_prefix(part.size());
  body_left_ -= part.size();
  return body_left_ == 0 ? State::kComplete : State::kIncomplete;
}

bool RequestParser::take_expectation() { return std::exchange(expects_, false); }

RequestParser::Taken RequestParser::take() {
  Taken out{std::move(request_), keep_alive_, http10_};
  *this = RequestParser(limits_);
  return out;
}

}  // namespace gw::http
