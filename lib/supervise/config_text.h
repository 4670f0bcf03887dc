// The text of a configuration file for `gwtool supervise`, as its options are written there. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace gw::supervise {

class ConfigText {
 public:
  void add(std::string_view key, std::string_view value);
  void add_list(std::string_view key, const std::vector<std::string>& values);  // none: nothing
  void add_flag(std::string_view key, bool value);
  void add_time(std::string_view key, std::chrono::milliseconds value);
  // Of gwtool itself, not of the command.
  void add_general_flag(std::string_view key, bool value);
  void comment(std::string_view text);  // one line

  std::string text() const;

 private:
  std::string general_, own_;
};

// As the options take it: "90s", "3d".
std::string format_time(std::chrono::milliseconds time);

}  // namespace gw::supervise
