// One thread, one poll(2) over everything: there are a few dozen connections at most. It is not
// evhttp because that tells nobody when a connection ends, so that neither their number nor the
// whole time of one can be bounded.
#include "net/http_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <thread>

#include "base/metrics.h"
#include "net/http_request.h"
#include "os/file.h"
#include "os/stop.h"

namespace gw::net {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Result<os::Fd> listen_on(const os::SocketAddress& address) {
  const std::string what = "listening on " + address.format();
  auto failed = [&](int err) {
    Error error = errno_error(what, err);
    if (err == EADDRINUSE || err == EADDRNOTAVAIL || err == EACCES) error.kind = ErrorKind::kUsage;
    return error;
  };
  os::Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed(errno);
  int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.is_v6()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), address.data(), address.size()) != 0) return failed(errno);
  if (::listen(fd.get(), 128) != 0) return failed(errno);
  return fd;
}

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

// RFC 9110 section 5.6.7: "Sun, 22 Nov 2026 21:41:10 GMT".
std::string http_date(WallTime t) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto day = std::chrono::floor<std::chrono::days>(t);
  std::chrono::year_month_day date(day);
  // "2026-11-22T21:41:10Z" has the digits of the day, the year and the time.
  std::string digits = format_rfc3339(t);
  return std::string(kDays[std::chrono::weekday(day).c_encoding()]) + ", " + digits.substr(8, 2) +
         " " + kMonths[static_cast<unsigned>(date.month()) - 1] + " " + digits.substr(0, 4) + " " +
         digits.substr(11, 8) + " GMT";
}

std::string format_response(const ServerResponse& response, bool head, bool keep_alive) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out += reason(response.status);
  out += "\r\nDate: " + http_date(system_clock().now());
  out += "\r\nContent-Type: " + response.content_type;
  out += "\r\nContent-Length: " + std::to_string(response.body.size());
  out += "\r\nX-Content-Type-Options: nosniff\r\n";
  for (const HttpHeader& h : response.headers) out += h.name + ": " + h.value + "\r\n";
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (!head) out += response.body;
  return out;
}

}  // namespace

struct HttpServer::Impl {
  struct Connection {
    os::Fd fd;
    os::SocketAddress peer;
    std::string in;
    std::string out;
    std::size_t sent = 0;  // of `out`
    MonoTime deadline{};
    bool continued = false;  // "100 Continue" was sent for the request that is coming
    bool closing = false;    // once `out` is sent
    bool draining = false;   // sent and shut down; what still comes is thrown away
  };

  ~Impl() {
    stop.request();
    if (thread.joinable()) thread.join();
  }

  void run();
  void accept_all();
  bool serve(Connection& c, short events);
  bool read_some(Connection& c);
  bool write_some(Connection& c);
  bool answer_all(Connection& c);
  void refuse(Connection& c, const ParsedRequest& parsed);
  milliseconds until_next_deadline() const;

  HttpServerOptions options;
  RequestLimits limits;
  ServerHandler handler;
  os::SocketAddress address;
  os::Fd listener;
  MonoTime accept_again{};  // after descriptors ran out
  std::list<Connection> connections;
  os::Stop stop;
  std::thread thread;
};

void HttpServer::Impl::accept_all() {
  while (connections.size() < options.max_connections) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    os::Fd fd(::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                        SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      // The listener stays readable: without a pause this would spin.
      if (exhausted) accept_again = system_clock().mono() + milliseconds(100);
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return;
    }
    Connection& c = connections.emplace_back();
    c.fd = std::move(fd);
    c.peer = os::SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&peer), size)
                 .value_or(os::SocketAddress());
    c.deadline = system_clock().mono() + options.idle_timeout;
  }
}

milliseconds HttpServer::Impl::until_next_deadline() const {
  MonoTime now = system_clock().mono();
  MonoTime next = now + seconds(60);
  for (const Connection& c : connections) next = std::min(next, c.deadline);
  if (accept_again > now) next = std::min(next, accept_again);
  return std::max(milliseconds(0), std::chrono::ceil<milliseconds>(next - now));
}

void HttpServer::Impl::run() {
  std::vector<pollfd> fds;
  while (!stop.requested()) {
    bool room =
        connections.size() < options.max_connections && system_clock().mono() >= accept_again;
    fds.assign({{stop.fd(), POLLIN, 0}, {room ? listener.get() : -1, POLLIN, 0}});
    for (const Connection& c : connections) {
      // While a response is being sent the client's next bytes can wait in the kernel.
      bool sending = c.sent < c.out.size();
      fds.push_back({c.fd.get(), static_cast<short>(sending ? POLLOUT : POLLIN), 0});
    }
    if (::poll(fds.data(), fds.size(), static_cast<int>(until_next_deadline().count())) < 0 &&
        errno != EINTR) {
      return;
    }
    MonoTime now = system_clock().mono();
    std::size_t i = 2;
    for (auto c = connections.begin(); c != connections.end(); i++) {
      bool alive = now < c->deadline && (fds[i].revents == 0 || serve(*c, fds[i].revents));
      c = alive ? std::next(c) : connections.erase(c);
    }
    if (fds[1].revents != 0) accept_all();
  }
  connections.clear();
}

// False when the connection is done with.
bool HttpServer::Impl::serve(Connection& c, short events) {
  bool usable = (events & POLLOUT) != 0 ? write_some(c) : read_some(c);
  return usable && (c.draining || answer_all(c));
}

bool HttpServer::Impl::read_some(Connection& c) {
  char buffer[16 << 10];
  ssize_t n = ::recv(c.fd.get(), buffer, sizeof buffer, 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  if (!c.draining) c.in.append(buffer, static_cast<std::size_t>(n));
  return true;
}

void HttpServer::Impl::refuse(Connection& c, const ParsedRequest& parsed) {
  ServerResponse response;
  response.status = parsed.status;
  response.body = std::string(reason(parsed.status)) + "\n";
  if (parsed.status == 405) {
    std::string list;
    for (const std::string& m : options.methods) list += (list.empty() ? "" : ", ") + m;
    response.headers.push_back({"Allow", list});
  }
  c.out += format_response(response, parsed.request.method == "HEAD", false);
  c.closing = true;
}

// Answers the requests that are complete, one response at a time: the next one is looked at when
// this one is on its way, so that a client cannot make us hold many. Afterwards a part of a
// response is left to be sent, or no request is: what waits in `in` has no event of its own. False
// when the connection is done with.
bool HttpServer::Impl::answer_all(Connection& c) {
  while (c.sent == c.out.size() && !c.closing) {
    ParsedRequest parsed = parse_request(c.in, limits);
    if (parsed.state == ParsedRequest::kRefused) {
      refuse(c, parsed);
    } else if (parsed.state == ParsedRequest::kIncomplete) {
      if (!parsed.wants_continue || c.continued) return true;
      c.continued = true;
      c.out = "HTTP/1.1 100 Continue\r\n\r\n";
      c.sent = 0;
    } else {
      c.in.erase(0, parsed.size);
      c.continued = false;
      c.closing = !parsed.keep_alive;
      parsed.request.peer = c.peer;
      ServerResponse response = handler(parsed.request);
      c.out = format_response(response, parsed.request.method == "HEAD", parsed.keep_alive);
      c.sent = 0;
      c.deadline = system_clock().mono() + 6 * options.idle_timeout;
    }
    if (!write_some(c)) return false;
  }
  return true;
}

bool HttpServer::Impl::write_some(Connection& c) {
  if (c.sent < c.out.size()) {
    ssize_t n = ::send(c.fd.get(), c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    c.sent += static_cast<std::size_t>(n);
    if (c.sent < c.out.size()) return true;
    c.out.clear();
    c.sent = 0;
    if (!c.continued) c.deadline = system_clock().mono() + options.idle_timeout;
  }
  if (c.closing && !c.draining) {
    // Closing with unread bytes would reset the connection, and with it take back the response.
    c.draining = true;
    ::shutdown(c.fd.get(), SHUT_WR);
    c.deadline = system_clock().mono() + seconds(1);
  }
  return true;
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      ServerHandler handler) {
  auto impl = std::make_unique<Impl>();
  GW_TRY(impl->listener, listen_on(options.listen));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(impl->listener.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return errno_error("listening on " + options.listen.format(), errno);
  }
  impl->address = os::SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), size)
                      .value_or(options.listen);
  impl->limits = {options.max_headers, options.max_body, options.methods};
  impl->options = std::move(options);
  impl->handler = std::move(handler);
  if (impl->stop.fd() < 0) return io_error("starting the HTTP server: no descriptor left");
  impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

const os::SocketAddress& HttpServer::address() const { return impl_->address; }

ServerHandler metrics_handler(std::function<std::string()> health, std::function<void()> refresh) {
  return [health = std::move(health),
          refresh = std::move(refresh)](const ServerRequest& request) -> ServerResponse {
    if (request.path == "/metrics") {
      if (refresh) refresh();
      return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = format_metrics()};
    }
    if (request.path == "/healthz") {
      std::string problem = health ? health() : "";
      if (problem.empty()) return {.body = "ok\n"};
      return {.status = 503, .body = problem + "\n"};
    }
    return {.status = 404, .body = "not found\n"};
  };
}

}  // namespace gw::net
