// Paths of Go modules, packages and files in modules: which are valid, how they are written in
// URLs, what the major version in them says.
//
// A path comes from the command line or from a log and goes into URLs, file names and DNS names, so
// everything else in gwtool relies on check_path() having said yes. The rules are those of
// golang.org/x/mod/module v0.30 (CheckPath, CheckImportPath, CheckFilePath, EscapePath,
// EscapeVersion, SplitPathVersion; v0.7 has the same), each refused with its own message. One pass
// over the bytes, no allocation when the path is good.
//
// All functions are pure. Errors are kUsage.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace gw::mod {

// At most so many bytes in a path and in a version: more is refused before anything looks at it.
inline constexpr std::size_t kMaxPathBytes = 4096;
inline constexpr std::size_t kMaxVersionBytes = 1024;

// module.CheckPath: ASCII elements of `A-Za-z0-9-._~` divided by single slashes; the first one a
// host name (lower case, a dot, no leading `-`, no `_` or `~`); no element that starts or ends with
// a dot, is a device name of Windows (also before an extension) or ends in `~` and digits; a major
// suffix `/vN` with N >= 2 and no leading zero, `.vN` for gopkg.in.
Status check_path(std::string_view path);

// module.CheckImportPath: as above, but no host name is asked for and no major suffix; an element
// may start with a dot and hold `+`. "fmt" and "Example.org/x" are import paths. What a path from
// outside needs besides is its user's affair: gwtool asks hosts only after vanity's checks.
Status check_import_path(std::string_view path);

// module.CheckFilePath, for the names of files inside a module: as for import paths, and the path
// and an element may begin with `-`, tildes do not matter, and the characters may also be letters
// of Unicode (module/unicode.h), blanks and `!#$%&()+,-.=@[]^_{}~`. What is accepted is UTF-8,
// relative, has no empty, "." or ".." element and no back slash. Of any length (a zip's are below
// 64 KiB): the file system has its own limits.
Status check_file_path(std::string_view path);

// What comes after the last slash; all of it without one.
std::string_view last_element(std::string_view path);

// A path of which check_path() said yes, so that nobody has to ask again.
class ModulePath {
 public:
  static Result<ModulePath> parse(std::string_view text);
  const std::string& text() const { return text_; }
  // As next_major_path().
  ModulePath next_major() const;

 private:
  explicit ModulePath(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// For URL paths: every upper-case letter becomes `!` and its lower-case form. The path is checked
// first; a version must be free of `!`, slashes and whatever else a file name cannot hold.
Result<std::string> escape_path(std::string_view path);
Result<std::string> escape_version(std::string_view version);
// The inverses; anything that escape_* would not have written is refused.
Result<std::string> unescape_path(std::string_view escaped);
Result<std::string> unescape_version(std::string_view escaped);

// "github.com/a/b/v2" -> "github.com/a/b", "/v2"; "gopkg.in/yaml.v3" -> "gopkg.in/yaml", ".v3" (and
// ".v1-unstable"); no suffix gives an empty `major`. Nothing when the suffix is malformed
// ("/v0", "/v1", "/v02", gopkg.in without one).
struct SplitPath {
  std::string_view prefix;
  std::string_view major;  // with its "/" or "."
};
std::optional<SplitPath> split_path_version(std::string_view path);

// module.MatchPathMajor: whether a module whose path has this major suffix (split_path_version) can
// have the version: v0, v1 and +incompatible ones without a suffix, else those of its major; and
// v0.0.0-... below ".v1", which old gopkg.in modules have. Precondition: a canonical version.
bool major_matches(std::string_view version, std::string_view path_major);

// The path that the module's next major version would have: "x/y" -> "x/y/v2", "x/y/v2" ->
// "x/y/v3", "gopkg.in/yaml.v3" -> "gopkg.in/yaml.v4". Precondition: check_path(path) is good.
std::string next_major_path(std::string_view path);

}  // namespace gw::mod
