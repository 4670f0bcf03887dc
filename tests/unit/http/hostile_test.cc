// What clients send that is not plainly one request, and what becomes of it. Each case is sent
// whole and again a byte at a time: the answer is the same.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "http/head_scanner.h"
#include "http/server_parser.h"
#include "support/http/fake_client.h"

using namespace gw;
using namespace gw::http;
using namespace gw::http::test;
using namespace std::chrono_literals;

namespace {

struct Case {
  const char* name;
  std::string bytes;
  int status;          // 200 when it is a request like any other
  bool closes = true;  // afterwards
  int requests = 1;    // that a handler sees
};

std::string repeat(std::string_view text, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += text;
  return out;
}

std::string get(std::string_view headers) {
  return fmt::format("GET /x HTTP/1.1\r\nHost: x\r\n{}\r\n", headers);
}
std::string post(std::string_view headers, std::string_view body = {}) {
  return fmt::format("POST /x HTTP/1.1\r\nHost: x\r\n{}\r\n{}", headers, body);
}
std::string target(std::string_view text) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", text);
}

std::vector<Case> length_cases() {
  return {
      {"no body", post(""), 200, false},
      {"a body", post("Content-Length: 5\r\n", "hello"), 200, false},
      {"two lengths, different", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
      {"two lengths, equal", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"a list of different lengths", post("Content-Length: 5, 6\r\n", "hello"), 400},
      {"+5", post("Content-Length: +5\r\n", "hello"), 400},
      {"-5", post("Content-Length: -5\r\n", "hello"), 400},
      {"05", post("Content-Length: 05\r\n", "hello"), 400},
      {"0x5", post("Content-Length: 0x5\r\n", "hello"), 400},
      {"5 5", post("Content-Length: 5 5\r\n", "hello"), 400},
      {"nothing", post("Content-Length: \r\n", "hello"), 400},
      {"more than 64 bits", post("Content-Length: 18446744073709551621\r\n", "hello"), 400},
      {"more than allowed", post("Content-Length: 101\r\n"), 413},
      {"length and chunks",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"chunks and length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"chunks", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 411},
      {"chunks, spelled otherwise", post("TRANSFER-ENCODING: Chunked\r\n", "0\r\n\r\n"), 411},
      {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 501},
      {"identity, chunked", post("Transfer-Encoding: identity, chunked\r\n", "0\r\n\r\n"), 501},
      {"xchunked", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
      {"gzip", post("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"), 501},
      {"an empty coding", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 501},
      {"chunks twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"chunks, then not", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
       400},
      {"chunks with a vertical tab",
       post("Transfer-Encoding: \x0b"
            "chunked\r\n"),
       400},
      {"chunks in HTTP/1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"a blank before the colon", post("Content-Length : 5\r\n", "hello"), 400},
      {"another expectation", post("Content-Length: 5\r\nExpect: 200-ok\r\n", "hello"), 417},
  };
}

std::vector<Case> line_cases() {
  return {
      {"folding", get("X: a\r\n b\r\n"), 400},
      {"folding with a tab", get("X: a\r\n\tb\r\n"), 400},
      {"folding of the first header", "GET /x HTTP/1.1\r\n Host: x\r\n\r\n", 400},
      {"folding into nothing", get("X:\r\n \r\n"), 400},
      {"bare LF", "GET /x HTTP/1.1\nHost: x\n\n", 400},
      {"bare LF in a header", get("X: a\nY: b\r\n"), 400},
      {"bare LF at the end", "GET /x HTTP/1.1\r\nHost: x\r\n\n", 400},
      {"bare CR in a header", get("X: a\rY: b\r\n"), 400},
      {"bare CR in the request line", "GET /x\r HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"NUL in a header", get(std::string("X: a\0b\r\n", 8)), 400},
      {"DEL in a header", get("X: a\x7f\r\n"), 400},
      {"bytes above ASCII in a value", get("X: \xc3\xa9\r\n"), 200, false},
      {"bytes above ASCII in a name", get("\xc3\xa9: x\r\n"), 400},
      {"no colon", get("nothing\r\n"), 400},
      {"no name", get(": x\r\n"), 400},
      {"a blank in a name", get("X y: z\r\n"), 400},
      {"an empty value", get("X:\r\n"), 200, false},
      {"Host :", "GET /x HTTP/1.1\r\nHost : x\r\n\r\n", 400},
      {"no Host", "GET /x HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", get("Host: y\r\n"), 400},
      {"two equal Hosts", get("Host: x\r\n"), 400},
      {"a list of Hosts", "GET /x HTTP/1.1\r\nHost: x, y\r\n\r\n", 400},
      {"a Host with a user", "GET /x HTTP/1.1\r\nHost: me@x\r\n\r\n", 400},
      {"a Host with a path", "GET /x HTTP/1.1\r\nHost: x/y\r\n\r\n", 400},
      {"an IPv6 Host", "GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, false},
      {"10,000 headers", get(repeat("a: b\r\n", 10000)), 431},
      {"as many headers as allowed", get(repeat("a: b\r\n", 19)), 200, false},
      {"one more", get(repeat("a: b\r\n", 20)), 431},
      {"a huge header line", get("X: " + std::string(20000, 'x') + "\r\n"), 431},
      {"a header that never ends", "GET /x HTTP/1.1\r\nX: " + std::string(20000, 'x'), 431},
      {"an empty line before", "\r\n" + get(""), 200, false},
      {"two empty lines before", "\r\n\r\n" + get(""), 400},
  };
}

std::vector<Case> request_line_cases() {
  return {
      {"HTTP/1.0", "GET /x HTTP/1.0\r\n\r\n", 200},
      {"HTTP/1.0 that would stay", "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200},
      {"HTTP/0.9", "GET /x\r\n\r\n", 400},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET /x HTTP/1.2\r\nHost: x\r\n\r\n", 505},
      {"HTTP/1.10", "GET /x HTTP/1.10\r\nHost: x\r\n\r\n", 400},
      {"http/1.1", "GET /x http/1.1\r\nHost: x\r\n\r\n", 400},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400},
      {"SSH", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 400},
      {"a blank first", " GET /x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a tab between", "GET\t/x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"two blanks", "GET  /x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"blanks at the end", "GET /x HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
      {"a blank in the path", target("/a b"), 400},
      {"absolute form", target("http://y/a?b=c"), 200, false},
      {"absolute form without a path", target("http://y"), 200, false},
      {"absolute form, query alone", target("http://y?a"), 200, false},
      {"absolute form with a user", target("http://me@y/"), 400},
      {"absolute form without a host", target("http:///x"), 400},
      {"another scheme", target("file:///etc/passwd"), 400},
      {"authority form", target("x:80"), 400},
      {"asterisk form", target("*"), 400},
      {"CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"DELETE", "DELETE /x HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"PUT", "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405},
      {"TRACE", "TRACE /x HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"get", "get /x HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"FROB", "FROB /x HTTP/1.1\r\nHost: x\r\n\r\n", 405},
      {"no token", "G@T /x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"a huge target", target("/" + std::string(20000, 'x')), 414},
      {"a target that never ends", "GET /" + std::string(20000, 'x'), 414},
      {"a NUL", target("/a%00b"), 400},
      {"a bad escape", target("/a%zz"), 400},
      {"half an escape", target("/a%2"), 400},
      {"a percent sign", target("/%"), 400},
      {"a fragment", target("/x#y"), 400},
      {"quotes", target("/\"x\""), 400},
      {"bytes above ASCII", target("/\xc3\xa9"), 400},
      {"an escaped slash", target("/a%2Fb"), 200, false},
  };
}

Limits small_limits() {
  Limits limits;
  limits.request.head = {.line = 200, .bytes = 2000, .headers = 20};
  limits.request.max_body = 100;
  return limits;
}

void check(const Case& c, bool byte_by_byte) {
  int seen = 0;
  FakeClient client(
      [&](const Request&, const Reply& reply) {
        ++seen;
        reply.send(text_response(200, "yes"));
      },
      small_limits());
  if (byte_by_byte) client.wire.piece = 1;
  const std::string answer = client.send(c.bytes);
  INFO(c.name << (byte_by_byte ? ", byte by byte: " : ": ") << answer);
  CHECK(answer.starts_with(fmt::format("HTTP/1.1 {} ", c.status)));
  CHECK(client.wire.server_ended == c.closes);
  CHECK((answer.find("\r\nConnection: close\r\n") != std::string::npos) == c.closes);
  CHECK(seen == (c.status == 200 ? c.requests : 0));
  if (c.status == 405) CHECK(answer.find("\r\nAllow: GET, HEAD, POST\r\n") != std::string::npos);
}

}  // namespace

TEST_CASE("hostile requests") {
  for (const auto& cases : {length_cases(), line_cases(), request_line_cases()}) {
    for (const Case& c : cases) {
      check(c, false);
      check(c, true);
    }
  }
}

TEST_CASE("hostile requests: nothing behind a refused one is looked at") {
  int seen = 0;
  FakeClient client([&](const Request&, const Reply&) { ++seen; });
  const std::string answer = client.send(
      post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n") + get(""));
  CHECK(answer.starts_with("HTTP/1.1 400 "));
  CHECK(answer.find("HTTP/1.1", 1) == std::string::npos);
  CHECK(seen == 0);
}

TEST_CASE("hostile requests: who is refused and goes on is cut off") {
  FakeClient client([](const Request&, const Reply&) {});
  CHECK(client.send("NONSENSE\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK_FALSE(client.connection.closed());
  for (int i = 0; i < 255; ++i) client.send(std::string(1024, 'x'));
  CHECK_FALSE(client.connection.closed());
  client.send(std::string(2048, 'x'));
  CHECK(client.connection.closed());
}

TEST_CASE("hostile requests: the body is never taken for a request") {
  std::vector<std::string> seen;
  FakeClient client([&](const Request& r, const Reply& reply) {
    seen.push_back(r.method + " " + r.path + " " + r.body);
    reply.send({});
  });
  const std::string inner = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(post(fmt::format("Content-Length: {}\r\n", inner.size()), inner) + get(""));
  CHECK(seen == std::vector<std::string>{"POST /x " + inner, "GET /x "});
}

TEST_CASE("hostile requests: a client that sends a byte now and then is not waited for") {
  Limits limits = small_limits();
  limits.header_time = 10s;
  limits.body_time = 20s;
  limits.idle_time = 30s;
  auto yes = [](const Request&, const Reply& reply) { reply.send({}); };

  FakeClient head(yes, limits);
  const std::string bytes = get("X: 0123456789012345678901234567890\r\n");
  int seconds = 0;
  std::string answer;
  for (const char c : bytes) {
    answer = head.send(std::string(1, c));
    answer += head.pass(1s);
    ++seconds;
    if (!answer.empty()) break;
  }
  CHECK(answer.starts_with("HTTP/1.1 408 "));
  CHECK(seconds == 10);
  CHECK(head.wire.server_ended);
  // It may say more, and hold us no longer for it.
  CHECK(head.send("x") == "");
  head.pass(1s);
  CHECK(head.connection.closed());

  FakeClient body(yes, limits);
  CHECK(body.send(post("Content-Length: 50\r\n")) == "");
  for (seconds = 0, answer = ""; answer.empty() && seconds < 50; ++seconds) {
    answer = body.send("x");
    answer += body.pass(1s);
  }
  CHECK(answer.starts_with("HTTP/1.1 408 "));
  CHECK(seconds == 20);

  // Silence is closed without a word: nothing was asked.
  FakeClient silent(yes, limits);
  CHECK(silent.pass(9s) == "");
  CHECK_FALSE(silent.connection.closed());
  CHECK(silent.pass(1s) == "");
  CHECK(silent.connection.closed());
  FakeClient idle(yes, limits);
  CHECK(idle.send(get("")).starts_with("HTTP/1.1 200 "));
  idle.pass(29s);
  CHECK_FALSE(idle.connection.closed());
  CHECK(idle.pass(1s) == "");
  CHECK(idle.connection.closed());
}

TEST_CASE("hostile requests: a client that takes its answer a byte at a time is not waited for") {
  Limits limits;
  limits.write_time = 30s;
  limits.write_least = 1000;
  FakeClient client(
      [](const Request&, const Reply& reply) { reply.send({.body = std::string(100000, 'x')}); });
  client.limits = limits;
  client.wire.room = 0;
  CHECK(client.send(get("")) == "");
  for (int i = 0; i < 29; ++i) {
    client.wire.room = 1;
    CHECK(client.step().size() == 1);
    client.pass(1s);
  }
  CHECK_FALSE(client.connection.closed());
  client.pass(1s);
  CHECK(client.connection.closed());

  // One that takes enough in that time gets all of it.
  FakeClient slow(
      [](const Request&, const Reply& reply) { reply.send({.body = std::string(100000, 'x')}); });
  slow.limits = limits;
  slow.wire.room = 0;
  std::size_t got = slow.send(get("")).size();
  for (int i = 0; i < 120 && !slow.connection.closed() && got < 100000; ++i) {
    slow.wire.room = 1000;
    got += slow.step().size();
    slow.pass(29s);
  }
  CHECK(got >= 100000);
  CHECK_FALSE(slow.connection.closed());
}

TEST_CASE("hostile requests: many at once are answered one by one, in their order") {
  std::vector<Reply> replies;
  std::vector<std::string> paths;
  FakeClient client([&](const Request& r, const Reply& reply) {
    paths.push_back(r.path);
    replies.push_back(reply);
  });
  const int n = 2000;
  std::string all;
  for (int i = 0; i < n; ++i) all += target(fmt::format("/{}", i));
  client.send(all);
  // The second is not looked at before the first is answered, and what waits here is bounded.
  CHECK(paths.size() == 1);
  CHECK(client.wire.to_server.size() > all.size() - 40000);
  std::string answers;
  for (int i = 0; i < n; ++i) {
    REQUIRE(replies.size() == static_cast<std::size_t>(i) + 1);
    replies.back().send({.body = fmt::format("[{}]", i)});
    answers += client.step();
  }
  CHECK(paths.size() == n);
  CHECK(paths.back() == fmt::format("/{}", n - 1));
  std::size_t at = 0;
  for (int i = 0; i < n; ++i) at = answers.find(fmt::format("[{}]", i), at);
  CHECK(at != std::string::npos);
}

TEST_CASE("hostile requests: a client that leaves in the middle") {
  auto large = [](const Request&, const Reply& reply) {
    reply.send({.body = std::string(1000000, 'x')});
  };
  FakeClient in_answer(large);
  in_answer.wire.room = 5000;
  CHECK(in_answer.send(get("")).size() == 5000);
  in_answer.end();
  CHECK(in_answer.connection.wants_write());  // the kernel says that it is broken, or time does
  in_answer.pass(30s);
  CHECK(in_answer.connection.closed());

  FakeClient in_head(large);
  CHECK(in_head.send("GET /x HT") == "");
  CHECK(in_head.end() == "");
  CHECK(in_head.connection.closed());

  FakeClient in_body(large);
  in_body.send(post("Content-Length: 5\r\n", "hel"));
  CHECK(in_body.end() == "");
  CHECK(in_body.connection.closed());
}
