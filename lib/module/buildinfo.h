// What a Go program says about itself: the toolchain, the modules and the settings that made it.
//
// Go's linker puts it into every program since Go 1.13, in one of two formats: up to 1.17 two
// pointers to strings, since 1.18 the strings themselves. Both are read, of ELF, PE, Mach-O (fat
// too: the first architecture), XCOFF and Plan 9 files, alike to `go version -m`. js/wasm and
// wasip1 programs have theirs where nobody looks, the go command neither: kNotFound.
//
// The file may be hostile: nothing is mapped, each read is bounded, and no more is kept than the
// text (at most 4 MiB). What a program says about itself is a claim: whoever wants proof compares
// its hash. Cost: a few reads of headers (programs without a section for it: of the data too, up to
// the magic bytes, which come early); 5 us of CPU for an ordinary one. Sources: Go's
// debug/buildinfo, runtime/debug (ParseBuildInfo, BuildInfo.String). Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "module/byte_source.h"

namespace gw::mod {

struct BuildInfo {
  struct Module {
    std::string path;
    std::string version;  // "(devel)" or empty where it is no released one
    std::string sum;      // "h1:..." or empty
    bool operator==(const Module&) const = default;
  };
  struct Used {
    Module module;
    std::optional<Module> replace;  // what was built in its place
    bool operator==(const Used&) const = default;
  };
  struct Setting {
    std::string key, value;
    bool operator==(const Setting&) const = default;
  };

  std::string go_version;  // "go1.26.8", "devel go1.27-...", "go1.26.8 X:experiment"
  std::string path;        // of the main package; "command-line-arguments" for files
  std::optional<Used> main;
  std::vector<Used> deps;
  std::vector<Setting> settings;  // since Go 1.18

  // Null when there is none.
  const std::string* find_setting(std::string_view key) const;
  bool operator==(const BuildInfo&) const = default;
};

// kNotFound: no program, or not one of Go's. kUntrusted: damaged, or made to deceive. kIo as the
// source.
Result<BuildInfo> read_build_info(const ByteSource& program);

// The modules' text, without a line for the Go version; kUntrusted when malformed. As in Go, lines
// of an unknown kind and what follows the last line feed are skipped.
Result<BuildInfo> parse_build_info(std::string_view text);
// The inverse, with a line `go\tVERSION` first where there is one.
std::string format_build_info(const BuildInfo& info);

}  // namespace gw::mod
