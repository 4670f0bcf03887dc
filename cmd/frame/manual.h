// Manual pages in mdoc(7), from the option tree and prose.
#pragma once

#include <string>
#include <string_view>

#include "frame/tree.h"

namespace gw::cmd {

// The page of gwtool itself or of one of its commands: gwtool-check(1) describes all of `check`.
// `prose` holds further sections, in this form:
//
//   # SECTION NAME
//   A paragraph, which may go over several lines, with `literal` words and page names such as
//   gwtool(1).
//
//       four spaces: shown as it stands
//
//   - term: what it means, over one or
//     several lines
//
//   @metrics
//   becomes the list of all metrics.
std::string format_manual(const CommandPath& path, std::string_view prose);

// "gwtool-check" for the path of `gwtool check`.
std::string manual_name(const CommandPath& path);

}  // namespace gw::cmd
