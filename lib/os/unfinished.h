// Names that NewFile::replace() (dir.h) gives to a file for a moment, and that stay when the
// process is killed in that moment. Whoever knows that nobody writes in a directory may remove
// them.
#pragma once

#include <string_view>

namespace gw::os {

inline constexpr std::string_view kUnfinished = ".new-";

inline bool is_unfinished(std::string_view name) { return name.starts_with(kUnfinished); }

}  // namespace gw::os
