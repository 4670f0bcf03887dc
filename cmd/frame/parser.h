// The command line: which command, and what was given to it. Nothing is interpreted yet.
//
// CLI11 is told the tree, as far as the words lead into it; it finds the command, splits the words,
// gives each option its values and counts them. What it lacks is here: the nearest name for what is
// unknown, and an option before the command's last word that is that command's. It reports through
// exceptions, and exit codes of its own, which end in parser.cc, the only file that includes it.
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
