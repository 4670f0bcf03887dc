// Capabilities by libcap, and resource limits by name.
#include <fmt/format.h>
#include <sys/capability.h>
#include <sys/resource.h>

#include <array>
#include <memory>
#include <optional>
#include <type_traits>

#include "base/bytes.h"
#include "base/text.h"
#include "os/user.h"

namespace gw::os {

namespace {

struct FreeCap {
  void operator()(void* p) const { ::cap_free(p); }
};
using CapState = std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCap>;

}  // namespace

int last_capability() { return ::cap_max_bits() - 1; }

Result<int> parse_capability(std::string_view text) {
  if (const auto number = parse_decimal(text)) {
    if (*number > static_cast<std::uint64_t>(last_capability())) {
      return usage_error(fmt::format("the kernel knows no capability {}", *number),
                         fmt::format("the highest is {}", last_capability()));
    }
    return static_cast<int>(*number);
  }
  std::string name = to_lower(text);
  if (!name.starts_with("cap_")) name = "cap_" + name;
  // libcap takes "cap_1" for the number, and a text with a zero in it by its beginning.
  const bool plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
  cap_value_t value = 0;
  if (!plain || ::cap_from_name(name.c_str(), &value) != 0) {
    return usage_error(fmt::format("{} is no capability", quoted(text)),
                       "names are those of capabilities(7), e.g. cap_net_bind_service");
  }
  return static_cast<int>(value);
}

std::string capability_name(int capability) {
  const std::unique_ptr<char, FreeCap> name(::cap_to_name(static_cast<cap_value_t>(capability)));
  return name ? std::string(name.get()) : std::to_string(capability);
}

bool has_capability(int capability) {
  const CapState state(::cap_get_proc());
  cap_flag_value_t value = CAP_CLEAR;
  return state && ::cap_get_flag(state.get(), capability, CAP_EFFECTIVE, &value) == 0 &&
         value == CAP_SET;
}

namespace {

struct LimitName {
  std::string_view name;
  int resource;
};
constexpr auto kLimits = std::to_array<LimitName>({
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"locks", RLIMIT_LOCKS},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rss", RLIMIT_RSS},
    {"rtprio", RLIMIT_RTPRIO},
    {"rttime", RLIMIT_RTTIME},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
});

std::optional<std::uint64_t> parse_limit_value(std::string_view text) {
  if (text == "unlimited" || text == "infinity") return kUnlimited;
  return parse_decimal(text);
}

}  // namespace

Result<ResourceLimit> parse_resource_limit(std::string_view text) {
  const auto equals = text.find('=');
  const std::string name = to_lower(text.substr(0, equals));
  const auto* known = kLimits.begin();
  while (known != kLimits.end() && known->name != name) ++known;
  if (equals == std::string_view::npos || known == kLimits.end()) {
    return usage_error(fmt::format("{} is no resource limit", quoted(text)),
                       "write NAME=SOFT[:HARD], e.g. nofile=1024:4096");
  }
  const std::string_view values = text.substr(equals + 1);
  const auto colon = values.find(':');
  const auto soft = parse_limit_value(values.substr(0, colon));
  const auto hard =
      colon == std::string_view::npos ? soft : parse_limit_value(values.substr(colon + 1));
  if (!soft || !hard || *soft > *hard) {
    return usage_error(fmt::format("{}: not a limit", quoted(text)),
                       "numbers or \"unlimited\", the soft one not above the hard one");
  }
  return ResourceLimit{known->resource, *soft, *hard};
}

}  // namespace gw::os
