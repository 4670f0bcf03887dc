// Module paths and versions: what is accepted survives escaping and back, holds no byte that means
// something in a URL or a file name, and has one escaped spelling.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fuzz/require.h"
#include "module/path.h"

namespace fuzz_module_path {

using namespace gw;
using namespace gw::mod;

namespace {

void check_safe(std::string_view escaped, std::string_view extra) {
  for (char c : escaped) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!plain && extra.find(c) == std::string_view::npos) std::abort();
  }
}

}  // namespace

FUZZ_TARGET(module_path)(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto escaped = escape_path(input);
  if (escaped.has_value() != check_path(input).has_value()) std::abort();
  if (escaped) {
    check_safe(*escaped, "-._~/!");
    if (escaped->find("..") == 0 || escaped->find("/..") != std::string::npos) std::abort();
    if (unescape_path(*escaped).value() != input) std::abort();
    auto split = split_path_version(input);
    if (!split || std::string(split->prefix) + std::string(split->major) != input) std::abort();
    // gopkg.in itself has no majors, and "x.v-unstable" is a path, although it names no version.
    bool majors = input != "gopkg.in" && !input.ends_with("-unstable");
    if (majors && input.size() < kMaxPathBytes - 4 && !check_path(next_major_path(input))) {
      std::abort();
    }
  }
  if (auto path = unescape_path(input); path && escape_path(*path).value() != input) std::abort();
  if (auto version = escape_version(input)) {
    check_safe(*version, "-._~+!");
    if (unescape_version(*version).value() != input) std::abort();
  }
  if (auto version = unescape_version(input);
      version && escape_version(*version).value() != input) {
    std::abort();
  }
  return 0;
}

}  // namespace fuzz_module_path
