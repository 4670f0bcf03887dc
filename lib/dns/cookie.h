// DNS cookies, the server's side, as all servers make them (RFC 7873, RFC 9018).
//
// A client sends eight octets of its own. With the answer it gets them back with sixteen of ours,
// which only we could make for it at its address: who sends those again is no forged source, and
// needs no rate limit. Nothing is kept for it: ours are a hash under a secret of what was sent, the
// time and the address. So several servers of one address share the secret, and an old one is
// taken for as long as cookies that were made with it live, which is an hour.
//
//   cookie = client's 8 | version 1, three of 0, time 4 (seconds since 1970, modulo 2^32) | hash 8
//   hash   = SipHash-2-4(secret, all before it | address 4 or 16)
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::dns {

inline constexpr std::size_t kClientCookie = 8;
inline constexpr std::size_t kCookie = 24;  // the client's and ours

// Whether an option may have so many octets (RFC 7873 5.2.2): others' servers make longer ones.
inline bool is_cookie_size(std::size_t size) {
  return size == kClientCookie || (size >= kClientCookie + 8 && size <= kClientCookie + 32);
}

// Immutable: any thread.
class CookieSecrets {
 public:
  static constexpr std::size_t kMost = 4;

  // A file's text: a secret of 32 hexadecimal digits on each line, the one to make cookies with
  // first, then others that are taken; empty lines and those that begin with # say nothing. Errors,
  // kUsage, quote nothing of it.
  static Result<CookieSecrets> parse(std::string_view text);
  // A new secret, after which the first one of `before` is taken, too.
  static CookieSecrets random(const CookieSecrets* before = nullptr);

  // Writes the cookie to send back to who sent this option from this address (4 or 16 octets): a
  // new one, or the same while it is young. True when its server's part is one that we made for it
  // within the hour. `now`: seconds since 1970. Precondition: is_cookie_size(option.size()).
  bool answer(std::string_view option, std::string_view ip, std::uint32_t now,
              std::span<char, kCookie> out) const;

  bool operator==(const CookieSecrets&) const = default;

 private:
  using Secret = std::array<std::uint64_t, 2>;
  std::vector<Secret> secrets_;  // at least one
};

// Who asked, as far as cookies need it.
struct Asker {
  const CookieSecrets* secrets = nullptr;  // none: cookies are passed over
  std::string_view ip = {};
  std::uint32_t now = 0;
};

}  // namespace gw::dns
