// The systems and processors that Go builds for.
//
// The list is that of `go tool dist list` (Go 1.26). A pair that is in it can still fail: an older
// toolchain lacks the newer ones, and tells so. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::build {

struct Target {
  std::string goos;
  std::string goarch;
  bool operator==(const Target&) const = default;
};

// "linux/amd64". kUsage: no such pair, with the nearest in the hint.
Result<Target> parse_target(std::string_view text);
// Whether it is only built with a C compiler, which builds here never have.
bool needs_cgo(const Target& target);
std::string format_target(const Target& target);

// A row of the table, of static text.
struct KnownTarget {
  std::string_view goos;
  std::string_view goarch;
  // Only ever linked by a C toolchain: `requires external (cgo) linking`.
  bool needs_cgo = false;
};
// All of them, in the order of the go command's list.
std::span<const KnownTarget> known_targets();

// The one this program runs on.
Target host_target();

}  // namespace gw::build
