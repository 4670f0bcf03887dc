// The tags of a page that is there as a whole, read in one piece.
#pragma once

#include <limits>
#include <string_view>
#include <vector>

#include "vanity/meta_tags.h"

namespace gw::vanity::test {

inline Result<std::vector<GoImport>> parse_meta_tags(std::string_view page) {
  MetaTagReader reader(std::numeric_limits<std::size_t>::max());
  reader.add(page);
  reader.finish();
  return reader.tags();
}

}  // namespace gw::vanity::test
