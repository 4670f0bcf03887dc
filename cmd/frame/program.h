// gwtool from its arguments to its exit code, without the process: main() gives it the real
// descriptors and environment, tests others.
#pragma once

#include <string>
#include <vector>

#include "frame/options.h"
#include "frame/settings.h"

namespace gw::cmd {

struct Terminal {
  bool error_is_terminal = false;  // colour and progress are possible
  bool output_is_terminal = false;
};

// The root of the tree: the global options, `commands` and the hidden `gen`.
// Reports every error on `out`; returns the exit code. Data that could not be written is exit 1.
int run_program(std::vector<Command> commands, const std::vector<std::string>& args, Output& out,
                const Environment& env, Terminal terminal);

// The hidden command `gwtool gen man|completions|config`.
Command gen_command();

}  // namespace gw::cmd
