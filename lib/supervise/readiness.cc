#include "supervise/readiness.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "base/text.h"
#include "http/endpoint.h"
#include "net/http.h"
#include "net/http_url.h"
#include "os/file.h"
#include "os/socket_file.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxAnswer = std::size_t{1} << 20;

Status try_http(const std::string& url, std::chrono::milliseconds timeout) {
  GW_TRY(auto client, net::HttpClient::create({}));
  net::HttpRequest request;
  request.url = url;
  request.timeout = timeout;
  request.max_body = kMaxAnswer;
  GW_TRY(const net::HttpResponse response, client.fetch_one(request));
  if (response.status >= 200 && response.status < 300) return {};
  return unavailable_error(fmt::format("{}: status {}", url, response.status));
}

Result<os::Fd> connect_to(const http::Endpoint& endpoint) {
  sockaddr_un path{};
  if (endpoint.is_unix()) {
    GW_TRY(path, os::unix_address(endpoint.unix_path));
  }
  const sockaddr* to =
      endpoint.is_unix() ? reinterpret_cast<const sockaddr*>(&path) : endpoint.address.data();
  const socklen_t size = endpoint.is_unix() ? sizeof path : endpoint.address.size();
  os::Fd fd(::socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("a socket", errno);
  if (::connect(fd.get(), to, size) != 0 && errno != EINPROGRESS) {
    return unavailable_error(errno_error(endpoint.format(), errno).message);
  }
  return fd;
}

Status try_tcp(const std::string& address, std::chrono::milliseconds timeout) {
  GW_TRY(const auto endpoint, http::Endpoint::parse(address, 0));
  GW_TRY(const os::Fd fd, connect_to(endpoint));
  pollfd wait{fd.get(), POLLOUT, 0};
  if (::poll(&wait, 1, static_cast<int>(timeout.count())) <= 0) {
    return unavailable_error(address + ": no connection in time");
  }
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  if (error == 0) return {};
  return unavailable_error(errno_error(address, error).message);
}

constexpr const char* kWays =
    "notify, http://ADDR/PATH, tcp:ADDR:PORT, tcp:unix:PATH or exec:COMMAND";

// A command alone must not be what somebody meant otherwise: each new version would be rolled back
// by it. "Notify", "unix:/run/x", "ftp://x", only blanks.
bool is_no_command(std::string_view text) {
  const std::string_view word = trim(text).substr(0, trim(text).find(' '));
  const std::string_view scheme = word.substr(0, word.find(':'));
  return word.empty() || to_lower(word) == "notify" ||
         (!scheme.empty() && scheme.size() < word.size() &&
          std::all_of(scheme.begin(), scheme.end(), is_letter));
}

}  // namespace

Result<Readiness> parse_readiness(std::string_view text) {
  constexpr std::string_view kTcp = "tcp:";
  constexpr std::string_view kExec = "exec:";
  if (text.empty()) return Readiness{};
  if (text == "notify") return Readiness{ReadyBy::kNotify};
  if (text.starts_with("http://") || text.starts_with("https://")) {
    GW_CHECK(net::check_url(text));
    return Readiness{ReadyBy::kHttp, std::string(text)};
  }
  if (text.starts_with(kTcp)) {
    text.remove_prefix(kTcp.size());
    GW_TRY(const auto endpoint, http::Endpoint::parse(text, 0));
    if (!endpoint.is_unix() && endpoint.address.port() == 0) {
      return usage_error(quoted(text) + " has no port");
    }
    return Readiness{ReadyBy::kTcp, std::string(text)};
  }
  const bool exec = text.starts_with(kExec);
  if (exec) text.remove_prefix(kExec.size());
  if (exec && trim(text).empty()) return usage_error("no command behind exec:");
  if (!exec && is_no_command(text))
    return usage_error(quoted(text) + " is no way to be ready", kWays);
  return Readiness{ReadyBy::kCommand, std::string(text)};
}

Status try_readiness(const Readiness& readiness, std::chrono::milliseconds timeout) {
  if (readiness.by == ReadyBy::kHttp) return try_http(readiness.what, timeout);
  if (readiness.by == ReadyBy::kTcp) return try_tcp(readiness.what, timeout);
  return usage_error("nothing to try");
}

}  // namespace gw::supervise
