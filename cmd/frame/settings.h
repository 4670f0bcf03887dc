// Which value each option has, and where it came from.
//
// Command line beats environment beats configuration file beats default. What was beaten is
// remembered and shown by --print-config and -v. The whole file is checked on every start, also the
// tables of other commands: an unknown table or key, a value of the wrong type or one that its
// option refuses is a usage error naming file, line, key and the nearest valid name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "frame/config.h"
#include "frame/parser.h"
#include "frame/tree.h"

namespace gw::cmd {

enum class Origin { kDefault, kConfig, kEnvironment, kCommandLine };

struct Setting {
  OptionRef ref;
  Origin origin = Origin::kDefault;
  std::vector<std::string> values;  // empty: no value and no default
  std::string where;                // "FILE:LINE", "$VARIABLE", "--NAME"; "" for a default
  std::vector<std::string> beaten;  // the weaker sources that had another value
};

using Environment = std::function<std::optional<std::string>(const std::string& variable)>;
Environment process_environment();

// Resolves and stores (Option::assign) the values of the invoked command, and checks all of
// `config` against the tree. Required options and the command's rules are not asked: see
// check_complete.
Result<std::vector<Setting>> resolve(const Command& root, const Invocation& invocation,
                                     const ConfigFile* config, const Environment& env);

// The same for every command of the tree, for --check-config and --print-config without a command.
Result<std::vector<Setting>> resolve_all(const Command& root, const Invocation& invocation,
                                         const ConfigFile* config, const Environment& env);

// That nothing required is missing and every rule of the command holds.
Status check_complete(const CommandPath& path, const std::vector<Setting>& settings);
// That files which must exist do, and secrets are not open to others: for --check-config.
Status check_paths(const std::vector<Setting>& settings);

// The settings as a configuration file that means the same. `sample`: every key commented out, with
// its help, for a person to begin with.
std::string format_config(const std::vector<Setting>& settings, bool sample);
// {"settings":[...]}: one for each key, with its table, value, and where it comes from.
Json config_json(const std::vector<Setting>& settings);

}  // namespace gw::cmd
