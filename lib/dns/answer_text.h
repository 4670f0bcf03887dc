// The TXT answers: what the server says about a module or the toolchains, and how a client reads
// it.
//   module:     v=v1.4.0 t=6802a84d; v=v0.9.1 t=66f0a1b2
//   toolchain:  v=go1.25.6 k=cur t=69693421; v=go1.24.12 k=prev t=...; v=go1.26rc2 k=next t=...
//   updates:    v=UPDATES0;l=v0.0.15 (a project's own record, at _updates.<domain>)
// t is the time of discovery, in hex Unix seconds.
//
// Reading is for untrusted text: an entry that lacks a field is skipped, but a malformed one is an
// error for the whole record. Errors are kUntrusted only where said; malformed text is kCorrupt.
// Pure: any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace gw::dns {

inline constexpr std::size_t kMaxTxt = 255;  // one character-string: answers never need two

// The server's direction.
struct ModuleVersionView {
  std::string_view version;
  WallTime found;
};
// Whole entries, in the given order, as many as fit in 255 bytes; returns the size, 0 when not even
// the first fits or there is none. No allocation.
std::size_t format_module_answer(std::span<const ModuleVersionView> versions,
                                 std::span<char, kMaxTxt> out);

enum class ToolchainKind { kCurrent, kPrevious, kNext };
struct ToolchainView {
  std::string_view version;  // "go1.25.6"
  ToolchainKind kind = ToolchainKind::kCurrent;
  WallTime found;
};
std::size_t format_toolchain_answer(std::span<const ToolchainView> toolchains,
                                    std::span<char, kMaxTxt> out);

// The client's direction. `text` is one TXT record, its character-strings joined.
struct ModuleVersion {
  std::string version;  // canonical semver; +incompatible is the only build suffix
  WallTime found;
  bool operator==(const ModuleVersion&) const = default;
};
Result<std::vector<ModuleVersion>> parse_module_answer(std::string_view text);
// The highest release, nullptr when there is none. A +incompatible one counts by its number:
// servers answer with such only where the go command would take them. Points into `versions`.
const ModuleVersion* latest_version(std::span<const ModuleVersion> versions);

struct ToolchainVersion {
  std::string version;  // "go1.25.6"
  ToolchainKind kind = ToolchainKind::kCurrent;
  WallTime found;
  bool operator==(const ToolchainVersion&) const = default;
};
// At most one entry of each kind: the first wins. An entry of a kind that is not known is skipped.
Result<std::vector<ToolchainVersion>> parse_toolchain_answer(std::string_view text);

// The latest version a project announces. `records`: all TXT records of the name, each joined.
// std::nullopt when none of them is an UPDATES0 record. kCorrupt: a malformed one, or two.
Result<std::optional<std::string>> parse_updates(std::span<const std::string> records);

}  // namespace gw::dns
