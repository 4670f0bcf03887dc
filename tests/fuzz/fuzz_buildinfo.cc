// Build info of hostile programs, and its text alone: what is read survives being written and
// parsed again, and holds no line that was not there.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fuzz/require.h"
#include "module/buildinfo.h"

namespace fuzz_buildinfo {

using namespace gw;
using namespace gw::mod;

namespace {

void check_info(BuildInfo info) {
  const std::string text = format_build_info(info);
  std::size_t lines = (info.go_version.empty() ? 0 : 1) + (info.path.empty() ? 0 : 1);
  const auto count = [&](const BuildInfo::Used& used) { lines += used.replace ? 2 : 1; };
  if (info.main) count(*info.main);
  std::for_each(info.deps.begin(), info.deps.end(), count);
  lines += info.settings.size();
  if (lines != static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'))) std::abort();
  const auto again = parse_build_info(text);
  info.go_version.clear();
  if (!again || !(*again == info)) std::abort();
}

}  // namespace

FUZZ_TARGET(buildinfo)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto info = read_build_info(MemorySource(input))) {
    if (info->go_version.empty()) std::abort();
    check_info(*info);
  }
  if (const auto info = parse_build_info(input)) check_info(*info);
  return 0;
}

}  // namespace fuzz_buildinfo
