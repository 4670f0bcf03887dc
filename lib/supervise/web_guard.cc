// Who asks the page, and whether they may.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"
#include "os/address.h"
#include "supervise/web.h"

namespace gw::supervise {
namespace {

using http::Request;

constexpr std::chrono::minutes kWindow{1};
constexpr std::size_t kMaxAddresses = 4096;

}  // namespace

std::string make_form_token() { return encode_hex(random_bytes(16)); }

bool equal_secrets(std::string_view a, std::string_view b) {
  // Of equal length, whatever was sent: the time tells nothing.
  const Hash x = sha256(a);
  const Hash y = sha256(b);
  unsigned different = 0;
  for (std::size_t i = 0; i < x.size(); ++i) different |= static_cast<unsigned>(x[i] ^ y[i]);
  return different == 0;
}

std::optional<std::string> basic_password(const Request& request) {
  const std::string* header = request.header("authorization");
  constexpr std::string_view kBasic = "basic ";
  constexpr std::string_view kUser = "admin:";
  if (header == nullptr || to_lower(header->substr(0, kBasic.size())) != kBasic) return {};
  const auto pair = decode_base64(trim(std::string_view(*header).substr(kBasic.size())));
  if (!pair || !pair->starts_with(kUser)) return std::nullopt;
  return pair->substr(kUser.size());
}

std::optional<std::string> bearer_token(const Request& request) {
  const std::string* header = request.header("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (header == nullptr || to_lower(header->substr(0, kBearer.size())) != kBearer) return {};
  return std::string(trim(std::string_view(*header).substr(kBearer.size())));
}

Sender sender_of(const Request& request, const std::vector<std::string>& origins) {
  const std::string* site = request.header("sec-fetch-site");
  if (site != nullptr && *site != "same-origin" && *site != "none") return Sender::kBrowserElse;
  const std::string* origin = request.header("origin");
  if (origin == nullptr) {
    // A browser that hides where it comes from hides it from us, too.
    const bool browser = site != nullptr || request.header("referer") != nullptr ||
                         request.header("cookie") != nullptr;
    return browser ? Sender::kBrowserHere : Sender::kProgram;
  }
  const std::string own = fmt::format("{}://{}", request.tls ? "https" : "http", request.host);
  const bool ours =
      *origin == own || std::find(origins.begin(), origins.end(), *origin) != origins.end();
  return ours ? Sender::kBrowserHere : Sender::kBrowserElse;
}

Result<std::string> host_of_origin(std::string_view origin) {
  constexpr const char* kHint = "such as https://ops.example.org, as a browser says it: no path";
  const auto refuse = [&] { return usage_error("not an origin: " + gw::quoted(origin), kHint); };
  std::string_view rest = origin;
  const bool tls = rest.starts_with("https://");
  if (!tls && !rest.starts_with("http://")) return refuse();
  rest.remove_prefix(rest.find("//") + 2);
  // After a bracket, in which an IPv6 address has its own.
  const std::size_t bracket = rest.find(']');
  const std::size_t colon = rest.find(':', bracket == rest.npos ? 0 : bracket);
  if (colon != rest.npos) {
    const auto port = parse_decimal(rest.substr(colon + 1));
    constexpr unsigned kMost = 65535;
    if (!port || *port == 0 || *port > kMost) return refuse();
    if (*port == (tls ? 443 : 80)) {
      return usage_error(fmt::format("{}: browsers leave this port out", gw::quoted(origin)));
    }
  }
  const std::string host(rest.substr(0, colon));
  const bool address = os::SocketAddress::parse(host, std::uint16_t{0}).has_value();
  const auto fits = [](char c) { return is_alnum(c) || c == '-' || c == '.'; };
  const bool name = !host.empty() && std::all_of(host.begin(), host.end(), fits);
  if (!address && !name) return refuse();
  if (to_lower(host) != host) {
    return usage_error(gw::quoted(origin) + ": browsers say it in lower case");
  }
  return host;
}

bool Throttle::allows(const std::string& who) {
  const MutexLock lock(mutex_);
  const auto at = counts_.find(who);
  if (at == counts_.end()) return true;
  if (clock_.mono() - at->second.since > kWindow) {
    counts_.erase(at);
    return true;
  }
  return at->second.wrong < most_;
}

void Throttle::wrong(const std::string& who) {
  const MutexLock lock(mutex_);
  if (counts_.size() >= kMaxAddresses) counts_.clear();
  const auto [at, is_new] = counts_.try_emplace(who, Count{clock_.mono()});
  ++at->second.wrong;
}

}  // namespace gw::supervise
