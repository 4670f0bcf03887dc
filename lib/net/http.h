// The HTTP client: many requests at once, each within bounds, over as few connections as will do.
//
// A call hands over all the requests it wants answered; they run in parallel over connections that
// stay open between calls: one with HTTP/2 when the server speaks it, else a few with HTTP/1.1.
// Whatever a server sends is bounded while it arrives, in size (headers, body) and in time
// (connecting, total, a minimum speed), because no server is trusted. Certificates are checked
// against the system's CA file; proxies come from HTTP(S)_PROXY and NO_PROXY, read as Go reads them
// (http_proxy.h).
// This header is the only door to libcurl.
//
// Cost: a client is empty until its first fetch; that looks through the CA file when the URL is
// https (2 ms, and as much again for each CA that signed for a server). A kept-alive HTTP/1.1
// request on loopback is about 60 µs of CPU.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/netrc.h"
#include "os/stop.h"

namespace gw::net {

struct HttpHeader {
  std::string name;   // lower case in responses
  std::string value;  // without surrounding white space
};

struct HttpResponse;

struct HttpRequest {
  std::string url = {};  // http or https, absolute
  std::string method = "GET";
  std::vector<HttpHeader> headers = {};  // besides Host, User-Agent, Accept and Content-Length
  std::string body = {};                 // sent with POST and PUT

  // Of the response, in bytes. More is an error with a 2xx status; another status's is cut there.
  std::size_t max_body = std::size_t{1} << 20;
  Duration timeout = std::chrono::seconds(30);  // from its start to the last byte of the response

  // Redirects followed before it is an error; none: a redirect is a response like any other. Only
  // to http and https, and only to https when `url` is. Credentials do not go to another host.
  int max_redirects = 0;
  bool verify_tls = true;  // false: any certificate of any name is taken
  // A body compressed with gzip is asked for, and decompressed; max_body counts it after that.
  bool accept_gzip = false;
  // Given the body as it arrives, with what is known of the response, in place of
  // HttpResponse::body, and max_body counts nothing then. False: no more is wanted, and the
  // response is complete as it is. On the thread of fetch().
  std::function<bool(const HttpResponse& head, std::string_view bytes)> take = {};
  // Bytes, all lines together; 128 more for each, which is what it takes to keep it.
  std::size_t max_headers = std::size_t{64} << 10;
};

// The error's detail when the answer's headers were more than is taken.
struct LargeHeaders : ErrorDetail {};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers;  // of the last response, in the order received
  std::string body;
  std::string redirected_to;  // who answered, without credentials; empty: who was asked
  std::optional<std::chrono::seconds> retry_after;  // Retry-After, both forms; at most a day
  Duration took{};                                  // from the request's start to here

  // The first header of that name (lower case), or nullptr.
  const std::string* header(std::string_view name) const;
};

// With the error of a request whose host has no address that could be found, for whatever reason.
struct UnresolvedHost : ErrorDetail {};
bool is_unresolved(const Error& error);

// With the error of an answer 404 or 410: the server is there, what was asked for is not.
struct NotThere : ErrorDetail {};
bool is_not_there(const Error& error);

struct HttpOptions {
  // PEM file of the CAs to trust. Empty: SSL_CERT_FILE, then where the systems keep theirs.
  std::string ca_file = {};
  // "HOST:PORT:ADDR:PORT" as curl's --connect-to: requests to the first pair connect to the second;
  // names and certificates stay those of the URL.
  std::vector<std::string> connect_to = {};
  // Name servers to ask instead of the system's: "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:53",
  // separated by commas. Answers are not validated.
  std::string dns_servers = {};
  Duration connect_timeout = std::chrono::seconds(10);
  // A transfer that stays below 64 bytes a second for this long has stalled; over HTTP/2, where
  // others may come before it, its whole time counts.
  Duration stall_timeout = std::chrono::seconds(20);
  // Sent over https with a certificate that is checked, to the hosts it names, and not to where
  // those redirect. May be null.
  std::shared_ptr<const Netrc> netrc = nullptr;
  // After this moment every request fails, also those under way: for a command with a time limit.
  std::optional<MonoTime> deadline = {};
  // HTTP/1.1 connections to one host, and HTTP/2 requests at once on its connection: at most, for
  // their number follows what the link carries (stream_window.h).
  unsigned max_connections = 8;
  unsigned max_streams = 64;
  // False: a server that could not be connected to, or let as many requests in a row as it may have
  // at once run out of time, is not asked again by this client; what would go there fails as that
  // did. For a command with many requests, which would wait for each anew.
  bool ask_dead_again = true;
  // Called when nothing has come for a tenth of a second, or until curl's own next timer, once
  // until something comes again: for a process that has nothing else to do meanwhile, and gives
  // memory back.
  std::function<void()> quiet = {};
  // Ends every fetch at once when requested. Borrowed: must outlive the client. May be null.
  const os::Stop* stop = nullptr;
};

// Used by one thread at a time.
class HttpClient {
 public:
  // Checks the options and contacts nobody; kUsage names the one that is wrong.
  static Result<HttpClient> create(HttpOptions options = {});

  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // One result for each request, in their order, once all have ended. Any status is a response; see
  // require_ok(). Errors name the URL (without credentials) and the cause:
  //   kUsage        not an http or https URL, a method or header that cannot be sent (nothing is
  //                 sent); no CA file found, with every path tried
  //   kUntrusted    a body larger than allowed
  //   kUnavailable  everything between here and there: no connection, timeouts, a response that is
  //                 malformed or cut short, headers larger than allowed, too many redirects,
  //                 stopped. A certificate that does not verify is here too: nothing is believed
  //                 because of TLS alone, the usual causes (one that expired, a captive portal)
  //                 pass by themselves, and a proof that fails must stay the reason to tell a human
  //                 that somebody lies.
  std::vector<Result<HttpResponse>> fetch(std::span<const HttpRequest> requests);
  Result<HttpResponse> fetch_one(const HttpRequest& request);

  // The same for requests that lead to others: `done` gets each result as soon as it is there, with
  // its request's place, and returns those to be sent next. The places of these follow, in the
  // order in which they were returned. Returns once there is nothing left to do.
  using Done =
      std::function<std::vector<HttpRequest>(std::size_t place, Result<HttpResponse> result)>;
  void fetch_each(std::vector<HttpRequest> requests, const Done& done);

  // Connections opened so far by this client.
  std::uint64_t connections() const;

 private:
  struct Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The body of a 200 response. Otherwise kNotFound for 404 and 410, and kUnavailable for everything
// else: what another status means is up to the server, and servers get repaired. Names the URL and
// the status, and quotes the beginning of a short text body.
Result<std::string> require_ok(Result<HttpResponse> response, const HttpRequest& request);

// kUsage unless HOST:PORT:ADDR:PORT, as HttpOptions::connect_to has it; colons inside brackets
// belong to an IPv6 address, and any part may be empty.
Status check_connect_to(std::string_view entry);

// The CA file that a client with this `ca_file` uses; kUsage with every path tried when there is
// none.
Result<std::string> find_ca_file(const std::string& ca_file);

}  // namespace gw::net
