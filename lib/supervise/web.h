// The web page of a supervised service, its JSON, metrics and webhooks: a process of its own beside
// the supervisor, which it asks over the control socket like anybody else. It does not know the
// password: it passes on what it is given, and the supervisor looks. So a fault in it is none in
// what runs the service.
//
//   GET  / /style.css /json        the page and what it is made of        password
//   POST /update /check /pause /resume /rollback /skip /reload            password, form token
//   POST /notify /notifytoolchain  a webhook: look for versions           bearer token
//   GET  /metrics /service-version /service-version.json                  for everybody
//
// It is started when somebody connects, to sockets that the supervisor holds, and ends when nobody
// has for a while.
//
// Against other sites that make a visitor's browser send something: every form has a token, and an
// Origin that is not ours is refused; without TLS so is a Host that is not ours, as another site
// may let its own name lead here. A program that is no browser sends neither, and needs none for
// /update. Passwords and tokens are compared in constant time; who is wrong too often waits.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"
#include "http/endpoint.h"
#include "http/request.h"
#include "os/stop.h"
#include "os/user.h"

namespace gw::supervise {

struct WebOptions {
  std::string directory;      // of the supervisor
  std::string admin;          // "ADDR:PORT" or "unix:PATH"; empty: none
  std::string metrics;        // likewise; may be the same
  std::string password_file;  // one line; the supervisor's to read
  std::string token_file;     // for webhooks; empty: there are none
  std::string certificate, certificate_key;
  std::optional<os::Identity> user;  // to become once all is open; nothing: who we are
  std::vector<std::string> origins;  // of proxies in front: "https://ops.example"
  std::vector<std::pair<std::string, std::string>> links;  // name, URL
  // Hosts by which it may be asked for besides addresses, localhost and those of `origins`. With a
  // certificate no name is looked at: it is for the right ones alone.
  std::vector<std::string> names = {};
  std::string form_token = {};      // of the page's forms: the next page takes those of this one
  std::vector<int> listening = {};  // sockets at `admin` and, where it is another, `metrics`
  std::chrono::milliseconds idle = std::chrono::minutes(1);  // without a connection: its end
  bool operator==(const WebOptions&) const = default;
};
std::string format_web_options(const WebOptions& options);
Result<WebOptions> parse_web_options(std::string_view text);  // kUsage

// kUsage: an address that is neither loopback nor a Unix socket, without TLS.
Status check_web_options(const WebOptions& options);

// The addresses that are listened on, each once, in the order of WebOptions::listening.
Result<std::vector<http::Endpoint>> web_endpoints(const WebOptions& options);  // kUsage

// Serves until `stop`, or until nobody has been there for a while. With a `user` it changes to the
// directory: other paths are absolute then. kUsage, kIo: an address or a file.
Status serve_web(const WebOptions& options, const Clock& clock, const Logger& log,
                 const os::Stop& stop);

// ---- the parts, for tests ----

// Wrong guesses, by address: so many a minute.
class Throttle {
 public:
  explicit Throttle(const Clock& clock, unsigned most = 10) : clock_(clock), most_(most) {}
  bool allows(const std::string& who) GW_EXCLUDES(mutex_);
  void wrong(const std::string& who) GW_EXCLUDES(mutex_);

 private:
  struct Count {
    MonoTime since;
    unsigned wrong = 0;
  };
  const Clock& clock_;
  const unsigned most_;
  Mutex mutex_;
  std::map<std::string, Count> counts_ GW_GUARDED_BY(mutex_);
};

// The host of "https://ops.example:8443", with which a browser says where it comes from. kUsage:
// what no browser says, such as one with a path.
Result<std::string> host_of_origin(std::string_view origin);

std::string make_form_token();
bool equal_secrets(std::string_view a, std::string_view b);
// The password of `Authorization: Basic` for the user admin; nothing for others.
std::optional<std::string> basic_password(const http::Request& request);
std::optional<std::string> bearer_token(const http::Request& request);

enum class Sender {
  kBrowserHere,  // from a page of ours
  kBrowserElse,  // from another site's
  kProgram,      // no browser
};
Sender sender_of(const http::Request& request, const std::vector<std::string>& origins);

}  // namespace gw::supervise
