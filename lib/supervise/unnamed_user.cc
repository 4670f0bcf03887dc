#include "supervise/unnamed_user.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"
#include "update/plan.h"

namespace gw::supervise {
namespace {

constexpr uid_t kFirstNumber = 61184;
constexpr uid_t kNumbers = 65519 - 61184 + 1;
constexpr std::size_t kMaxMap = 1 << 20;

bool all_mapped(uid_t number) {
  for (const char* path : {"/proc/self/uid_map", "/proc/self/gid_map"}) {
    const auto map = os::read_file(path, kMaxMap);
    if (!map || !is_mapped(*map, number)) return false;
  }
  return true;
}

bool has_line(uid_t number) {
  const auto user = os::find_user(std::to_string(number));
  return user || user.error().kind != ErrorKind::kNotFound;
}

}  // namespace

bool is_mapped(std::string_view uid_map, std::uint64_t number) {
  while (!uid_map.empty()) {
    const auto words = split_words(take_line(uid_map));
    if (words.size() != 3) return false;
    const auto inside = parse_decimal(words[0]);
    const auto count = parse_decimal(words[2]);
    if (inside && count && number >= *inside && number - *inside < *count) return true;
  }
  return false;
}

std::optional<os::User> unnamed_user(const std::string& seed, const std::set<uid_t>& taken) {
  if (::geteuid() != 0 || !os::has_capability(CAP_SETUID) || !os::has_capability(CAP_SETGID)) {
    return std::nullopt;
  }
  const auto first =
      static_cast<uid_t>(update::stable_offset(seed, std::chrono::seconds(kNumbers)).count());
  for (uid_t i = 0; i < kNumbers; ++i) {
    const uid_t number = kFirstNumber + (first + i) % kNumbers;
    if (taken.contains(number) || has_line(number)) continue;
    if (!all_mapped(number)) return std::nullopt;
    return os::User{fmt::format("{}", number), "/", {number, number, {number}}};
  }
  return std::nullopt;
}

}  // namespace gw::supervise
