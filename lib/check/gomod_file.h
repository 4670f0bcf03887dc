// go.mod files: what a project requires, and the toolchain that it asks for.
//
// Read as the go command reads the main module's (module/gomod.h). What a replacement takes the
// place of is not used and only noted; the replacement is what is asked for. Of `go` and
// `toolchain` lines the latter counts, as it does for the go command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "check/found_file.h"

namespace gw::check {

// Adds what the text says to `found`; `indirect`: requirements marked so, too. A text that is no
// go.mod gives its file an error (kUsage, "FILE:LINE: REASON"). Pure.
void read_gomod(const std::string& file, std::string_view text, bool indirect, FoundFiles& found);

// The same of files; of a directory its go.mod. Those that cannot be read have an error: kNotFound,
// kIo, kUsage (no regular file).
FoundFiles read_gomod_files(const std::vector<std::string>& paths, bool indirect);

}  // namespace gw::check
