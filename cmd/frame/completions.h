// Shell completions, from the option tree: commands, options, the choices of a value, file names.
#pragma once

#include <string>

#include "frame/options.h"

namespace gw::cmd {

std::string format_bash_completion(const Command& root);
std::string format_zsh_completion(const Command& root);
std::string format_fish_completion(const Command& root);

}  // namespace gw::cmd
