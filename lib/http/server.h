// The HTTP/1.1 server (RFC 9110, 9112) behind every page of gwtool: TCP or a Unix socket, plain or
// with TLS.
//
// It runs on a thread of its own, with a few more for what is slow: a hostile client can delay
// other clients of these pages, and nothing else. All that a client sends is bounded, in bytes,
// number and time, and what is not plainly one request is refused. Boost.Beast parses the requests
// and Asio waits for the sockets, in server_parser.cc and server.cc; no header shows them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "http/endpoint.h"
#include "http/router.h"
#include "http/server_parser.h"
#include "http/tls.h"

namespace gw::http {

struct Limits {
  ParserLimits request = {};
  Duration header_time = std::chrono::seconds(10);  // a whole head, or handshake: 408
  Duration body_time = std::chrono::seconds(30);    // a whole body: 408
  Duration idle_time = std::chrono::seconds(30);    // between requests
  // In which a client must take at least write_least bytes, or the rest, of a response.
  Duration write_time = std::chrono::seconds(30);
  std::size_t write_least = 16 << 10;
  Duration stream_quiet = std::chrono::seconds(15);  // until an event stream sends a comment
  std::size_t stream_buffer = 1 << 20;               // bytes of one stream that may wait

  // For the next one, that goes which has been waited for the longest: for its request, or for
  // another one. While all are being answered, more wait in the kernel's queue.
  unsigned connections = 256;
  // The same for those of one address; while all of them are being answered, more are closed at
  // once. An address is an IPv4 address or an IPv6 /64; Unix sockets have none. For a server behind
  // a proxy, set it as high as `connections`.
  unsigned connections_per_address = 64;
};

struct ServerOptions {
  Endpoint listen = {};
  std::optional<TlsOptions> tls = {};
  Limits limits = {};
  unsigned workers = 2;           // threads for slow routes, made only when there is one
  std::size_t slow_waiting = 64;  // requests that may wait for them; more get 503
  // Only who asks by an address, as localhost or by one of these names gets an answer, others 421
  // (http/host_names.h). Nothing: no name is looked at, as where a page is everybody's anyway. A
  // Unix socket is never asked by a browser.
  std::optional<std::vector<std::string>> names = {};
  const Logger* log = nullptr;  // borrowed; null: nothing is said of TLS files that change
  // A listening socket at `listen` that is somebody else's, who keeps it: borrowed until start()
  // returns, and made one that does not block. -1: the server makes its own.
  int listening = -1;
  bool paused = false;  // takes connections from resume() on
};

class Server {
 public:
  // Listening when it returns. kUsage: the address is in use, not one of this machine, or needs
  // privileges, or the TLS files are not right; the message names it. Ignores SIGPIPE in the whole
  // process.
  static Result<std::unique_ptr<Server>> start(ServerOptions options, Router router);
  // As stop() with no time left. Handlers that run are waited for: they ask Reply::gone().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes no more connections, closes idle ones, ends streams, and waits until the answers under
  // way are sent, at most for `patience`; then closes what is left. Not from the server's thread.
  void stop(Duration patience);

  // Takes no more connections, until resume(), if none is open: false otherwise. Those that come
  // wait in the kernel's queue, for whoever else has the socket. Not from the server's thread.
  bool pause();
  void resume();

  // With the port that the kernel chose, if it was asked to.
  const Endpoint& endpoint() const;
  unsigned connections() const;  // open now
  std::uint64_t taken() const;   // connections so far

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gw::http
