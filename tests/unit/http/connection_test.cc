#include "http/connection.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "http/exchange.h"
#include "http/reply.h"
#include "http/transport.h"
#include "support/http/fake_client.h"

using namespace gw;
using namespace gw::http;
using namespace gw::http::test;
using namespace std::chrono_literals;

namespace {

const std::string kGet = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kHead = "HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n";

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

Response events() { return {.content_type = "text/event-stream"}; }

// A file of that content without a name.
FileBody file_of(std::string_view content, std::uint64_t offset, std::uint64_t size) {
  Fd fd(::open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  REQUIRE(::write(fd.get(), content.data(), content.size()) ==
          static_cast<ssize_t>(content.size()));
  return {std::move(fd), offset, size};
}

}  // namespace

TEST_CASE("connection: a request and its response") {
  Request seen;
  FakeClient client([&](Request r, const Reply& reply) {
    seen = std::move(r);
    reply.send({.status = 418, .headers = {{"X-Also", "this"}}, .body = "short and stout"});
  });
  CHECK(client.send("POST /a%20b/c?d=e%20f HTTP/1.1\r\nHost: h:1\r\nX-Test:  yes \r\n"
                    "Content-Length: 4\r\n\r\nbody") ==
        "HTTP/1.1 418 Status\r\n"
        "Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 15\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "X-Also: this\r\n"
        "\r\n"
        "short and stout");
  CHECK(seen.method == "POST");
  CHECK(seen.target == "/a%20b/c?d=e%20f");
  CHECK(seen.path == "/a b/c");
  CHECK(seen.query == "d=e%20f");
  CHECK(seen.host == "h:1");
  CHECK(seen.body == "body");
  REQUIRE(seen.header("x-test") != nullptr);
  CHECK(*seen.header("x-test") == "yes");
  CHECK(seen.header("x-other") == nullptr);
  CHECK_FALSE(seen.peer);
  CHECK_FALSE(seen.tls);

  client.send("GET http://Other:80?q HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(seen.host == "Other:80");
  CHECK(seen.target == "/?q");
  CHECK(seen.path == "/");
  CHECK(seen.query == "q");
}

TEST_CASE("connection: HEAD has the headers of GET alone") {
  FakeClient client([](const Request&, const Reply& reply) { reply.send({.body = "hello"}); });
  const std::string head = client.send(kHead);
  CHECK(holds(head, "\r\nContent-Length: 5\r\n"));
  CHECK(head.ends_with("\r\n\r\n"));
  CHECK(client.send(kGet) == head + "hello");
  CHECK(client.send("HEAD /x HTTP/1.1\r\n\r\n").ends_with("\r\n\r\n"));  // refused, without a body
}

TEST_CASE("connection: a client that waits to be asked for its body") {
  FakeClient client([](const Request& r, const Reply& reply) { reply.send({.body = r.body}); });
  CHECK(client.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n"
                    "\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(client.send("bo") == "");
  CHECK(client.send("dy").ends_with("\r\n\r\nbody"));
}

TEST_CASE("connection: responses without a body, and headers that cannot be sent") {
  Response response;
  FakeClient client([&](const Request&, const Reply& reply) { reply.send(std::move(response)); });
  for (const int status : {204, 304}) {
    response = text_response(status, "not sent");
    const std::string answer = client.send(kGet);
    CHECK_FALSE(holds(answer, "Content-Length"));
    CHECK(answer.ends_with("\r\n\r\n"));
  }
  response = redirect(302, "/a\r\nSet-Cookie: x");
  const std::string answer = client.send(kGet);
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK_FALSE(holds(answer, "Cookie"));
  CHECK(client.wire.server_ended);
}

TEST_CASE("connection: an answer that comes later, from another thread") {
  std::optional<Reply> kept;
  FakeClient client([&](const Request&, const Reply& reply) { kept = reply; });
  CHECK(client.send(kGet) == "");
  CHECK(client.connection.wants_read());
  CHECK(client.connection.deadline() == MonoTime::max());
  std::thread([&] {
    kept->send({.body = "late"});
    kept->send({.body = "too late"});
  }).join();
  CHECK(client.waker->wakes == 1);
  CHECK(client.step().ends_with("\r\n\r\nlate"));
  CHECK_FALSE(kept->gone());

  // Nobody answers: that is an answer too.
  client.send(kGet);
  kept.reset();
  CHECK(client.step().starts_with("HTTP/1.1 500 "));
}

TEST_CASE("connection: a client that leaves cancels") {
  std::optional<Reply> kept;
  FakeClient client([&](const Request&, const Reply& reply) { kept = reply; });
  client.send(kGet + kGet.substr(0, 9));
  CHECK_FALSE(kept->gone());
  client.end();
  CHECK(client.connection.closed());
  CHECK(kept->gone());
  kept->send({});  // to nobody

  // A whole answer is no leaving.
  FakeClient served([&](const Request&, const Reply& reply) {
    kept = reply;
    reply.send({});
  });
  served.send(kGet);
  served.end();
  CHECK_FALSE(kept->gone());
}

TEST_CASE("connection: a stream") {
  std::optional<Stream> stream;
  FakeClient client([&](const Request&, const Reply& reply) { stream = reply.stream(events()); });
  const std::string head = client.send(kGet);
  CHECK(holds(head, "\r\nTransfer-Encoding: chunked\r\n"));
  CHECK_FALSE(holds(head, "Content-Length"));
  CHECK(head.ends_with("\r\n\r\n"));
  std::thread([&] { CHECK(stream->send_event("update", "a\nb")); }).join();
  CHECK(client.step() == "1f\r\nevent: update\ndata: a\ndata: b\n\n\r\n");
  // Quiet for a while.
  CHECK(client.pass(14s) == "");
  CHECK(client.pass(1s) == "3\r\n:\n\n\r\n");
  CHECK(stream->send("x"));
  CHECK(stream->send("y"));
  CHECK(client.step() == "2\r\nxy\r\n");
  stream->send("z");
  stream.reset();
  CHECK(client.step() == "1\r\nz\r\n0\r\n\r\n");
  // The connection is as good as before.
  stream.reset();
  CHECK(client.send(kGet).substr(80) == head.substr(80));
  client.end();
  CHECK(client.connection.closed());
  CHECK(stream->gone());
  CHECK_FALSE(stream->send("nobody"));
}

TEST_CASE("connection: a stream to HTTP/1.0 ends with the connection, one to HEAD at once") {
  std::optional<Stream> stream;
  auto handler = [&](const Request&, const Reply& reply) {
    stream = reply.stream(events());
    stream->send("first ");
  };
  FakeClient old(handler);
  const std::string answer = old.send("GET / HTTP/1.0\r\n\r\n");
  CHECK_FALSE(holds(answer, "chunked"));
  CHECK(answer.ends_with("\r\n\r\nfirst "));
  stream->send("second");
  stream->end();
  CHECK(old.step() == "second");
  CHECK(old.wire.server_ended);

  FakeClient head(handler);
  CHECK(head.send(kHead).ends_with("\r\n\r\n"));
  CHECK(stream->gone());
  CHECK(head.send(kHead).starts_with("HTTP/1.1 200"));
}

TEST_CASE("connection: a stream whose client takes too little is cut off") {
  std::optional<Stream> stream;
  Limits limits;
  limits.stream_buffer = 1000;
  FakeClient client([&](const Request&, const Reply& reply) { stream = reply.stream(events()); },
                    limits);
  client.send(kGet);
  client.wire.room = 0;
  CHECK(stream->send(std::string(600, 'x')));
  client.step();  // on their way
  CHECK(stream->send(std::string(600, 'x')));
  CHECK_FALSE(stream->send(std::string(600, 'x')));
  CHECK_FALSE(stream->send("x"));
  client.step();
  CHECK(client.connection.closed());
  CHECK(stream->gone());
}

TEST_CASE("connection: a file, and one that shrank") {
  Response response;
  FakeClient client([&](const Request&, const Reply& reply) { reply.send(std::move(response)); });
  const std::string content(10000, 'f');
  response.file = file_of("0123456789" + content, 2, 10000);
  client.wire.room = 3000;
  std::string answer = client.send(kGet);
  CHECK(holds(answer, "\r\nContent-Length: 10000\r\n"));
  client.wire.room = SIZE_MAX;
  answer += client.step();
  CHECK(answer.ends_with("\r\n\r\n23456789" + content.substr(0, 9992)));

  response = {};
  response.file = file_of(content, 0, 10001);
  answer = client.send(kGet);
  CHECK(answer.ends_with(content));
  CHECK(client.connection.closed());
}

TEST_CASE("connection: the end of the server") {
  std::optional<Reply> kept;
  std::optional<Stream> stream;
  auto handler = [&](const Request& r, const Reply& reply) {
    if (r.method == "GET") {
      kept = reply;
    } else {
      stream = reply.stream(events());
    }
  };
  FakeClient idle(handler);
  idle.connection.end();
  CHECK(idle.connection.closed());

  FakeClient busy(handler);
  busy.send(kGet);
  busy.context.ending = true;
  busy.connection.end();
  CHECK_FALSE(busy.connection.closed());
  kept->send({.body = "done"});
  const std::string answer = busy.step();
  CHECK(holds(answer, "\r\nConnection: close\r\n"));
  CHECK(answer.ends_with("done"));
  CHECK(busy.wire.server_ended);

  FakeClient streaming(handler);
  streaming.send("POST / HTTP/1.1\r\nHost: x\r\n\r\n");
  streaming.context.ending = true;
  streaming.connection.end();
  CHECK(streaming.wire.to_client == "0\r\n\r\n");
  CHECK(streaming.wire.server_ended);
  CHECK(stream->gone());
}

TEST_CASE("connection: events as text") {
  CHECK(format_event("", "x") == "data: x\n\n");
  CHECK(format_event("n", "a\r\nb\rc\n") == "event: n\ndata: a\ndata: b\ndata: c\ndata: \n\n");
}
