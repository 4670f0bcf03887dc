// Real data that is too large for this tree: a directory `shared/data` beside the checkout, or the
// one that GW_SHARED_DATA names. Tests that want it also say something without it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace gw::test {

// Empty when there is none.
inline std::string shared_data(const std::string& name) {
  const char* set = std::getenv("GW_SHARED_DATA");
  const std::filesystem::path base =
      set != nullptr ? std::filesystem::path(set)
                     : std::filesystem::path(GW_TESTS_DIR) / "../../shared/data";
  std::error_code none;
  const auto path = base / name;
  return std::filesystem::exists(path, none) ? path.lexically_normal().string() : std::string();
}

}  // namespace gw::test
