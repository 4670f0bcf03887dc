// The command line: which command, and what was given to it. Nothing is interpreted yet.
//
// The words that name the command are found first, then CLI11 splits the rest by the options of
// that one command. CLI11 never sees the tree: so no subcommand's name inside an argument, no
// option of a sibling, and no default of its own can surprise, and building the parser stays cheap.
// It reports through exceptions and exit codes of its own, which end in parser.cc.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "frame/tree.h"

namespace gw::cmd {

struct Invocation {
  CommandPath path;
  // What was given, by option name (long, without dashes; a positional's placeholder), in order.
  std::map<std::string, std::vector<std::string>> given;

  bool has(const std::string& flag) const;  // given, and not as --FLAG=false
};

// `args` without the program's name. A usage error names the word and the nearest valid one.
// "gwtool help check module" is "gwtool check module --help".
Result<Invocation> parse_command_line(const Command& root, std::vector<std::string> args);

}  // namespace gw::cmd
