// What somebody's files ask about: a go.mod names requirements and a toolchain, a program what it
// was built of. Both become requests that say where they come from, so that one answer about a
// module tells of all the files that have it.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "check/request.h"

namespace gw::check {

// A Go toolchain that is had.
struct ToolchainRequest {
  std::string known;  // "go1.26.8", or what is in its place
  std::vector<std::string> notes = {};
  bool asked = true;  // false: nothing to compare, and a note says why
  Places places = {};
};

// `version` as go.mod ("1.26.8", "go1.26.8") or a program ("go1.26.8 X:boringcrypto",
// "devel go1.27-...") has it. What is no release or candidate of Go is noted and not asked for.
ToolchainRequest toolchain_request(std::string_view version);

// One file, for people.
struct FoundFile {
  std::string file;
  std::string what;                    // "go.mod", "go.sum", "program", "directory" or "processes"
  std::optional<std::string> module;   // its own, or the program's main one
  std::optional<std::string> version;  // of that
  std::optional<std::string> go;       // "go1.26.8"
  std::size_t modules = 0;             // that are asked about
  std::size_t left_out = 0;            // indirect requirements, dependencies
  std::size_t replaced = 0;
  std::size_t programs = 0;  // of a directory or all processes: those of Go, ...
  std::size_t among = 0;     // ... of so many files; left_out: those that could not be read
  std::vector<Error> errors;
};

// The file that is meant: of a directory the one with this name in it.
std::string file_in(const std::string& path, std::string_view name);
// An error that a parser told as "go.mod:12: why", with the file's own name.
Error with_file_name(Error error, std::string_view generic, const std::string& file);

// "go.mod: module example.com/x, 12 modules, 5 left out, 1 replaced, go1.26".
std::string file_summary(const FoundFile& file);

// All that was found: each module and version, and each toolchain, once, with its places.
struct FoundFiles {
  std::vector<FoundFile> files;
  std::vector<ModuleRequest> modules;
  std::vector<ToolchainRequest> toolchains;

  bool too_many = false;  // the call is to be refused

  // kUsage: too many modules.
  Status add(ModuleRequest request, Place place);
  void add(ToolchainRequest request, Place place);

 private:
  std::map<std::string, std::size_t> module_index_, toolchain_index_;
};

// Modules that these patterns (as in GOPRIVATE) match are noted instead of asked for: their names
// are nobody's business.
void leave_out_private(std::vector<ModuleRequest>& requests, std::string_view patterns);

}  // namespace gw::check
