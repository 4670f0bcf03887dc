// The configuration file: whatever the bytes, parsing ends with entries or with an error that names
// the file, and a value written by toml_string is read back as it was.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "frame/config.h"
#include "fuzz/require.h"

namespace fuzz_config {

FUZZ_TARGET(config)(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  auto parsed = gw::cmd::parse_config(text, "f.toml");
  if (!parsed) {
    if (!parsed.error().message.starts_with("f.toml:")) std::abort();
  } else {
    for (const auto& entry : parsed->entries) {
      if (entry.line == 0) std::abort();
      for (const std::string& value : entry.values) {
        auto again = gw::cmd::parse_config("k = " + gw::cmd::toml_string(value), "again");
        if (entry.type == gw::cmd::ConfigEntry::Type::kText &&
            (!again || again->entries.at(0).values.at(0) != value)) {
          std::abort();
        }
      }
    }
  }
  return 0;
}

}  // namespace fuzz_config
