// The loop: Asio waits for the sockets of one thread and for its timer; what happens on a
// connection is connection.cc's, which knows neither. Each connection waits by readiness, so that
// an idle one holds no buffer, and sendfile(2) and OpenSSL work on the socket itself.
//
// Why Beast and Asio, and not a parser and poll(2) of our own, measured with
// tests/bench/bench_http.cc (g++ 12 -O2, Linux 6, a page of 2 KB; CPU of the server for each
// request, kernel included):
//
//                                     own parser, poll(2)    Beast, Asio
//   a: 1 connection, 1 at a time                6.0 us          6.5 us
//   b: 64 connections, 1 at a time              5.2 us          6.1 us
//   c: 64 connections, 16 at a time             3.3 us          3.7 us
//   memory, no connection                       1.2 MB          1.5 MB
//   memory, 1,000 idle connections              4.1 MB          5.4 MB
//
// One request for a page costs the same within a microsecond; the parser is one that many attack.
// Compiling this file takes 5 s of CPU, server_parser.cc 2 s.
#include "http/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <map>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "http/connection.h"
#include "http/host_names.h"
#include "http/worker_pool.h"
#include "os/signals.h"
#include "os/thread.h"

namespace gw::http {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using ErrorCode = boost::system::error_code;

namespace {

// Who wakes which connection. Replies hold it, and may outlive the loop.
class LoopWaker : public Waker {
 public:
  using Wake = std::function<void(std::vector<std::uint64_t>)>;  // called on the loop's thread
  LoopWaker(asio::io_context& io, Wake wake) : io_(&io), wake_(std::move(wake)) {}

  void wake(std::uint64_t connection) override {
    // The connection whose handler answers at once looks by itself.
    if (std::this_thread::get_id() == thread_ && connection == stepping_) return;
    const MutexLock lock(mutex_);
    if (io_ == nullptr) return;
    waiting_.push_back(connection);
    if (waiting_.size() == 1) asio::post(*io_, [this] { wake_(take()); });
  }

  void set_thread() { thread_ = std::this_thread::get_id(); }
  void set_stepping(std::uint64_t connection) { stepping_ = connection; }
  void detach() {
    const MutexLock lock(mutex_);
    io_ = nullptr;
  }

 private:
  std::vector<std::uint64_t> take() {
    const MutexLock lock(mutex_);
    return std::exchange(waiting_, {});
  }

  std::atomic<std::thread::id> thread_{};
  std::uint64_t stepping_ = 0;  // the loop's thread only
  Mutex mutex_;
  asio::io_context* io_ GW_GUARDED_BY(mutex_);
  std::vector<std::uint64_t> waiting_ GW_GUARDED_BY(mutex_);
  const Wake wake_;
};

// An IPv4 address or an IPv6 /64.
std::string network_of(const SocketAddress& peer) {
  return std::string(peer.ip_bytes().substr(0, peer.is_v6() ? 8 : 4));
}

// Gives it the socket; false, and the socket stays whose it was, when the kernel refuses.
bool adopt(Descriptor& descriptor, Fd& fd) {
  ErrorCode error;
  descriptor.assign(fd.get(), error);
  if (error) return false;
  fd.release();
  return true;
}

// Whose file, if it has one, is of whoever gave it.
Result<Listener> take_socket(int listening) {
  Fd fd(::fcntl(listening, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!fd) return errno_error("a listening socket that was given", errno);
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return errno_error("a listening socket that was given", errno);
  }
  return Listener{std::move(fd), {}};
}

}  // namespace

struct Server::Impl {
  struct Client {
    explicit Client(asio::io_context& io) : descriptor(io) {}
    Descriptor descriptor;
    std::unique_ptr<Connection> connection;
    std::string network;  // counted in `networks`
    bool reading = false;
    bool writing = false;
  };

  ~Impl();

  Status start();
  void run();
  void wait_for_clients();
  std::uint64_t longest_waiting(const std::string* network) const;
  bool make_room(const std::string* network);
  void accept_some();
  void add_client(Fd fd, std::optional<SocketAddress> peer);
  std::unique_ptr<Transport> make_transport(int fd);
  void step(std::uint64_t id);
  void settle(std::uint64_t id);
  void wait_until(MonoTime deadline);
  void expire_some();
  void remove(std::uint64_t id);
  void dispatch(Request request, Reply reply);
  void close_listener();
  void begin_end();
  void close_all();
  void ask(const std::function<void()>& work);

  ServerOptions options;
  Router router;

  // From here on used by the loop's thread only, but for what says otherwise.
  asio::io_context io{1};
  std::optional<Descriptor> listener;
  std::optional<os::SocketFile> file;  // the listener's, if it is ours
  bool accepting = false;              // a wait is under way
  bool paused = false;
  asio::steady_timer accept_again{io};
  asio::steady_timer timer{io};
  MonoTime timer_at = MonoTime::max();
  std::unique_ptr<TlsFiles> tls;
  std::array<char, 16 << 10> scratch;
  std::shared_ptr<LoopWaker> waker;
  std::optional<ConnectionContext> context;
  std::atomic<std::uint64_t> last_id{0};  // any thread may read it
  std::unordered_map<std::uint64_t, std::unique_ptr<Client>> clients;
  std::map<std::string, unsigned> networks;

  std::atomic<unsigned> count{0};  // of clients; any thread
  Mutex mutex;
  Condition changed;
  bool empty GW_GUARDED_BY(mutex) = false;  // the server ends, and all is sent

  std::unique_ptr<WorkerPool> pool;
  os::Thread thread;
};

Status Server::Impl::start() {
  os::ignore_sigpipe();
  if (options.tls) {
    GW_TRY(tls, TlsFiles::load(*options.tls));
  }
  GW_TRY(Listener own,
         options.listening < 0 ? listen_on(options.listen) : take_socket(options.listening));
  file = std::move(own.file);
  if (!adopt(listener.emplace(io), own.fd)) {
    close_listener();
    return io_error("starting the HTTP server: no descriptor left");
  }
  waker = std::make_shared<LoopWaker>(io, [this](const std::vector<std::uint64_t>& ids) {
    for (const std::uint64_t id : ids) step(id);
  });
  context.emplace(ConnectionContext{
      .limits = options.limits,
      .clock = system_clock(),
      .waker = waker,
      .dispatch = [this](Request request,
                         Reply reply) { dispatch(std::move(request), std::move(reply)); },
      .scratch = scratch});
  if (router.has_slow()) {
    pool = std::make_unique<WorkerPool>(options.slow_waiting);
    GW_CHECK(pool->start(std::max(1U, options.workers)));
  }
  paused = options.paused;
  wait_for_clients();
  GW_TRY(thread, os::start_thread([this] { run(); }));
  return {};
}

void Server::Impl::run() {
  waker->set_thread();
  const auto work = asio::make_work_guard(io);
  io.run();
}

// ---- connections ----

// The client whose request has been waited for the longest, of a network or of all; 0: none is.
std::uint64_t Server::Impl::longest_waiting(const std::string* network) const {
  std::uint64_t longest = 0;
  MonoTime since = MonoTime::max();
  for (const auto& [id, client] : clients) {
    if (network != nullptr && client->network != *network) continue;
    const auto waiting = client->connection->waiting_since();
    if (!waiting || *waiting > since || (*waiting == since && id > longest)) continue;
    since = *waiting;
    longest = id;
  }
  return longest;
}

// Who holds connections and asks for nothing must not keep out who does.
bool Server::Impl::make_room(const std::string* network) {
  const std::uint64_t id = longest_waiting(network);
  if (id != 0) remove(id);
  return id != 0;
}

void Server::Impl::wait_for_clients() {
  if (accepting || paused || !listener) return;
  if (clients.size() >= options.limits.connections && longest_waiting(nullptr) == 0) return;
  accepting = true;
  listener->async_wait(Descriptor::wait_read, [this](ErrorCode error) {
    accepting = false;
    if (!error) accept_some();
  });
}

void Server::Impl::accept_some() {
  constexpr int kAtOnce = 16;
  for (int i = 0; i < kAtOnce && listener && !paused; ++i) {
    if (clients.size() >= options.limits.connections && longest_waiting(nullptr) == 0) break;
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    Fd fd(::accept4(listener->native_handle(), address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) break;
      // Descriptors or memory ran out. The listener stays readable: without a pause this would
      // spin.
      accept_again.expires_after(std::chrono::milliseconds(100));
      accept_again.async_wait([this](ErrorCode error) {
        if (!error) wait_for_clients();
      });
      return;
    }
    add_client(std::move(fd), SocketAddress::from_sockaddr(address, size));
  }
  wait_for_clients();
}

std::unique_ptr<Transport> Server::Impl::make_transport(int fd) {
  if (!tls) return plain_transport(fd);
  Error error;
  const TlsFiles::Change change = tls->refresh(error);
  if (options.log != nullptr && change == TlsFiles::Change::kLoaded) {
    options.log->info("tls_reloaded", {{"certificate", options.tls->certificate_file}});
  } else if (options.log != nullptr && change == TlsFiles::Change::kFailed) {
    options.log->error("tls_reload_failed", error);
  }
  return tls->transport(fd);
}

void Server::Impl::add_client(Fd fd, std::optional<SocketAddress> peer) {
  std::string network;
  if (peer) {
    network = network_of(*peer);
    const auto there = networks.find(network);
    if (there != networks.end() && there->second >= options.limits.connections_per_address &&
        !make_room(&network)) {
      return;
    }
  }
  if (clients.size() >= options.limits.connections && !make_room(nullptr)) return;
  auto transport = make_transport(fd.get());
  if (!transport) return;
  auto client = std::make_unique<Client>(io);
  if (!adopt(client->descriptor, fd)) return;
  const std::uint64_t id = ++last_id;
  client->connection = std::make_unique<Connection>(id, std::move(transport), peer, *context);
  if (peer) ++networks[network];
  client->network = std::move(network);
  clients.emplace(id, std::move(client));
  count.store(static_cast<unsigned>(clients.size()));
  step(id);
}

void Server::Impl::step(std::uint64_t id) {
  const auto it = clients.find(id);
  if (it == clients.end()) return;
  waker->set_stepping(id);
  it->second->connection->step();
  waker->set_stepping(0);
  settle(id);
}

// Waits for what the connection wants now.
void Server::Impl::settle(std::uint64_t id) {
  const auto it = clients.find(id);
  if (it == clients.end()) return;
  Client& client = *it->second;
  const Connection& connection = *client.connection;
  if (connection.closed()) return remove(id);
  if (connection.wants_read() && !client.reading) {
    client.reading = true;
    client.descriptor.async_wait(Descriptor::wait_read, [this, id](ErrorCode error) {
      const auto found = clients.find(id);
      if (error || found == clients.end()) return;
      found->second->reading = false;
      step(id);
    });
  }
  if (connection.wants_write() && !client.writing) {
    client.writing = true;
    client.descriptor.async_wait(Descriptor::wait_write, [this, id](ErrorCode error) {
      const auto found = clients.find(id);
      if (error || found == clients.end()) return;
      found->second->writing = false;
      step(id);
    });
  }
  if (connection.wants_turn()) asio::post(io, [this, id] { step(id); });
  wait_until(connection.deadline());
  wait_for_clients();  // it may be one that can go
}

void Server::Impl::remove(std::uint64_t id) {
  const auto it = clients.find(id);
  const std::string& network = it->second->network;
  if (!network.empty() && --networks[network] == 0) networks.erase(network);
  clients.erase(it);
  count.store(static_cast<unsigned>(clients.size()));
  if (context->ending && clients.empty()) {
    {
      const MutexLock lock(mutex);
      empty = true;
    }
    changed.notify_all();
  }
  wait_for_clients();
}

// ---- time ----

// One timer for all: deadlines mostly move away before they come, so that it is set anew rarely.
void Server::Impl::wait_until(MonoTime deadline) {
  if (deadline >= timer_at) return;
  timer_at = deadline;
  timer.expires_at(deadline);
  timer.async_wait([this](ErrorCode error) {
    if (!error) expire_some();
  });
}

void Server::Impl::expire_some() {
  timer_at = MonoTime::max();
  const MonoTime now = system_clock().mono();
  std::vector<std::uint64_t> late;
  MonoTime next = MonoTime::max();
  for (const auto& [id, client] : clients) {
    const MonoTime deadline = client->connection->deadline();
    if (deadline <= now) {
      late.push_back(id);
    } else {
      next = std::min(next, deadline);
    }
  }
  for (const std::uint64_t id : late) {
    clients.at(id)->connection->expire();
    settle(id);
  }
  wait_until(next);
}

// ---- requests ----

void Server::Impl::dispatch(Request request, Reply reply) {
  if (options.names && request.peer && !may_be_asked_as(request.host, *options.names)) {
    return reply.send(text_response(421, "not a name that this server may be asked by"));
  }
  const Router::Match match = router.find(request.method, request.path);
  if (match.route == nullptr) {
    Response response = match.allow.empty() ? text_response(404, "not found")
                                            : text_response(405, "method not allowed");
    if (!match.allow.empty()) response.headers.push_back({"Allow", match.allow});
    return reply.send(std::move(response));
  }
  if (!match.route->slow) return match.route->handler(request, std::move(reply));
  auto job = [handler = &match.route->handler, reply,
              shared = std::make_shared<const Request>(std::move(request))] {
    if (!reply.gone()) (*handler)(*shared, reply);
  };
  if (pool->submit(std::move(job))) return;
  Response busy = text_response(503, "too much to do: try again");
  busy.headers.push_back({"Retry-After", "5"});
  reply.send(std::move(busy));
}

// ---- the end ----

// The file first: by the time nobody listens, the path may be the next server's.
void Server::Impl::close_listener() {
  if (file) file->remove();
  file.reset();
  listener.reset();
}

void Server::Impl::begin_end() {
  context->ending = true;
  close_listener();
  accept_again.cancel();
  std::vector<std::uint64_t> ids;
  for (const auto& [id, client] : clients) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    clients.at(id)->connection->end();
    settle(id);
  }
  if (clients.empty()) {
    const MutexLock lock(mutex);
    empty = true;
  }
  changed.notify_all();
}

void Server::Impl::close_all() {
  clients.clear();
  networks.clear();
  count.store(0);
  io.stop();
}

// Runs it on the loop's thread, and waits for its end.
void Server::Impl::ask(const std::function<void()>& work) {
  if (!thread.joinable()) return;
  bool done = false;
  asio::post(io, [&] {
    work();
    {
      const MutexLock lock(mutex);
      done = true;
    }
    changed.notify_all();
  });
  const MutexLock lock(mutex);
  while (!done) changed.wait(mutex);
}

Server::Impl::~Impl() {
  if (thread.joinable()) {
    asio::post(io, [this] { close_all(); });
    thread.join();
  }
  close_listener();
  pool.reset();
  if (waker) waker->detach();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Router router) {
  std::unique_ptr<Impl> impl;
  try {
    impl = std::make_unique<Impl>();
  } catch (const boost::system::system_error& e) {  // of the io_context, which has no other way
    return errno_error("starting the HTTP server", e.code().value());
  }
  impl->options = std::move(options);
  impl->router = std::move(router);
  GW_CHECK(impl->start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

void Server::stop(Duration patience) {
  Impl& s = *impl_;
  if (!s.thread.joinable()) return;
  const MonoTime end = system_clock().mono() + patience;
  asio::post(s.io, [&s] { s.begin_end(); });
  {
    const MutexLock lock(s.mutex);
    while (!s.empty && s.changed.wait_until(s.mutex, end)) {
    }
  }
  asio::post(s.io, [&s] { s.close_all(); });
  s.thread.join();
}

bool Server::pause() {
  Impl& s = *impl_;
  bool paused = false;
  s.ask([&] {
    s.paused = s.clients.empty();
    paused = s.paused;
  });
  return paused;
}

void Server::resume() {
  Impl& s = *impl_;
  s.ask([&] {
    s.paused = false;
    s.wait_for_clients();
  });
}

std::uint64_t Server::taken() const { return impl_->last_id.load(); }
const Endpoint& Server::endpoint() const { return impl_->options.listen; }
unsigned Server::connections() const { return impl_->count.load(); }

}  // namespace gw::http
