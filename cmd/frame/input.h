// Standard input, for commands that take a list there: "-" among their arguments.
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace gw::cmd {

// Standard input to its end, at most 16 MB (kUsage). Not by opening /dev/stdin: that fails where it
// is a socket, as under some ssh servers.
Result<std::string> read_standard_input();

// kUsage when "-" stands there twice: the second one would find nothing.
Status check_one_dash(std::span<const std::string> arguments);

}  // namespace gw::cmd
