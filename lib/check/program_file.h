// Go programs: what they were built of, by the build information that the linker puts into them.
//
// Files by name, those in directories (as `go version DIR` finds them: executable, beneath it,
// links to files followed, links to directories not), and those that run. What a program says is
// its claim: whoever doubts compares its hash. Nothing but the few bytes with the information is
// read, so that a directory of a thousand programs costs milliseconds.
#pragma once

#include <string>
#include <vector>

#include "check/found_file.h"
#include "module/buildinfo.h"

namespace gw::check {

// Adds what a program's information says; `dependencies`: of all modules, not of the main one
// alone. Modules that have no version, and names that are no module's, are noted. kUsage: too many
// modules. Pure.
Status add_program(const std::string& file, const mod::BuildInfo& info, bool dependencies,
                   FoundFiles& found);

// Files and directories. One that is named and is no Go program has an error: kNotFound, kCorrupt
// (damaged), kIo, kUsage; in a directory such are passed over and counted. A file with several
// names counts once.
FoundFiles read_programs(const std::vector<std::string>& paths, bool dependencies);

// The programs of running processes, as far as we may look at them (those of our user, or all as
// root): also those whose file was replaced since. `proc`: where procfs is.
void add_running(const std::string& proc, bool dependencies, FoundFiles& found);

}  // namespace gw::check
