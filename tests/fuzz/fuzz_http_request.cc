// What a client sends to the HTTP server, through its parser and its connection. However the bytes
// come, whole or one by one, the handler sees the same requests and the client the same answers;
// nothing that a handler sees breaks its promises; and each request, written down again, is the
// same request.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "http/server_parser.h"
#include "support/http/fake_client.h"

namespace fuzz_http_request {

using gw::http::Limits;
using gw::http::Reply;
using gw::http::Request;
using gw::http::RequestParser;

namespace {

Limits small_limits() {
  Limits limits;
  limits.request.head = {.line = 128, .bytes = 256, .headers = 8};
  limits.request.max_body = 64;
  return limits;
}

struct Run {
  std::vector<Request> requests;
  std::string answers;
  bool ended = false;

  Run(std::string_view input, std::size_t piece) {
    gw::http::test::FakeClient client(
        [this](Request request, const Reply& reply) {
          reply.send({.body = request.method + request.path});
          requests.push_back(std::move(request));
        },
        small_limits());
    client.wire.piece = piece;
    answers = client.send(input);
    // Said or not, depending on whether the body has come with the head.
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    for (std::size_t at = 0; (at = answers.find(kContinue, at)) != std::string::npos;) {
      answers.erase(at, kContinue.size());
    }
    ended = client.wire.server_ended;
  }
};

bool same(const Request& a, const Request& b) {
  if (a.headers.size() != b.headers.size()) return false;
  for (std::size_t i = 0; i < a.headers.size(); ++i) {
    if (a.headers[i].name != b.headers[i].name) return false;
    if (a.headers[i].value != b.headers[i].value) return false;
  }
  return a.method == b.method && a.target == b.target && a.path == b.path && a.query == b.query &&
         a.body == b.body;
}

void check_promises(const Request& r) {
  require(r.method == "GET" || r.method == "HEAD" || r.method == "POST");
  require(r.path.starts_with('/') && r.path.find('\0') == std::string::npos);
  require(r.target.starts_with('/') && r.target.find_first_of(" \r\n#") == std::string::npos);
  require(r.body.size() <= 64 && r.headers.size() <= 8);
  std::size_t length = 0;
  for (const auto& h : r.headers) {
    require(!h.name.empty() && h.name.find_first_of(" :\r\n") == std::string::npos);
    require(h.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    require(h.name != "transfer-encoding");
    if (h.name == "content-length") length = std::stoul(h.value);
  }
  require(r.body.size() == length);
}

void check_round_trip(const Request& r) {
  std::string text = r.method + " " + r.target + " HTTP/1.0\r\n";
  for (const auto& h : r.headers) text += h.name + ":" + h.value + "\r\n";
  text += "\r\n" + r.body;
  RequestParser parser(small_limits().request);
  std::string_view rest = text;
  require(parser.feed(rest) == RequestParser::State::kComplete && rest.empty());
  require(same(parser.take().request, r));
}

}  // namespace

FUZZ_TARGET(http_request)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Run whole(input, SIZE_MAX);
  const Run bytes(input, 1);
  require(whole.answers == bytes.answers && whole.ended == bytes.ended);
  require(whole.requests.size() == bytes.requests.size());
  require(whole.answers.empty() || whole.answers.starts_with("HTTP/1.1 "));
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    require(same(whole.requests[i], bytes.requests[i]));
    check_promises(whole.requests[i]);
    check_round_trip(whole.requests[i]);
  }
  return 0;
}

}  // namespace fuzz_http_request
