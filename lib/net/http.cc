#include "net/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"
#include "net/http_proxy.h"
#include "net/http_transfer.h"
#include "net/http_url.h"
#include "os/address.h"
#include "os/file.h"

namespace gw::net {

namespace {

Status start_curl() {
  static std::once_flag once;
  static CURLcode code = CURLE_OK;
  std::call_once(once, [] {
    code = curl_global_init(CURL_GLOBAL_DEFAULT);
    // Where there is no /dev/urandom, as in an empty chroot, c-ares makes the ids of its queries
    // out of rand(), which without a seed gives every process the same.
    unsigned seed = 0;
    random_bytes(&seed, sizeof seed);
    std::srand(seed);
  });
  if (code != CURLE_OK) {
    return internal_error(std::string("starting curl: ") + curl_easy_strerror(code));
  }
  return {};
}

Status check_dns_servers(std::string_view list) {
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), one.size() + 1));
    if (auto address = os::SocketAddress::parse(one, 53); !address) {
      return std::move(address).error().in("name servers");
    }
  }
  return {};
}

}  // namespace

struct HttpClient::Impl {
  explicit Impl(HttpOptions o) : options(std::move(o)) {}
  ~Impl();

  // What is known about one server, and what waits for it. The limit is kept here and not left to
  // curl, since a transfer's time runs while it waits inside curl.
  struct Origin {
    std::deque<std::size_t> waiting;
    unsigned active = 0;
    bool multiplexes = false;
    StreamWindow window;                // when it multiplexes
    std::deque<std::size_t> under_way;  // then: the oldest first; some have ended since
    MonoTime moved{};                   // when a byte came from it
    std::uint64_t completed = 0;
    bool reached = false;            // a connection was made
    unsigned late_in_row = 0;        // requests that ran out of time since one was complete
    std::optional<Error> dead = {};  // why it is not asked again
  };
  // One call of fetch() or fetch_each().
  struct Batch {
    explicit Batch(const Done& d) : done(d) {}
    const Done& done;
    std::deque<HttpRequest> requests;  // at addresses that stay
    std::vector<Origin*> origins;
    std::vector<std::unique_ptr<Transfer>> transfers;                // null when not under way
    std::deque<std::pair<std::size_t, Result<HttpResponse>>> ready;  // for `done`
    std::vector<std::size_t> satisfied;  // transfers whose `take` wants no more
    std::size_t waiting = 0;
    std::size_t active = 0;
  };

  Status open();
  void add(Batch& batch, HttpRequest request);
  void deliver(Batch& batch);
  void start_waiting(Batch& batch);
  static bool keeps_one_waiting(const Batch& batch, Origin& origin);
  void start(Batch& batch, std::size_t i);
  void collect(Batch& batch);
  void complete(Batch& batch, std::size_t i, CURLcode code);
  void learn(Origin& origin, Transfer& t, CURLcode code) const;
  void end(Batch& batch, std::size_t i);
  void abandon(Batch& batch, const std::string& why);
  CURLMcode wait();
  void run(Batch& batch);
  Result<TrustedCas*> cas_for(const HttpRequest& request);

  HttpOptions options;
  CURLM* multi = nullptr;
  std::vector<CURL*> idle;
  std::map<std::string, Origin> origins;
  TrustedCas none{""};
  std::optional<TrustedCas> cas;  // once found
  bool told_quiet = false;
  const ProxySettings proxies = ProxySettings::from_environment(&std::getenv);
  std::uint64_t connections = 0;
};

HttpClient::Impl::~Impl() {
  for (CURL* easy : idle) curl_easy_cleanup(easy);
  if (multi != nullptr) curl_multi_cleanup(multi);
}

Status HttpClient::Impl::open() {
  if (multi != nullptr) return {};
  GW_CHECK(start_curl());
  multi = curl_multi_init();
  if (multi == nullptr) return internal_error("starting curl: out of memory");
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(options.max_connections));
  // By default curl keeps fewer as a batch drains, and the next batch opens them again.
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                    std::max(64L, 2 * static_cast<long>(options.max_connections)));
  curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, static_cast<long>(options.max_streams));
  return {};
}

Result<TrustedCas*> HttpClient::Impl::cas_for(const HttpRequest& request) {
  const bool https = to_lower(std::string_view(request.url).substr(0, 6)) == "https:";
  const bool may_need = request.verify_tls && (https || request.max_redirects > 0);
  if (may_need && !cas) {
    auto found = find_ca_file(options.ca_file);
    if (!found && https) return std::move(found).error();
    if (found) cas.emplace(*std::move(found));
  }
  return cas ? &*cas : &none;
}

void HttpClient::Impl::add(Batch& batch, HttpRequest request) {
  const std::size_t i = batch.requests.size();
  batch.requests.push_back(std::move(request));
  batch.origins.push_back(nullptr);
  batch.transfers.emplace_back();
  const std::string& url = batch.requests.back().url;
  if (auto s = check_url(url); !s) {
    batch.ready.emplace_back(i, std::move(s).error());
    return;
  }
  Origin& origin = origins[url_origin(url)];
  origin.waiting.push_back(i);
  batch.origins[i] = &origin;
  ++batch.waiting;
}

// Gives away the results that are there, and takes the requests that they lead to.
void HttpClient::Impl::deliver(Batch& batch) {
  while (!batch.ready.empty()) {
    auto [i, result] = std::move(batch.ready.front());
    batch.ready.pop_front();
    for (HttpRequest& next : batch.done(i, std::move(result))) add(batch, std::move(next));
  }
}

// Whether a response waits so long while others come in that a server may be sending the newest
// first: no more are asked for until it has come. One that still does not come when nothing else
// does is the server's own matter.
bool HttpClient::Impl::keeps_one_waiting(const Batch& batch, Origin& origin) {
  constexpr Duration kSilence = std::chrono::seconds(1);
  if (!origin.multiplexes) return false;
  const MonoTime now = system_clock().mono();
  for (; !origin.under_way.empty(); origin.under_way.pop_front()) {
    const Transfer* oldest = batch.transfers[origin.under_way.front()].get();
    if (oldest == nullptr) continue;
    if (now - oldest->started < oldest->request->timeout / 6) return false;
    if (now - origin.moved < kSilence) return true;
  }
  return false;
}

void HttpClient::Impl::start_waiting(Batch& batch) {
  constexpr std::size_t kMaxActive = 256;  // over all servers
  if (batch.waiting == 0) return;
  for (auto& [name, origin] : origins) {
    const unsigned limit = origin.multiplexes ? std::min(origin.window.size(), options.max_streams)
                                              : options.max_connections;
    while (!origin.waiting.empty() && origin.active < limit && batch.active < kMaxActive &&
           !keeps_one_waiting(batch, origin)) {
      const std::size_t i = origin.waiting.front();
      origin.waiting.pop_front();
      --batch.waiting;
      start(batch, i);
    }
  }
}

void HttpClient::Impl::start(Batch& batch, std::size_t i) {
  const HttpRequest& request = batch.requests[i];
  const auto fail = [&](Error error) { batch.ready.emplace_back(i, std::move(error)); };
  Duration timeout = request.timeout;
  if (options.deadline) timeout = std::min(timeout, *options.deadline - system_clock().mono());
  if (timeout <= Duration::zero()) {
    return fail(unavailable_error(redact_url(request.url) + ": time is over"));
  }
  if (const auto& dead = batch.origins[i]->dead) return fail(dead->in(redact_url(request.url)));
  auto trusted = cas_for(request);
  if (!trusted) return fail(std::move(trusted).error().in(redact_url(request.url)));
  auto transfer = std::make_unique<Transfer>();
  transfer->request = &request;
  transfer->place = i;
  transfer->satisfied = &batch.satisfied;
  transfer->shares_connection = batch.origins[i]->multiplexes;
  transfer->completed_before = batch.origins[i]->completed;
  transfer->started = system_clock().mono();
  transfer->moved = &batch.origins[i]->moved;
  if (idle.empty()) {
    transfer->easy = curl_easy_init();
  } else {
    transfer->easy = idle.back();
    idle.pop_back();
  }
  if (transfer->easy == nullptr) return fail(internal_error("starting curl: out of memory"));
  auto prepared = transfer->prepare(options, **trusted, timeout, proxies);
  if (!prepared || curl_multi_add_handle(multi, transfer->easy) != CURLM_OK) {
    idle.push_back(transfer->easy);
    return fail(prepared ? internal_error("curl takes no more requests")
                         : std::move(prepared).error());
  }
  batch.transfers[i] = std::move(transfer);
  batch.origins[i]->under_way.push_back(i);
  ++batch.origins[i]->active;
  ++batch.active;
}

void HttpClient::Impl::end(Batch& batch, std::size_t i) {
  told_quiet = false;  // perhaps nobody waited for the last of it
  const Transfer& t = *batch.transfers[i];
  curl_multi_remove_handle(multi, t.easy);
  idle.push_back(t.easy);
  --batch.origins[i]->active;
  --batch.active;
  batch.transfers[i].reset();
}

void HttpClient::Impl::collect(Batch& batch) {
  int left = 0;
  while (CURLMsg* msg = curl_multi_info_read(multi, &left)) {
    if (msg->msg != CURLMSG_DONE) continue;
    void* priv = nullptr;
    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &priv);
    complete(batch, static_cast<Transfer*>(priv)->place, msg->data.result);
  }
  // What came with the last bytes that were wanted has been read now, perhaps to the end: then the
  // connection can be used again.
  for (const std::size_t i : batch.satisfied) {
    if (batch.transfers[i]) complete(batch, i, CURLE_OK);
  }
  batch.satisfied.clear();
}

void HttpClient::Impl::complete(Batch& batch, std::size_t i, CURLcode code) {
  Transfer& t = *batch.transfers[i];
  long opened = 0;
  long version = 0;
  curl_easy_getinfo(t.easy, CURLINFO_NUM_CONNECTS, &opened);
  curl_easy_getinfo(t.easy, CURLINFO_HTTP_VERSION, &version);
  connections += static_cast<std::uint64_t>(opened);
  if (version >= CURL_HTTP_VERSION_2) batch.origins[i]->multiplexes = true;
  learn(*batch.origins[i], t, code);
  batch.ready.emplace_back(i, t.finish(code, options));
  end(batch, i);
}

// How wide the link is shows in how long a response took to come in; and whether anybody answers at
// all, in how requests fail.
void HttpClient::Impl::learn(Origin& origin, Transfer& t, CURLcode code) const {
  origin.reached = origin.reached || t.connected();
  if (code == CURLE_OK) {
    origin.window.done(t.took(), t.request->timeout, options.max_streams);
    ++origin.completed;
    origin.late_in_row = 0;
  } else if (code == CURLE_OPERATION_TIMEDOUT && origin.completed > t.completed_before) {
    origin.window.late();
  }
  if (options.ask_dead_again || code == CURLE_OK) return;
  const bool late = code == CURLE_OPERATION_TIMEDOUT;
  const bool unreachable =
      late || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT;
  if (late) ++origin.late_in_row;
  if ((unreachable && !origin.reached) || origin.late_in_row >= options.max_connections) {
    origin.dead = t.describe(code, options);
  }
}

void HttpClient::Impl::abandon(Batch& batch, const std::string& why) {
  do {
    for (std::size_t i = 0; i < batch.requests.size(); ++i) {
      if (!batch.transfers[i]) continue;
      end(batch, i);
      batch.ready.emplace_back(
          i, unavailable_error(fmt::format("{}: {}", redact_url(batch.requests[i].url), why)));
    }
    for (auto& [name, origin] : origins) {
      for (const std::size_t i : origin.waiting) {
        batch.ready.emplace_back(
            i, unavailable_error(fmt::format("{}: {}", redact_url(batch.requests[i].url), why)));
      }
      origin.waiting.clear();
    }
    batch.waiting = 0;
    deliver(batch);
  } while (batch.waiting > 0);
}

CURLMcode HttpClient::Impl::wait() {
  constexpr int kTick = 1000;
  constexpr int kQuiet = 100;
  curl_waitfd stop{options.stop != nullptr ? options.stop->fd() : -1, CURL_WAIT_POLLIN, 0};
  const bool may_tell = options.quiet && !told_quiet;
  int ready = 0;
  const CURLMcode code =
      curl_multi_poll(multi, &stop, stop.fd >= 0 ? 1 : 0, may_tell ? kQuiet : kTick, &ready);
  if (ready != 0) {
    told_quiet = false;
  } else if (may_tell) {
    told_quiet = true;
    options.quiet();
  }
  return code;
}

void HttpClient::Impl::run(Batch& batch) {
  for (auto& [name, origin] : origins) origin.under_way.clear();  // of the batch before
  deliver(batch);
  if (batch.waiting == 0) return;
  if (auto s = open(); !s) return abandon(batch, s.error().message);
  for (; batch.waiting > 0 || batch.active > 0; deliver(batch)) {
    if (options.stop != nullptr && options.stop->requested()) return abandon(batch, "stopped");
    start_waiting(batch);
    int running = 0;
    CURLMcode code = curl_multi_perform(multi, &running);
    if (code != CURLM_OK) return abandon(batch, curl_multi_strerror(code));
    const std::size_t before = batch.active;
    collect(batch);
    // There is room: fill it first. What is there already does not wait for the others.
    if (batch.active == 0 || batch.active < before || !batch.ready.empty()) continue;
    if (code = wait(); code != CURLM_OK) return abandon(batch, curl_multi_strerror(code));
  }
}

HttpClient::HttpClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

// Curl finds a bad second port only when it connects, and never matches a bad first one.
Status check_connect_to(std::string_view entry) {
  std::vector<std::string> fields(1);
  bool bracket = false;
  bool odd = false;
  for (const char c : entry) {
    if (c == '[') bracket = true;
    if (c == ']') bracket = false;
    odd = odd || c <= ' ' || c > '~';
    if (c == ':' && !bracket) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  auto is_port = [](const std::string& text) {
    auto port = parse_decimal(text);
    return text.empty() || (port && *port >= 1 && *port <= 65535);
  };
  if (fields.size() == 4 && !bracket && !odd && is_port(fields[1]) && is_port(fields[3])) return {};
  return usage_error("bad --connect-to " + quoted(entry), "write HOST:PORT:ADDR:PORT");
}

Result<HttpClient> HttpClient::create(HttpOptions options) {
  for (const std::string& entry : options.connect_to) GW_CHECK(check_connect_to(entry));
  GW_CHECK(check_dns_servers(options.dns_servers));
  // A named file is a promise that it is there; the system's own is looked for when it is needed.
  if (!options.ca_file.empty()) {
    if (auto found = find_ca_file(options.ca_file); !found) return std::move(found).error();
  }
  options.max_connections = std::max(1U, options.max_connections);
  options.max_streams = std::max(1U, options.max_streams);
  return HttpClient(std::make_unique<Impl>(std::move(options)));
}

std::vector<Result<HttpResponse>> HttpClient::fetch(std::span<const HttpRequest> requests) {
  std::vector<Result<HttpResponse>> out(requests.size(), internal_error("no result"));
  fetch_each({requests.begin(), requests.end()},
             [&](std::size_t place, Result<HttpResponse> result) {
               out[place] = std::move(result);
               return std::vector<HttpRequest>();
             });
  return out;
}

void HttpClient::fetch_each(std::vector<HttpRequest> requests, const Done& done) {
  Impl::Batch batch(done);
  for (HttpRequest& request : requests) impl_->add(batch, std::move(request));
  impl_->run(batch);
}

Result<HttpResponse> HttpClient::fetch_one(const HttpRequest& request) {
  return std::move(fetch({&request, 1})[0]);
}

std::uint64_t HttpClient::connections() const { return impl_->connections; }

Result<std::string> find_ca_file(const std::string& ca_file) {
  const auto readable = [](const std::string& path) {
    return bool(os::Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
  };
  if (!ca_file.empty()) {
    if (readable(ca_file)) return ca_file;
    return usage_error(fmt::format("CA file {}: cannot be read", ca_file));
  }
  if (const char* env = std::getenv("SSL_CERT_FILE"); env != nullptr && *env != '\0') {
    // Somebody chose this one: falling back to another would trust what they did not name.
    if (readable(env)) return std::string(env);
    return usage_error(fmt::format("CA file {}: cannot be read", env), "see SSL_CERT_FILE");
  }
  constexpr const char* kPlaces[] = {
      "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Alpine, Arch
      "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
      "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL
      "/etc/ssl/ca-bundle.pem",                             // openSUSE
      "/etc/ssl/cert.pem",                                  // the BSDs, Alpine
  };
  std::string tried;
  for (const char* path : kPlaces) {
    if (readable(path)) return std::string(path);
    tried += std::string(tried.empty() ? "" : ", ") + path;
  }
  return usage_error("no CA certificates to check servers with: tried " + tried,
                     "install ca-certificates, or name a PEM file with --ca-file or SSL_CERT_FILE");
}

Result<std::string> require_ok(Result<HttpResponse> response, const HttpRequest& request) {
  if (!response) return std::move(response).error();
  if (response->status == 200) return std::move(response->body);
  std::string message = redact_url(request.url);
  if (!response->redirected_to.empty()) {
    message += ", redirected to " + quoted(response->redirected_to);
  }
  message += fmt::format(": status {}", response->status);
  if (const std::string* to = response->header("location");
      to != nullptr && response->status / 100 == 3) {
    message += ", a redirect to " + quoted(redact_url(*to));
  }
  const std::string* type = response->header("content-type");
  if (type != nullptr && type->starts_with("text/plain")) {
    std::string_view line = response->body;
    line = line.substr(0, line.find_first_of("\r\n"));
    if (!line.empty()) message += ": " + quoted(line, 120);
  }
  if (response->retry_after) {
    message += fmt::format(", to be asked again after {} s", response->retry_after->count());
  }
  if (response->status == 404 || response->status == 410) {
    Error error = not_found_error(std::move(message));
    error.detail = std::make_shared<NotThere>();
    return error;
  }
  return unavailable_error(std::move(message));
}

bool is_unresolved(const Error& error) {
  return dynamic_cast<const UnresolvedHost*>(error.detail.get()) != nullptr;
}

bool is_not_there(const Error& error) {
  return dynamic_cast<const NotThere*>(error.detail.get()) != nullptr;
}

const std::string* HttpResponse::header(std::string_view name) const {
  for (const HttpHeader& h : headers) {
    if (h.name == name) return &h.value;
  }
  return nullptr;
}

}  // namespace gw::net
