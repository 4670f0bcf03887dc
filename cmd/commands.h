// Every command of gwtool: each is defined in the file of its name and listed in commands.cc.
#pragma once

#include <vector>

#include "frame/options.h"

namespace gw::cmd {

Command follow_tlog_command();    // follow_tlog.cc
Command serve_dns_command();      // serve_dns.cc
Command check_command();          // check.cc
Command build_command();          // build.cc
Command supervise_command();      // supervise.cc
Command vanity_lookup_command();  // vanity_lookup.cc
Command completion_command();     // completion.cc
Command version_command();        // version.cc

// The commands in the order in which help and manual list them.
std::vector<Command> all_commands();

}  // namespace gw::cmd
