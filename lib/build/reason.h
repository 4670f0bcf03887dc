// Why the go command could not build something, told from what it printed.
//
// A table of texts (of Go 1.26, older ones where they differ), the first match in its order counts:
// one failure often has others behind it. The go command's texts are no interface, so a reason is
// for people and statistics; that a build failed is known from the exit code alone.
//
// Pure functions; the output is a stranger's text, of any bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace gw::build {

enum class Reason : std::uint8_t {
  kNotMain,
  kNoPackage,
  kPathMismatch,
  kVersionConflict,
  kUntidy,
  kReplace,
  kExclude,
  kNewerGo,
  kImportNewerGo,
  kPlatform,
  kCgoPlatform,
  kCgoPackage,
  kExcluded,
  kFutureStd,
  kUndefined,
  kUnknownField,
  kLinkReference,
  kEmbed,
  kAssembler,
  kObjectFile,
  kCgoDirective,
  kTooLarge,
  kBrokenGoMod,
  kPackageStructure,
  kDependencyGone,
  kBadZip,
  kSource,
  kMemoryLimit,
  kDiskLimit,
  kProcessLimit,
  kTimeLimit,
  kForbidden,
  kUnknown,
};

// "not a main package".
std::string_view reason_text(Reason reason);
// Whether it says something of the machine or its operator's limits, not of the module alone.
bool is_limit(Reason reason);
// What to do about it; empty where nothing helps but another version.
std::string_view reason_hint(Reason reason);

struct FoundReason {
  Reason reason = Reason::kUnknown;
  std::string line;  // what the output says of it, in one line; empty when nothing does
};

// Whether a file of this directory, as the output names it, is C's: has `import "C"`.
using HasCgo = std::function<bool(std::string_view directory)>;

// `output`: of the go command for a package of `module`.
FoundReason find_reason(std::string_view output, std::string_view module, const HasCgo& has_cgo);

}  // namespace gw::build
