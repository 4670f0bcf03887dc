#include "build/reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"
#include "build/output_lines.h"
#include "module/goversion.h"

namespace gw::build {

namespace {

struct Words {
  Reason reason;
  std::string_view text;
  std::string_view hint;
};

constexpr std::string_view kAuthor = "only the module's author can change that";

constexpr auto kWords = std::to_array<Words>({
    {Reason::kNotMain, "not a main package", "name the directory of a command: MODULE/DIR@VERSION"},
    {Reason::kNoPackage, "no such package",
     "the module has no such directory at this version, or no Go file in it"},
    {Reason::kPathMismatch, "module path mismatch",
     "use the path that the module declares for itself"},
    {Reason::kVersionConflict, "version constraints conflict", kAuthor},
    {Reason::kUntidy, "go.mod is not tidy: the build would depend on the day",
     "the module's author runs go mod tidy and tags a new version"},
    {Reason::kReplace, "go.mod has replace directives",
     "such a module can only be built from its own checkout"},
    {Reason::kExclude, "go.mod has exclude directives",
     "such a module can only be built from its own checkout"},
    {Reason::kNewerGo, "requires newer go", "name a newer one with --go"},
    {Reason::kImportNewerGo, "imported module requires newer go", "name a newer one with --go"},
    {Reason::kPlatform, "unsupported platform", "another --target, or a newer --go that has it"},
    {Reason::kCgoPlatform, "needs cgo (platform)",
     "builds here have no C compiler; another --target may do"},
    {Reason::kCgoPackage, "needs cgo (package)", "builds here have no C compiler"},
    {Reason::kExcluded, "build constraint excludes all go files", "another --target may do"},
    {Reason::kFutureStd, "import of a future standard library package", "a newer --go has it"},
    {Reason::kUndefined, "undefined symbol",
     "a newer --go may have it, or the code is not for this target"},
    {Reason::kUnknownField, "unknown field in struct", "a newer --go may have it"},
    {Reason::kLinkReference, "invalid link reference",
     "it reaches into Go's runtime: an older --go may let it"},
    {Reason::kEmbed, "embed", kAuthor},
    {Reason::kAssembler, "assembler", kAuthor},
    {Reason::kObjectFile, "object file", kAuthor},
    {Reason::kCgoDirective, "cgo directive", kAuthor},
    {Reason::kTooLarge, "too large", kAuthor},
    {Reason::kBrokenGoMod, "go.mod broken", kAuthor},
    {Reason::kPackageStructure, "package structure", kAuthor},
    {Reason::kDependencyGone, "dependency gone", "another --proxy may still have it"},
    {Reason::kBadZip, "bad zip", "another version of the module may do"},
    {Reason::kSource, "error on go source line", "another version of the module or of Go may do"},
    {Reason::kMemoryLimit, "too much memory", "--max-memory sets the limit"},
    {Reason::kDiskLimit, "too much disk", "--max-disk sets the limit"},
    {Reason::kProcessLimit, "too many processes", "--max-processes sets the limit"},
    {Reason::kTimeLimit, "too much time", "--max-time sets the limit"},
    {Reason::kForbidden, "the toolchain tried what no build needs",
     "look whose toolchain it is, and what the module does to it"},
    {Reason::kUnknown, "unknown", "the build log has all that the go command said"},
});

const Words& words_of(Reason reason) {
  return *std::find_if(kWords.begin(), kWords.end(),
                       [&](const Words& w) { return w.reason == reason; });
}

// What a row of the table is for, and the line of the output that it was found in.
struct Match {
  Reason reason;
  std::string_view line;
};

// ---- reasons that one line does not decide ----

// What a go.mod may say since 1.21, which older ones take for a mistake.
bool is_newer_directive(std::string_view line) {
  for (const std::string_view text : {"unknown directive: ", "unknown block type: "}) {
    const std::size_t at = line.find(text);
    if (at == std::string_view::npos) continue;
    const std::string_view word = trim(line.substr(at + text.size()));
    for (const std::string_view newer : {"toolchain", "godebug", "tool", "ignore"}) {
      if (word == newer) return true;
    }
  }
  return false;
}

// "invalid go version '1.99.1'": one that a newer Go takes, not "abc".
bool is_newer_version(std::string_view line) {
  constexpr std::string_view kText = "invalid go version '";
  const std::size_t at = line.find(kText);
  if (at == std::string_view::npos) return false;
  const std::string_view rest = line.substr(at + kText.size());
  return mod::parse_go_version(fmt::format("go{}", rest.substr(0, rest.find('\'')))).has_value();
}

// "M@V requires go >= ": of the module itself, or of one that it imports.
std::optional<Match> find_newer_go(std::string_view output, std::string_view module) {
  if (const auto line = find_line(output, " requires go >= ")) {
    const std::string_view before = line->substr(0, line->find(" requires go >= "));
    const std::string_view who = before.substr(before.rfind(' ') + 1);
    const bool own = who.substr(0, who.find('@')) == module;
    return Match{own ? Reason::kNewerGo : Reason::kImportNewerGo, *line};
  }
  if (const auto line = find_line(output, "note: module requires Go ")) {
    return Match{Reason::kNewerGo, *line};
  }
  for (std::string_view rest = output; !rest.empty();) {
    const std::string_view line = take_line(rest);
    if (is_newer_version(line) || is_newer_directive(line)) return Match{Reason::kNewerGo, line};
  }
  return std::nullopt;
}

constexpr std::string_view kConflict = "version constraints conflict:";

// Since Go 1.21 that is said of all that is wrong with what a module requires: only one of it is a
// conflict of versions.
std::optional<Match> find_constraints(std::string_view output) {
  const auto line = find_line(output, kConflict);
  if (!line) return std::nullopt;
  if (const auto declared = find_line(output, "module declares its path as:")) {
    return Match{Reason::kPathMismatch, *declared};
  }
  if (find_line(output, ", but ", " is requested") || find_line(output, " is above ")) {
    return Match{Reason::kVersionConflict, *line};
  }
  return std::nullopt;
}

std::optional<Match> find_excluded(std::string_view output, const HasCgo& has_cgo) {
  constexpr std::string_view kExcludes = "build constraints exclude all Go files in ";
  const auto line = find_line(output, kExcludes);
  if (!line) return std::nullopt;
  const std::string_view directory = trim(line->substr(line->find(kExcludes) + kExcludes.size()));
  const bool c = has_cgo && has_cgo(directory);
  return Match{c ? Reason::kCgoPackage : Reason::kExcluded, *line};
}

// ---- the table ----

struct Row {
  Reason reason;
  std::string_view a;
  std::string_view b = {};  // in the same line, behind it
};

constexpr auto kBefore = std::to_array<Row>({
    {Reason::kNotMain, "package ", " is not a main package"},
    {Reason::kNoPackage, " found", ", but does not contain package "},
});
constexpr auto kModules = std::to_array<Row>({
    {Reason::kPathMismatch, "module declares its path as:"},
    {Reason::kUntidy, "updates to go.mod needed, disabled by -mod=readonly"},
    {Reason::kUntidy, "updates to go.mod needed"},
    {Reason::kUntidy, "no required module provides package "},
    {Reason::kReplace, "more replace"},
    {Reason::kExclude, "more exclude"},
});
constexpr auto kTargetRows = std::to_array<Row>({
    {Reason::kPlatform, "unsupported GOOS/GOARCH pair "},
    {Reason::kCgoPlatform, "requires external (cgo) linking, but cgo is not enabled"},
});
constexpr auto kCode = std::to_array<Row>({
    // What a limit of the kernel's makes of it, between two looks of ours.
    {Reason::kMemoryLimit, "runtime: out of memory"},
    {Reason::kMemoryLimit, "runtime: cannot allocate memory"},
    {Reason::kDiskLimit, ": file too large"},
    {Reason::kDiskLimit, "signal: file size limit exceeded"},
    {Reason::kProcessLimit, "failed to create new OS thread"},
    {Reason::kProcessLimit, ": resource temporarily unavailable"},
    {Reason::kCgoPackage, "relocation target x_cgo_"},
    {Reason::kFutureStd, " is not in std ("},
    {Reason::kFutureStd, " is not in std"},
    {Reason::kFutureStd, " is not in GOROOT ("},
    {Reason::kLinkReference, "invalid reference to "},
    {Reason::kLinkReference, "relocation target ", " not defined"},
    {Reason::kUndefined, "undefined: "},
    {Reason::kUnknownField, "unknown field ", " in struct literal of type "},
    {Reason::kEmbed, "pattern ", ": no matching files found"},
    {Reason::kEmbed, "invalid pattern syntax"},
    {Reason::kAssembler, "unrecognized instruction "},
    {Reason::kAssembler, "asm: assembly of ", " failed"},
    {Reason::kAssembler, ": expected identifier"},
    {Reason::kObjectFile, "loadelf: "},
    {Reason::kCgoDirective, "only allowed in cgo-generated code"},
    {Reason::kTooLarge, "symbol too large ("},
    {Reason::kBrokenGoMod, "parsing go.mod: "},
    {Reason::kBrokenGoMod, "errors parsing go.mod"},
    {Reason::kBrokenGoMod, "): go.mod:"},
    {Reason::kPackageStructure, "use of internal package ", " not allowed"},
    {Reason::kPackageStructure, "import cycle not allowed"},
    {Reason::kPackageStructure, " is a program, not an importable package"},
    {Reason::kPackageStructure, "found packages ", " in "},
    {Reason::kPackageStructure, "no non-test Go files in "},
    {Reason::kDependencyGone, "cannot find module providing package "},
    {Reason::kDependencyGone, "reading ", ".zip: "},
    {Reason::kDependencyGone, "reading ", ".mod: "},
    {Reason::kBadZip, "unzip ", ": "},
});

template <std::size_t N>
std::optional<Match> find_row(std::string_view output, const std::array<Row, N>& rows) {
  for (const Row& row : rows) {
    if (const auto line = find_line(output, row.a, row.b)) {
      return Match{row.reason, *line};
    }
  }
  return std::nullopt;
}

std::optional<Match> find_any(std::string_view output, std::string_view module,
                              const HasCgo& has_cgo) {
  if (auto found = find_row(output, kBefore)) return found;
  if (auto found = find_constraints(output)) return found;
  if (auto found = find_row(output, kModules)) return found;
  if (auto found = find_newer_go(output, module)) return found;
  if (auto found = find_row(output, kTargetRows)) return found;
  if (auto found = find_excluded(output, has_cgo)) return found;
  if (auto found = find_row(output, kCode)) return found;
  if (const auto line = find_line(output, kConflict)) {
    return Match{Reason::kVersionConflict, *line};
  }
  if (const auto line = find_source_line(output)) {
    return Match{Reason::kSource, *line};
  }
  return std::nullopt;
}

}  // namespace

std::string_view reason_text(Reason reason) { return words_of(reason).text; }
bool is_limit(Reason reason) {
  constexpr auto kLimits = std::to_array<Reason>(
      {Reason::kMemoryLimit, Reason::kDiskLimit, Reason::kProcessLimit, Reason::kTimeLimit});
  return std::find(kLimits.begin(), kLimits.end(), reason) != kLimits.end();
}
std::string_view reason_hint(Reason reason) { return words_of(reason).hint; }

FoundReason find_reason(std::string_view output, std::string_view module, const HasCgo& has_cgo) {
  const Match match =
      find_any(output, module, has_cgo).value_or(Match{Reason::kUnknown, last_line(output)});
  return {match.reason, sentence_at(output, match.line)};
}

}  // namespace gw::build
