#include "commands.h"

namespace gw::cmd {

std::vector<Command> all_commands() {
  std::vector<Command> commands;
  // One line per command, added together with its file.
  commands.push_back(follow_tlog_command());
  commands.push_back(serve_dns_command());
  commands.push_back(check_command());
  commands.push_back(build_command());
  commands.push_back(supervise_command());
  commands.push_back(vanity_lookup_command());
  commands.push_back(completion_command());
  commands.push_back(version_command());
  return commands;
}

}  // namespace gw::cmd
