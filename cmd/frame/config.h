// The configuration file: TOML, a table for each command, a key for each long option.
//
//   quiet = true
//   [follow-tlog]
//   db = "/var/lib/gwtool/tlog.db"
//   submit-latest = ["https://a.example/latest", "https://b.example/latest"]
//   [serve-dns-key-new]
//   algorithm = "15"
//
// This file knows TOML (it is the only user of toml++) and turns a file into entries with their
// lines; what may stand in it is decided by the option tree, in settings.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::cmd {

struct ConfigEntry {
  enum class Type { kText, kInteger, kBoolean };
  std::string table;  // "check-module", "" outside any; "a.b" for a table in a table
  std::string key;
  Type type = Type::kText;
  bool array = false;
  std::vector<std::string> values;  // integers in decimal, booleans as true and false
  unsigned line = 0;
};

struct ConfigTable {
  std::string name;
  unsigned line = 0;
};

struct ConfigFile {
  std::string path;
  std::vector<ConfigTable> tables;
  std::vector<ConfigEntry> entries;
};

// A usage error names the file and the line.
Result<ConfigFile> parse_config(std::string_view text, const std::string& path);
// A missing file is a usage error, an unreadable one an io error; at most 1 MiB is read.
Result<ConfigFile> load_config(const std::string& path);

// A value as TOML: a basic string with its escapes.
std::string toml_string(std::string_view text);

}  // namespace gw::cmd
