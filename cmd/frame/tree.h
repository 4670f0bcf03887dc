// Finding one's way in the option tree: which options a command has, where they are configured, and
// which name was probably meant.
//
// Pointers into the tree stay valid as long as the tree, which does not change after it was built.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frame/options.h"

namespace gw::cmd {

// A command with the groups it stands in, the root (gwtool itself) first. Never empty.
using CommandPath = std::vector<const Command*>;

// "gwtool check module".
std::string full_name(const CommandPath& path);
// The table of the configuration file: "check-module", and "" for the root. Not "check.module": a
// command's option and its subcommand may have one name (serve-dns key), a TOML table's may not.
std::string table_name(const CommandPath& path);

// An option as a command sees it.
struct OptionRef {
  const Option* option;
  CommandPath owner;  // where it is defined, hence its table of the configuration file
};
// A command's own options, then those of the groups around it, the global ones last.
std::vector<OptionRef> options_of(const CommandPath& path);

// Every command below and including `path`, depth first, hidden ones left out unless asked for.
std::vector<CommandPath> all_paths(const CommandPath& path, bool hidden = false);

const Command* find_subcommand(const Command& command, std::string_view name);

// The candidate nearest to what was typed, if one is near enough to be meant: at most one edit
// (insertion, deletion, substitution, swap of neighbours) for every three characters, or a unique
// beginning.
std::optional<std::string> nearest(std::string_view typed,
                                   const std::vector<std::string>& candidates);

}  // namespace gw::cmd
