// --help, from the option tree.
#pragma once

#include <string>
#include <string_view>

#include "frame/tree.h"

namespace gw::cmd {

// Usage, what the command does, its commands and options; 80 columns. Global options are shown for
// gwtool itself and mentioned for its commands.
std::string format_help(const CommandPath& path);

// "gwtool check module [OPTION]... PATH[@VERSION]..."
std::string format_usage(const CommandPath& path);

// `text` broken at spaces so that each line, behind `indent` spaces, is at most 80 columns; the
// first line is not indented.
std::string wrap(std::string_view text, std::size_t indent, std::size_t columns = 80);

}  // namespace gw::cmd
