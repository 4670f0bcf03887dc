// Which releases of an answer are news for somebody who has a version.
//
// A path can have releases of several majors: v0 and v1, and old +incompatible ones. A stray higher
// one (v1.5.2 beside v0.34.0) must not hide what comes out in the major that somebody uses, so each
// of both is told. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/answer_text.h"

namespace gw::check {

// Without a known version the latest release. With one, a canonical one: the newest release of its
// own major, then the highest one of a higher major, each only if there is one that is newer.
// Points into `versions`.
std::vector<const dns::ModuleVersion*> select_releases(std::span<const dns::ModuleVersion> versions,
                                                       const std::optional<std::string>& known);

}  // namespace gw::check
