// Includes of assembly, which could read any file that the assembler may.
//
// The go command knows nothing of included files: they are in no key of its cache, so bytes from
// outside of a package could get into a binary that is said to be of that package; and what the
// assembler cannot read it quotes in the build's log. So a source may include files of its own
// directory, files below it, and the toolchain's; a path that is absolute or goes up is refused.
//
// Source: cmd/asm/internal/lex. Pure but for the one that reads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/dir.h"

namespace gw::build {

// The files that an assembly source names in `#include "..."`, in their order.
std::vector<std::string> find_includes(std::string_view source);

// Absolute, or with an element "..".
bool leads_out(std::string_view path);

// Directories whose files the go command assembles, of what it prints with -n: each once.
std::vector<std::string> assembled_directories(std::string_view output);

// kNotFound, "FILE includes PATH, which is outside of its package", for the first such include of a
// package's sources and of what they include. Others as os::Dir.
Status check_includes(const os::Dir& package);

}  // namespace gw::build
