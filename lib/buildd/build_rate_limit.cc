#include "buildd/build_rate_limit.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::buildd {

namespace {

constexpr std::array<std::int64_t, BuildRateLimit::kWindows> kSeconds{60, 600, 3600, 21600};
constexpr std::array<unsigned, BuildRateLimit::kPrefixes> kBits4{32, 24, 20, 16};
constexpr std::array<unsigned, BuildRateLimit::kPrefixes> kBits6{64, 48, 32, 24};

using Row = std::array<std::uint32_t, BuildRateLimit::kPrefixes>;
constexpr std::array<Row, BuildRateLimit::kWindows> kSupported{
    {{10, 20, 80, 160}, {20, 40, 160, 320}, {30, 60, 240, 480}, {40, 80, 400, 800}}};
// A fifth from ten minutes on.
constexpr std::array<Row, BuildRateLimit::kWindows> kOlder{
    {{2, 3, 4, 5}, {4, 8, 32, 64}, {6, 12, 48, 96}, {8, 16, 80, 160}}};

// The first bits, the others cleared.
std::string prefix_of(std::string_view bytes, unsigned bits) {
  std::string out(bytes.substr(0, (bits + 7) / 8));
  if (bits % 8 != 0) {
    out.back() =
        static_cast<char>(static_cast<unsigned char>(out.back()) & (0xff00U >> (bits % 8)));
  }
  return out;
}

// IPv4 addresses that an IPv6 socket shows are IPv4's.
std::string_view plain_bytes(const os::SocketAddress& address) {
  const std::string_view bytes = address.ip_bytes();
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  return bytes.starts_with(kMapped) && bytes.size() == 16 ? bytes.substr(12) : bytes;
}

}  // namespace

std::chrono::seconds BuildRateLimit::take(const std::optional<os::SocketAddress>& client,
                                          bool supported_go) {
  const os::SocketAddress address = client.value_or(os::SocketAddress());
  const std::string_view bytes = plain_bytes(address);
  const bool v4 = bytes.size() == 4;
  const auto& table = supported_go ? kSupported : kOlder;
  const std::int64_t now = to_unix(clock_.now());
  const MutexLock lock(mutex_);
  make_room(now);
  std::array<Counts*, kPrefixes> counts{};
  std::int64_t wait = 0;
  for (std::size_t p = 0; p < kPrefixes; ++p) {
    std::string name{supported_go ? 's' : 'o', v4 ? '4' : '6', static_cast<char>('0' + p)};
    name += prefix_of(bytes, v4 ? kBits4[p] : kBits6[p]);
    counts[p] = &networks_[name];
    for (std::size_t w = 0; w < kWindows; ++w) {
      Count& count = (*counts[p])[w];
      const std::int64_t window = now / kSeconds[w];
      if (count.window != window) count = {window, 0};
      if (count.n >= table[w][p] * scale_) wait = std::max(wait, (window + 1) * kSeconds[w] - now);
    }
  }
  if (wait > 0) return std::chrono::seconds(wait);
  for (Counts* network : counts) {
    for (Count& count : *network) ++count.n;
  }
  return std::chrono::seconds(0);
}

void BuildRateLimit::make_room(std::int64_t now) {
  if (networks_.size() + kPrefixes <= kMaxNetworks) return;
  std::erase_if(networks_, [&](const auto& entry) {
    return entry.second.back().window != now / kSeconds.back();
  });
  // All of the last hours: single addresses go first, their networks' counters stay.
  for (char prefix = '0'; prefix < '0' + static_cast<char>(kPrefixes); ++prefix) {
    if (networks_.size() <= kMaxNetworks / 2) return;
    std::erase_if(networks_, [&](const auto& entry) { return entry.first[2] == prefix; });
  }
}

Result<Network> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = os::SocketAddress::parse(text.substr(0, slash), 0);
  if (!address) return std::move(address).error();
  Network out;
  out.bytes_ = plain_bytes(*address);
  out.v4_ = out.bytes_.size() == 4;
  out.bits_ = static_cast<unsigned>(out.bytes_.size() * 8);
  if (slash != std::string_view::npos) {
    const auto bits = parse_decimal(text.substr(slash + 1));
    if (!bits || *bits > out.bits_) {
      return usage_error(quoted(text) + ": no network", "write 192.0.2.0/24 or 2001:db8::/32");
    }
    out.bits_ = static_cast<unsigned>(*bits);
  }
  out.bytes_ = prefix_of(out.bytes_, out.bits_);
  return out;
}

bool Network::contains(const os::SocketAddress& address) const {
  const std::string_view bytes = plain_bytes(address);
  return (bytes.size() == 4) == v4_ && prefix_of(bytes, bits_) == bytes_;
}

std::optional<os::SocketAddress> client_address(const std::optional<os::SocketAddress>& peer,
                                                std::span<const std::string_view> forwarded_for,
                                                const std::vector<Network>& proxies) {
  const auto trusted = [&](const os::SocketAddress& address) {
    return std::any_of(proxies.begin(), proxies.end(),
                       [&](const Network& network) { return network.contains(address); });
  };
  if (peer && !trusted(*peer)) return peer;
  for (auto line = forwarded_for.rbegin(); line != forwarded_for.rend(); ++line) {
    auto hops = split(*line, ',');
    for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
      const auto address = os::SocketAddress::parse(trim(*hop), 0);
      if (!address) return std::nullopt;
      if (!trusted(*address)) return *address;
    }
  }
  // The proxy itself asks, or says nothing of who does.
  return peer;
}

}  // namespace gw::buildd
