#include "dns/cookie.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/table_hash.h"
#include "base/text.h"
#include "dns/wire.h"

namespace gw::dns {

namespace {

constexpr std::uint32_t kVersion1 = 0x01000000;  // and the three octets that are 0
constexpr std::int32_t kOldest = 3600;           // RFC 9018 4.3
constexpr std::int32_t kFromTheFuture = 300;
constexpr std::int32_t kYoung = 1800;
constexpr std::size_t kHashed = 16;  // octets of a cookie before its hash

std::uint64_t load_little(std::string_view bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = 8; i-- > 0;) v = v << 8 | static_cast<std::uint8_t>(bytes[i]);
  return v;
}

void store_little(char* at, std::uint64_t v) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<char>(v >> (8 * i));
}

std::uint64_t cookie_hash(const std::array<std::uint64_t, 2>& secret, std::string_view hashed,
                          std::string_view ip) {
  constexpr std::string_view kMapped{"\0\0\0\0\0\0\0\0\0\0\xff\xff", 12};
  if (ip.size() == 16 && ip.starts_with(kMapped)) ip.remove_prefix(kMapped.size());
  std::array<char, kHashed + 16> message;
  std::size_t size = hashed.copy(message.data(), kHashed);
  size += ip.copy(message.data() + size, 16);
  return siphash64<2, 4>(secret, {message.data(), size});
}

}  // namespace

Result<CookieSecrets> CookieSecrets::parse(std::string_view text) {
  CookieSecrets out;
  while (!text.empty()) {
    const std::string_view line = trim(take_line(text));
    if (line.empty() || line.starts_with('#')) continue;
    auto bytes = decode_hex(line);
    if (!bytes || bytes->size() != 16) {
      return usage_error("not a secret of 32 hexadecimal digits on each line",
                         "make one with: openssl rand -hex 16");
    }
    if (out.secrets_.size() == kMost) {
      return usage_error("more than 4 secrets", "an old one is needed for an hour");
    }
    out.secrets_.push_back({load_little(*bytes), load_little(std::string_view(*bytes).substr(8))});
    wipe(*bytes);
  }
  if (out.secrets_.empty()) {
    return usage_error("no secret in it", "make one with: openssl rand -hex 16");
  }
  return out;
}

CookieSecrets CookieSecrets::random(const CookieSecrets* before) {
  CookieSecrets out;
  Secret secret{};
  random_bytes(secret.data(), sizeof(secret));
  out.secrets_.push_back(secret);
  if (before != nullptr) out.secrets_.push_back(before->secrets_.front());
  return out;
}

bool CookieSecrets::answer(std::string_view option, std::string_view ip, std::uint32_t now,
                           std::span<char, kCookie> out) const {
  bool good = false;
  if (option.size() == kCookie && option[kClientCookie] == 1) {
    const auto age = static_cast<std::int32_t>(now - load_u32(option.data() + kClientCookie + 4));
    const std::uint64_t hash = load_little(option.substr(kHashed));
    if (age <= kOldest && age >= -kFromTheFuture) {
      const auto made_it = [&](const Secret& secret) {
        return cookie_hash(secret, option.substr(0, kHashed), ip) == hash;
      };
      const auto maker = std::find_if(secrets_.begin(), secrets_.end(), made_it);
      good = maker != secrets_.end();
      if (maker == secrets_.begin() && age <= kYoung &&
          load_u32(option.data() + kClientCookie) == kVersion1) {
        option.copy(out.data(), kCookie);
        return true;
      }
    }
  }
  option.copy(out.data(), kClientCookie);
  store_u32(out.data() + kClientCookie, kVersion1);
  store_u32(out.data() + kClientCookie + 4, now);
  store_little(out.data() + kHashed, cookie_hash(secrets_.front(), {out.data(), kHashed}, ip));
  return good;
}

}  // namespace gw::dns
