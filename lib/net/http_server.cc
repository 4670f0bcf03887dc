#include "net/http_server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/service.h"

namespace gw::net {

namespace {

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    kFree(p);
  }
};
template <class T, auto kFree>
using Owned = std::unique_ptr<T, Freer<kFree>>;

struct Method {
  evhttp_cmd_type type;
  const char* name;
};
constexpr std::array kMethods = {
    Method{EVHTTP_REQ_GET, "GET"},       Method{EVHTTP_REQ_POST, "POST"},
    Method{EVHTTP_REQ_HEAD, "HEAD"},     Method{EVHTTP_REQ_PUT, "PUT"},
    Method{EVHTTP_REQ_DELETE, "DELETE"}, Method{EVHTTP_REQ_OPTIONS, "OPTIONS"},
    Method{EVHTTP_REQ_TRACE, "TRACE"},   Method{EVHTTP_REQ_CONNECT, "CONNECT"},
    Method{EVHTTP_REQ_PATCH, "PATCH"},
};

Result<Fd> listen_on(const SocketAddress& address) {
  const std::string what = "listening on " + address.format();
  auto failed = [&](int err) {
    Error error = errno_error(what, err);
    if (err == EADDRINUSE || err == EADDRNOTAVAIL || err == EACCES) error.kind = ErrorKind::kUsage;
    return error;
  };
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failed(errno);
  int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.is_v6()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd.get(), address.data(), address.size()) != 0) return failed(errno);
  if (::listen(fd.get(), 128) != 0) return failed(errno);
  return fd;
}

}  // namespace

struct HttpServer::Impl {
  // One client. evhttp tells nobody when a connection ends, but a bufferevent filter is told when
  // it is freed: this is the filter's context, and passes every byte on unchanged.
  struct Connection {
    Impl* server = nullptr;
    bufferevent* bev = nullptr;
    Owned<event, event_free> deadline;
  };

  ~Impl() {
    stop.request();
    if (thread.joinable()) thread.join();
  }

  Status open();
  void handle(evhttp_request* raw);
  ServerResponse respond(evhttp_request* raw, ServerRequest& request) const;
  bufferevent* accept();
  void restart_deadline(Connection& c) const;
  void connection_ended();

  HttpServerOptions options;
  ServerHandler handler;
  SocketAddress address;
  Stop stop;
  // Freed in the reverse order: evhttp frees its listeners and connections, which use the base.
  Owned<event_base, event_base_free> base;
  Owned<event, event_free> stopping;
  unsigned connections = 0;
  std::vector<Connection*> open_connections;
  evconnlistener* listener = nullptr;  // evhttp's
  Owned<evhttp, evhttp_free> http;
  std::thread thread;
};

namespace {

bufferevent_filter_result pass_on(evbuffer* from, evbuffer* to, ev_ssize_t /*limit*/,
                                  bufferevent_flush_mode /*mode*/, void* /*context*/) {
  return evbuffer_remove_buffer(from, to, evbuffer_get_length(from)) >= 0 ? BEV_OK : BEV_ERROR;
}

}  // namespace

bufferevent* HttpServer::Impl::accept() {
  bufferevent* socket = bufferevent_socket_new(base.get(), -1, BEV_OPT_CLOSE_ON_FREE);
  if (socket == nullptr) return nullptr;
  auto* c = new Connection{this, nullptr, nullptr};
  auto ended = [](void* context) {
    auto* connection = static_cast<Connection*>(context);
    std::erase(connection->server->open_connections, connection);
    connection->server->connection_ended();
    delete connection;
  };
  c->bev = bufferevent_filter_new(socket, pass_on, pass_on, BEV_OPT_CLOSE_ON_FREE, ended, c);
  if (c->bev == nullptr) {
    bufferevent_free(socket);
    delete c;
    return nullptr;
  }
  // evhttp's own timeout starts anew with every byte; this one does not, so that nobody holds a
  // connection by sending a byte now and then.
  auto expired = [](evutil_socket_t, short, void* context) {
    auto* connection = static_cast<Connection*>(context);
    ::shutdown(bufferevent_getfd(connection->bev), SHUT_RDWR);
  };
  c->deadline.reset(event_new(base.get(), -1, 0, expired, c));
  restart_deadline(*c);
  open_connections.push_back(c);
  // Those that come now wait in the kernel's queue, and are dropped there when it is full.
  if (++connections >= options.max_connections) evconnlistener_disable(listener);
  return c->bev;
}

void HttpServer::Impl::restart_deadline(Connection& c) const {
  timeval limit{static_cast<time_t>(3 * options.idle_timeout.count()), 0};
  if (c.deadline) event_add(c.deadline.get(), &limit);
}

void HttpServer::Impl::connection_ended() {
  connections--;
  if (!stop.requested()) evconnlistener_enable(listener);
}

Status HttpServer::Impl::open() {
  GW_TRY(Fd fd, listen_on(options.listen));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return errno_error("listening on " + options.listen.format(), errno);
  }
  address = SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&bound), size)
                .value_or(options.listen);
  base.reset(event_base_new());
  if (!base) return io_error("starting the HTTP server: no event loop");
  http.reset(evhttp_new(base.get()));
  if (!http) return internal_error("starting the HTTP server: out of memory");
  evhttp_set_max_headers_size(http.get(), static_cast<ev_ssize_t>(options.max_headers));
  evhttp_set_max_body_size(http.get(), static_cast<ev_ssize_t>(options.max_body));
  evhttp_set_timeout(http.get(), static_cast<int>(options.idle_timeout.count()));
  // All that evhttp knows: respond() refuses the rest with the status that says why.
  ev_uint16_t known = 0;
  for (const Method& m : kMethods) known |= static_cast<ev_uint16_t>(m.type);
  evhttp_set_allowed_methods(http.get(), known);
  evhttp_set_bevcb(
      http.get(), [](event_base*, void* self) { return static_cast<Impl*>(self)->accept(); }, this);
  evhttp_set_gencb(
      http.get(), [](evhttp_request* r, void* self) { static_cast<Impl*>(self)->handle(r); }, this);
  listener = evconnlistener_new(base.get(), nullptr, nullptr,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd.get());
  if (listener == nullptr) return internal_error("starting the HTTP server: out of memory");
  fd.release();
  if (evhttp_bind_listener(http.get(), listener) == nullptr) {
    evconnlistener_free(listener);
    return internal_error("starting the HTTP server: out of memory");
  }
  stopping.reset(event_new(
      base.get(), stop.fd(), EV_READ,
      [](evutil_socket_t, short, void* b) { event_base_loopbreak(static_cast<event_base*>(b)); },
      base.get()));
  if (!stopping || stop.fd() < 0 || event_add(stopping.get(), nullptr) != 0) {
    return io_error("starting the HTTP server: no event loop");
  }
  return {};
}

namespace {

std::string take_buffer(evbuffer* buffer) {
  std::string out(evbuffer_get_length(buffer), '\0');
  evbuffer_remove(buffer, out.data(), out.size());
  return out;
}

// The path of the request's URI, decoded; empty when it has none that we take.
std::string decoded_path(evhttp_request* raw) {
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(raw);
  const char* path = uri == nullptr ? nullptr : evhttp_uri_get_path(uri);
  if (path == nullptr) return {};
  std::size_t size = 0;
  Owned<char, free> text(evhttp_uridecode(path, 0, &size));
  if (!text || size == 0 || text.get()[0] != '/') return {};
  std::string out(text.get(), size);
  return out.find('\0') == std::string::npos ? out : std::string();
}

void read_request(evhttp_request* raw, ServerRequest& out) {
  out.path = decoded_path(raw);
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(raw);
  const char* query = uri == nullptr ? nullptr : evhttp_uri_get_query(uri);
  if (query != nullptr) out.query = query;
  const evkeyvalq* headers = evhttp_request_get_input_headers(raw);
  for (const evkeyval* h = headers->tqh_first; h != nullptr; h = h->next.tqe_next) {
    out.headers.push_back({to_lower(std::string_view(h->key)), h->value});
  }
  out.body = take_buffer(evhttp_request_get_input_buffer(raw));
  evhttp_connection* connection = evhttp_request_get_connection(raw);
  const sockaddr* peer = connection ? evhttp_connection_get_addr(connection) : nullptr;
  if (peer != nullptr) {
    socklen_t size = peer->sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    out.peer = SocketAddress::from_sockaddr(peer, size).value_or(SocketAddress());
  }
}

void send_response(evhttp_request* raw, const ServerResponse& response, bool head) {
  evkeyvalq* headers = evhttp_request_get_output_headers(raw);
  for (const HttpHeader& h : response.headers) {
    evhttp_add_header(headers, h.name.c_str(), h.value.c_str());
  }
  evhttp_add_header(headers, "Content-Type", response.content_type.c_str());
  evhttp_add_header(headers, "Content-Length", std::to_string(response.body.size()).c_str());
  if (!head) {
    evbuffer_add(evhttp_request_get_output_buffer(raw), response.body.data(), response.body.size());
  }
  evhttp_send_reply(raw, response.status, nullptr, nullptr);
}

}  // namespace

ServerResponse HttpServer::Impl::respond(evhttp_request* raw, ServerRequest& request) const {
  evhttp_cmd_type type = evhttp_request_get_command(raw);
  for (const Method& m : kMethods) {
    if (m.type == type) request.method = m.name;
  }
  const auto& allowed = options.methods;
  if (std::find(allowed.begin(), allowed.end(), request.method) == allowed.end()) {
    std::string list;
    for (const std::string& m : allowed) list += (list.empty() ? "" : ", ") + m;
    return {.status = 405, .headers = {{"Allow", list}}, .body = "method not allowed\n"};
  }
  read_request(raw, request);
  if (request.path.empty()) return {.status = 400, .body = "bad path\n"};
  return handler(request);
}

void HttpServer::Impl::handle(evhttp_request* raw) {
  bufferevent* bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(raw));
  for (Connection* c : open_connections) {
    if (c->bev == bev) restart_deadline(*c);
  }
  ServerRequest request;
  ServerResponse response = respond(raw, request);
  send_response(raw, response, evhttp_request_get_command(raw) == EVHTTP_REQ_HEAD);
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpServerOptions options,
                                                      ServerHandler handler) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  impl->handler = std::move(handler);
  GW_CHECK(impl->open());
  impl->thread = std::thread([raw = impl.get()] { event_base_dispatch(raw->base.get()); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

const SocketAddress& HttpServer::address() const { return impl_->address; }

const std::string* ServerRequest::header(std::string_view name) const {
  for (const HttpHeader& h : headers) {
    if (h.name == name) return &h.value;
  }
  return nullptr;
}

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
