#include "build/logged_binary.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "build/key.h"
#include "module/gzip.h"

namespace gw::build {

std::uint64_t max_packed_size(const LoggedBinary& logged) {
  // What gzip may add to bytes that it cannot make smaller.
  constexpr std::uint64_t kExtra = 1U << 16U;
  return logged.size + logged.size / 8 + kExtra;
}

Status check_logged(std::string_view bytes, const LoggedBinary& logged) {
  const std::string sum = format_binary_sum(sha256(bytes));
  if (bytes.size() == logged.size && sum == logged.sum) return {};
  return untrusted_error(fmt::format("{} bytes with the sum {}; the log has {} and {}",
                                     bytes.size(), sum, logged.size, logged.sum));
}

Result<std::string> unpack_logged(std::string_view packed, const LoggedBinary& logged) {
  GW_TRY(std::string bytes, mod::gunzip(packed, logged.size));
  GW_CHECK(check_logged(bytes, logged));
  return bytes;
}

}  // namespace gw::build
