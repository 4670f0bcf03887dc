// Which of the host's name services are asked: of a static binary, those that are in it.
#pragma once

namespace gw::os {

// Hosts by files and DNS, all else by files, whatever nsswitch.conf says: that may name modules to
// load, which were made for another C library. Called once by main, before anything asks for a
// name.
void pin_name_services();

}  // namespace gw::os
