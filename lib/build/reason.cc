#include "build/reason.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace gw::build {

namespace {

constexpr std::size_t kMaxLine = 400;  // of what is shown

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
    {Reason::kCgoPlatform, "needs cgo (platform)", "builds here have no C compiler"},
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

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// ---- lines ----

// The line around a position.
std::string_view line_at(std::string_view output, std::size_t at) {
  const std::size_t begin = output.rfind('\n', at) + 1;  // npos + 1 is 0
  const std::size_t end = std::min(output.find('\n', at), output.size());
  return at < begin ? std::string_view() : output.substr(begin, end - begin);
}

// The first line that holds `a` and, behind it, `b`.
std::optional<std::string_view> find_line(std::string_view output, std::string_view a,
                                          std::string_view b = {}) {
  for (std::size_t at = output.find(a); at != std::string_view::npos;
       at = output.find(a, at + a.size())) {
    const std::string_view line = line_at(output, at);
    const std::size_t in = static_cast<std::size_t>(output.data() + at - line.data());
    if (b.empty() || has(line.substr(in + a.size()), b)) return line;
  }
  return std::nullopt;
}

// "F:LINE:COLUMN: ", F of one word. The position behind it, 0 where there is none.
std::size_t source_position(std::string_view line) {
  const auto digits = [&](std::size_t at) {
    while (at < line.size() && is_digit(line[at])) ++at;
    return at;
  };
  for (std::size_t colon = line.find(':'); colon != std::string_view::npos;
       colon = line.find(':', colon + 1)) {
    if (has(line.substr(0, colon), " ")) return 0;
    const std::size_t second = digits(colon + 1);
    if (colon == 0 || second == colon + 1 || second >= line.size() || line[second] != ':') continue;
    const std::size_t third = digits(second + 1);
    if (third == second + 1 || third + 1 >= line.size()) continue;
    if (line[third] == ':' && line[third + 1] == ' ') return third + 2;
  }
  return 0;
}

bool is_continued(std::string_view line) {
  return !line.empty() && (line[0] == '\t' || line[0] == ' ');
}

// The go command reads modules from us, at an address that says nothing to anybody afterwards.
void drop_our_address(std::string& said) {
  constexpr std::string_view kReading = "reading ";
  constexpr std::string_view kOurs = "http://127.0.0.1:";
  const std::string both = fmt::format("{}{}", kReading, kOurs);
  for (auto at = said.find(both); at != std::string::npos; at = said.find(both, at + 1)) {
    const std::size_t path = said.find('/', at + both.size());
    if (path == std::string::npos) return;
    said.erase(at + kReading.size(), path + 1 - at - kReading.size());
  }
}

// All that is said with a line of the output. The go command sets the further lines of a sentence
// in, and what is quoted in one behind a colon: then that is what tells. Of a long one, the last of
// what is before the line.
std::string sentence_at(std::string_view output, std::string_view line) {
  const char* const outputs = output.data();
  std::size_t begin = static_cast<std::size_t>(line.data() - outputs);
  std::size_t end = begin + line.size();
  bool cut = false;
  while (begin != 0 && is_continued(output.substr(begin))) {
    const std::string_view before = begin < 2 ? "" : line_at(output, begin - 2);
    if (before.empty() || before.ends_with(':')) break;
    cut = end - begin + before.size() > kMaxLine;
    if (cut) break;
    begin -= before.size() + 1;
  }
  while (end < output.size() && end - begin < kMaxLine && is_continued(output.substr(end + 1))) {
    end += 1 + line_at(output, end + 1).size();
  }
  std::string said = cut ? "..." : "";
  for (std::string_view rest = output.substr(begin, end - begin); !rest.empty();) {
    const std::string_view part = trim(take_line(rest));
    if (!said.empty() && !part.empty()) said += ' ';
    said += part;
  }
  drop_our_address(said);
  return said;
}

std::optional<std::string_view> find_source_line(std::string_view output) {
  while (!output.empty()) {
    const std::string_view line = take_line(output);
    if (source_position(line) != 0) return line;
  }
  return std::nullopt;
}

// What a row of the table is for, and the line of the output that it was found in.
struct Match {
  Reason reason;
  std::string_view line;
};

// ---- reasons that one line does not decide ----

// "M@V requires go >= ": of the module itself, or of one that it imports.
std::optional<Match> find_newer_go(std::string_view output, std::string_view module) {
  if (const auto line = find_line(output, " requires go >= ")) {
    const std::string_view before = line->substr(0, line->find(" requires go >= "));
    const std::string_view who = before.substr(before.rfind(' ') + 1);
    const bool own = who.substr(0, who.find('@')) == module;
    return Match{own ? Reason::kNewerGo : Reason::kImportNewerGo, *line};
  }
  for (const std::string_view text : {"note: module requires Go ", "invalid go version '"}) {
    if (const auto line = find_line(output, text)) {
      return Match{Reason::kNewerGo, *line};
    }
  }
  return std::nullopt;
}

std::optional<Match> find_constraints(std::string_view output) {
  const auto line = find_line(output, "version constraints conflict:");
  if (!line) return std::nullopt;
  if (const auto declared = find_line(output, "module declares its path as:")) {
    return Match{Reason::kPathMismatch, *declared};
  }
  return Match{Reason::kVersionConflict, *line};
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
  if (const auto line = find_source_line(output)) {
    return Match{Reason::kSource, *line};
  }
  return std::nullopt;
}

// When nothing is known: the last thing that was said.
std::string_view last_line(std::string_view output) {
  output = output.substr(0, output.find_last_not_of(" \t\r\n") + 1);  // npos + 1 is 0
  return output.substr(output.rfind('\n') + 1);
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
  return {match.reason, sentence_at(output, match.line).substr(0, kMaxLine)};
}

}  // namespace gw::build
