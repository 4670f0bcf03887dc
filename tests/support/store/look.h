// What a database says of one module, for tests that ask for one at a time: a scan, then a search.
#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "store/reader.h"

namespace gw::testing {

// Each module's `latest`, as the serving side reads them.
inline std::map<std::string, std::string, std::less<>> latest_of_all(store::Reader& reader) {
  std::map<std::string, std::string, std::less<>> all;
  const Status scanned = reader.each_module([&](const store::ModuleRow& m) {
    all.emplace(m.path, m.latest);
    return true;
  });
  if (!scanned) std::abort();
  return all;
}

// None when the database has no such module.
inline std::optional<std::string> latest_of(store::Reader& reader, std::string_view path) {
  const auto all = latest_of_all(reader);
  const auto found = all.find(path);
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

// The first record of the version.
inline std::optional<std::uint64_t> record_of(store::Reader& reader, std::string_view path,
                                              std::string_view version) {
  const auto rows = reader.versions(path).value();
  for (const store::VersionRow& row : rows) {
    if (row.version == version) return row.record;
  }
  return std::nullopt;
}

}  // namespace gw::testing
