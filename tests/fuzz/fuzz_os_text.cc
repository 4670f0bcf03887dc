// Texts that the room os reads from others: notifications of a child, files of users and groups,
// names of limits and capabilities.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <type_traits>

#include "base/text.h"
#include "fuzz/require.h"
#include "os/notify_relay.h"
#include "os/user.h"

namespace fuzz_os_text {

using namespace gw;
using namespace gw::os;

FUZZ_TARGET(os_text)(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);

  // What is relayed means the same, is said once, and says nothing that is ours alone.
  const std::string relayed = relayed_lines(parse_notification(input), true);
  if (relayed_lines(parse_notification(relayed), true) != relayed) std::abort();
  if (("\n" + relayed).find("\nMAINPID=") != std::string::npos) std::abort();
  if (!is_utf8(relayed)) std::abort();

  // The first line is the name, the rest both files.
  std::string_view rest = input;
  const std::string_view name = take_line(rest);
  if (const auto user = find_user_in(rest, rest, name)) {
    const auto& groups = user->identity.groups;
    if (!std::is_sorted(groups.begin(), groups.end())) std::abort();
    if (std::count(groups.begin(), groups.end(), user->identity.gid) != 1) std::abort();
    // -1 would be "leave it as it is" to setresuid(2).
    if (user->identity.uid == uid_t(-1) || groups.back() == gid_t(-1)) std::abort();
  }
  if (const auto group = find_group_in(rest, name)) {
    if (*group == gid_t(-1)) std::abort();
  }
  if (const auto limit = parse_resource_limit(input)) {
    if (limit->soft > limit->hard) std::abort();
  }
  if (const auto capability = parse_capability(input)) {
    if (parse_capability(capability_name(*capability)).value() != *capability) std::abort();
  }
  return 0;
}

}  // namespace fuzz_os_text
