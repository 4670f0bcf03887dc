// go.mod files: what one says, taken as the go command takes it.
//
// Problem: a dependency's go.mod is written by strangers and decides what is built, which versions
// are withdrawn and which toolchain is needed; a reading that differs from the go command's, even
// of odd files, is a wrong decision. So every rule here is that of golang.org/x/mod/modfile v0.30
// (the one of Go 1.26), called without a version fixer; go.dev/ref/mod#go-mod-file is the manual,
// and says more than the code takes (raw strings: see below).
//
// What may surprise:
// - Module paths are taken as they stand, the empty one too: only their major suffix is looked at.
//   Versions are made canonical ("v1.2" is v1.2.0, metadata but +incompatible is dropped) and must
//   fit the path's major, except those of retractions, which stay as they were written.
// - Quoted strings are Go's interpreted ones. Raw ones (`x`) are tokens, and refused where a string
//   is wanted.
// - There is no way to continue a line. A backslash before a line feed in a quoted string keeps the
//   string going, and makes it malformed: it can only be where lax parsing does not look.
// - Characters are printable Unicode or refused; bytes that are not UTF-8 are taken as they are.
//
// Differences to x/mod: the bounds below; only the first error is told; and a comment behind a
// string that goes over lines is dropped, where x/mod gives it to the line before (lax mode only).
//
// Pure functions, any thread. Errors are kUsage, "go.mod:LINE: REASON". Costs: linear in the text,
// 20 to 30 ns a byte; no memory but the result's, which the bounds below keep under 100 MB.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::mod {

// The go command's own limit on a go.mod inside a module zip. Comments of retractions are kept for
// each of their lines; together they, too, are at most so many bytes.
inline constexpr std::size_t kMaxGoModBytes = 16 << 20;
// More directives than this are refused: a bound on memory that no published module comes near.
inline constexpr std::size_t kMaxGoModDirectives = 200'000;

// In every directive: the line, from 1, that it is on (within its block).

struct GoModModule {
  std::string path;
  std::string deprecated;  // the text of a "Deprecated:" paragraph in its comments, may have LFs
  std::size_t line = 0;
  bool operator==(const GoModModule&) const = default;
};

struct GoModVersion {
  std::string text;  // of `go`: "1.21", "1.21rc2"; of `toolchain`: "go1.21.0", "default"
  std::size_t line = 0;
  bool operator==(const GoModVersion&) const = default;
};

struct GoModDebug {
  std::string key, value;
  std::size_t line = 0;
  bool operator==(const GoModDebug&) const = default;
};

struct GoModRequire {
  std::string path, version;
  bool indirect = false;  // "// indirect" or "// indirect; ..." behind it
  std::size_t line = 0;
  bool operator==(const GoModRequire&) const = default;
};

struct GoModExclude {
  std::string path, version;
  std::size_t line = 0;
  bool operator==(const GoModExclude&) const = default;
};

struct GoModReplace {
  std::string path, version;  // no version: all of them
  std::string with;           // a module path, or a directory when it has no version
  std::string with_version;
  std::size_t line = 0;
  bool operator==(const GoModReplace&) const = default;
};

// A closed interval; a single version is one from itself to itself. Any text can be in it: whoever
// compares must parse, and take what is no version as lower than all (x/mod's semver.Compare).
struct GoModRetract {
  std::string low, high;
  std::string rationale;  // its comments, or its block's when it has none, without "//"
  std::size_t line = 0;
  bool operator==(const GoModRetract&) const = default;
};

struct GoModPath {
  std::string path;  // of `tool`: a package's; of `ignore`: a directory's
  std::size_t line = 0;
  bool operator==(const GoModPath&) const = default;
};

// All of one kind in the order of the file.
struct GoMod {
  std::optional<GoModModule> module;
  std::optional<GoModVersion> go;
  std::optional<GoModVersion> toolchain;
  std::vector<GoModDebug> godebug;
  std::vector<GoModRequire> require;
  std::vector<GoModExclude> exclude;
  std::vector<GoModReplace> replace;
  std::vector<GoModRetract> retract;
  std::vector<GoModPath> tool;
  std::vector<GoModPath> ignore;
  bool operator==(const GoMod&) const = default;
};

enum class GoModMode {
  kStrict,  // modfile.Parse: the main module's; what is unknown or malformed is an error
  // modfile.ParseLax: a dependency's. module, go, require, retract and ignore are read; all else is
  // passed over, as are malformed retractions, and "1.21.x" as a Go version is taken as "1.21".
  kLax,
};
Result<GoMod> parse_gomod(std::string_view text, GoModMode mode);

}  // namespace gw::mod
