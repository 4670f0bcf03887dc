// The system calls of a supervisor's helper, once it knows its job: what it takes to ask on the
// network and to read files, and no other. No program is run, nothing signalled, no file made,
// renamed or removed, no user changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace gw::supervise {

// 46 with those of any program (os/seccomp.h), three of them the time and a pause, which a kernel
// whose page does not tell the time is asked for. Empty in builds with a sanitizer, whose
// runtime needs more: what is refused from the helper's start on is all there.
std::vector<std::string> helper_calls();

// Compiled: os/seccomp.h. The supervisor does it, as the helper can write no file; empty: there is
// no list.
Result<std::vector<std::uint64_t>> compile_helper_calls();

// As text of a job, and back; nothing: no such text.
std::string format_calls(const std::vector<std::uint64_t>& program);
std::vector<std::uint64_t> parse_calls(std::string_view text);

}  // namespace gw::supervise
