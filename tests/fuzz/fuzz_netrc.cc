// A netrc file: who is known has a name and a password that are words of the file; what stands
// before and is complete, and what stands behind "default", changes nobody else's.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "fuzz/require.h"
#include "net/netrc.h"

namespace fuzz_netrc {

using namespace gw;

namespace {

bool has(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "Basic " and the canonical spelling of LOGIN:PASSWORD. A login may hold colons.
bool is_of_words(std::string_view header, const std::vector<std::string_view>& words) {
  constexpr std::string_view kBasic = "Basic ";
  if (!header.starts_with(kBasic)) return false;
  const auto pair = decode_base64(header.substr(kBasic.size()));
  if (!pair) return false;
  for (std::size_t colon = pair->find(':'); colon != pair->npos;
       colon = pair->find(':', colon + 1)) {
    const std::string_view both = *pair;
    if (has(words, both.substr(0, colon)) && has(words, both.substr(colon + 1))) return true;
  }
  return false;
}

}  // namespace

FUZZ_TARGET(netrc)(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostHosts = 50;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto file = net::Netrc::parse(text);
  const auto after = net::Netrc::parse("machine fuzz.first login u password p\n" + text);
  const auto before =
      net::Netrc::parse(text + "\n\ndefault\nmachine fuzz.last login u password p\n");
  require(after.authorization("fuzz.first") == "Basic dTpw");
  require(file.authorization("").empty());
  std::vector<std::string_view> hosts = split_words(text);
  const std::vector<std::string_view> words = hosts;
  hosts.resize(std::min(hosts.size(), kMostHosts));
  hosts.emplace_back("fuzz.last");
  for (const std::string_view host : hosts) {
    const std::string who = file.authorization(host);
    require(who.empty() || is_of_words(who, words));
    require(before.authorization(host) == who);
    require(host == "fuzz.first" || after.authorization(host) == who);
  }
  return 0;
}

}  // namespace fuzz_netrc
