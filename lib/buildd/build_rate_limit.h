// How many new builds an address, and the networks around it, may ask for.
//
// Four windows of time (a minute, ten, an hour, six hours) by four prefix lengths (IPv4 /32, /24,
// /20, /16; IPv6 /64, /48, /32, /24), each with a number: a build counts in all sixteen, and is
// refused when one of them is full. Older Go versions have a table of their own. Windows are fixed
// spans of time, not sliding ones: twice the number can pass at the border of two.
//
// Any thread. Memory is bounded: above kMaxNetworks the counters of networks nobody has used for
// longest are forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "os/address.h"

namespace gw::buildd {

class BuildRateLimit {
 public:
  static constexpr std::size_t kMaxNetworks = 100'000;
  static constexpr std::size_t kWindows = 4;
  static constexpr std::size_t kPrefixes = 4;

  // `scale`: so many times the table's numbers.
  explicit BuildRateLimit(const Clock& clock, std::uint32_t scale = 1)
      : clock_(clock), scale_(scale) {}

  // Counts one more, or says how long to wait and counts nothing. Zero: it may. Those whose address
  // cannot be told (nothing) count as one address, 0.0.0.0.
  std::chrono::seconds take(const std::optional<os::SocketAddress>& client, bool supported_go);

 private:
  struct Count {
    std::int64_t window = -1;
    std::uint32_t n = 0;
  };
  using Counts = std::array<Count, kWindows>;
  void make_room(std::int64_t now) GW_REQUIRES(mutex_);

  const Clock& clock_;
  const std::uint32_t scale_;
  Mutex mutex_;
  // By kind of Go version, prefix's number and the prefix itself.
  std::map<std::string, Counts, std::less<>> networks_ GW_GUARDED_BY(mutex_);
};

// "192.0.2.0/24", "2001:db8::/32", or an address alone.
class Network {
 public:
  static Result<Network> parse(std::string_view text);
  bool contains(const os::SocketAddress& address) const;

 private:
  std::string bytes_;
  unsigned bits_ = 0;
  bool v4_ = true;
};

// Who asks: the peer, or, when that is one of `proxies`, the last address in X-Forwarded-For that
// is none of them. `forwarded_for`: all lines of that header in their order, as some proxies append
// a line of their own to what a client sent. A Unix socket's peer (nothing) counts as a proxy.
// Nothing when it cannot be told.
std::optional<os::SocketAddress> client_address(const std::optional<os::SocketAddress>& peer,
                                                std::span<const std::string_view> forwarded_for,
                                                const std::vector<Network>& proxies);

}  // namespace gw::buildd
