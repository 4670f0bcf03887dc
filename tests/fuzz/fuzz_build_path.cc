// Paths of the build service's pages: what is taken has one spelling, and is a key that can be.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "buildd/build_path.h"
#include "fuzz/require.h"

namespace fuzz_build_path {

using namespace gw;
using namespace gw::buildd;

FUZZ_TARGET(build_path)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)guess_target(text);
  const auto path = parse_build_path(text);
  if (!path) {
    if (path.error().message.empty()) std::abort();
    return 0;
  }
  const std::string again = format_build_path(*path);
  if (!path->misspelled && again != text) std::abort();
  const auto parsed = parse_build_path(again);
  if (!parsed || parsed->misspelled || format_build_path(*parsed) != again) std::abort();
  if (parsed->key != path->key || parsed->kind != path->kind) std::abort();
  if (again.find("..") != std::string::npos && again.find("/../") != std::string::npos)
    std::abort();
  return 0;
}

}  // namespace fuzz_build_path
