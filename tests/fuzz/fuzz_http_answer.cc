// What HTTP servers answer to the client: heads, bodies, gzip, redirects to wherever they like.
// Each connection that curl opens is a socket pair, and gets the next part of the input, which
// "\n--\n" divides. Whatever comes, the call ends, and what it gives keeps to what was asked for.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "net/http_certificate.h"
#include "net/http_transfer.h"

namespace fuzz_http_answer {

using namespace gw;
using namespace gw::net;

namespace {

constexpr std::string_view kBetween = "\n--\n";
constexpr int kMostRedirects = 3;
constexpr std::size_t kMostBody = 2000;
constexpr std::size_t kMostHeaders = 1000;

struct Network {
  std::string_view rest;
  unsigned connections = 0;
  std::vector<std::string> hosts;

  std::string_view next_answer() {
    const std::size_t end = rest.find(kBetween);
    const std::string_view answer = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + kBetween.size());
    // More than a socket's buffer takes would wait for a reader.
    return answer.substr(0, std::size_t{32} << 10);
  }

  static curl_socket_t open(void* self, curlsocktype /*purpose*/, curl_sockaddr* /*address*/) {
    auto& network = *static_cast<Network*>(self);
    ++network.connections;
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return CURL_SOCKET_BAD;
    const std::string_view answer = network.next_answer();
    (void)!::send(ends[1], answer.data(), answer.size(), MSG_NOSIGNAL);
    ::shutdown(ends[1], SHUT_WR);
    network.kept.push_back(ends[1]);
    return ends[0];
  }
  static int connected(void* /*self*/, curl_socket_t /*fd*/, curlsocktype /*purpose*/) {
    return CURL_SOCKOPT_ALREADY_CONNECTED;
  }
  ~Network() {
    for (const int fd : kept) ::close(fd);
  }
  std::vector<int> kept;
};

// No name is looked up, and no machine is spoken to.
void confine(CURL* easy, Network& network) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, Network::open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &network);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, Network::connected);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
  curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http");
}

void check(const Result<HttpResponse>& result, const HttpRequest& request, const Network& network,
           std::size_t taken) {
  require(network.connections <= 1U + static_cast<unsigned>(request.max_redirects));
  if (!result) {
    const ErrorKind kind = result.error().kind;
    require(kind == ErrorKind::kUnavailable || kind == ErrorKind::kUntrusted ||
            kind == ErrorKind::kUsage);
    return;
  }
  require(result->status >= 0 && result->status <= 999);
  require(result->body.size() <= request.max_body);
  if (request.take) require(result->body.empty());
  if (!request.take) require(taken == 0);
  std::size_t bytes = 0;
  for (const HttpHeader& header : result->headers) {
    bytes += header.name.size() + header.value.size();
    for (const char c : header.name) require(c < 'A' || c > 'Z');
    require(header.value.find('\n') == std::string::npos);
    require(header.value.empty() || (header.value.front() != ' ' && header.value.back() != ' '));
  }
  require(bytes <= request.max_headers);
  require(!result->retry_after || (*result->retry_after >= std::chrono::seconds(0) &&
                                   *result->retry_after <= std::chrono::hours(24)));
  require(result->redirected_to.empty());
}

}  // namespace

FUZZ_TARGET(http_answer)(const std::uint8_t* data, std::size_t size) {
  static CURL* const easy = [] {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    return curl_easy_init();
  }();
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.empty()) return 0;
  HttpOptions options;
  // Every host is an address, so that none is looked up: of who is connected to, one stands for
  // all.
  options.connect_to = {"::192.0.2.1:80"};
  std::size_t taken = 0;
  HttpRequest request{.url = "http://192.0.2.1/a?b", .max_body = kMostBody};
  request.max_headers = kMostHeaders;
  request.accept_gzip = (input[0] & 1) != 0;
  request.max_redirects = (input[0] & 2) != 0 ? kMostRedirects : 0;
  if ((input[0] & 4) != 0) {
    request.take = [&taken](const HttpResponse& head, std::string_view bytes) {
      require(head.body.empty());
      taken += bytes.size();
      return taken < kMostBody;
    };
  }
  if ((input[0] & 8) != 0) request.method = "HEAD";
  Network network{input.substr(1), 0, {}, {}};
  Transfer transfer;
  transfer.request = &request;
  transfer.easy = easy;
  std::vector<std::size_t> satisfied;
  transfer.satisfied = &satisfied;
  const ProxySettings direct;
  TrustedCas none("");
  require(transfer.prepare(options, none, std::chrono::seconds(5), direct).has_value());
  confine(easy, network);
  const CURLcode code = curl_easy_perform(easy);
  // Nothing waits here: all that comes has come, and its end.
  require(code != CURLE_OPERATION_TIMEDOUT);
  check(transfer.finish(code, options), request, network, taken);
  return 0;
}

}  // namespace fuzz_http_answer
