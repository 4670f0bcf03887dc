// YAML 1.1 as JSON: the small part that configuration files use.
// The source file of this header is the only door to libyaml.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace gw::vanity {

// One document of mappings, sequences and scalars; every scalar is a string but an unquoted null
// (also as ~ or as nothing at all), and an empty document is null. kUsage with line and column for
// anything malformed, and for what is not taken: duplicate keys, keys that are no scalars, several
// documents, more than 32 levels. Aliases stand for what they name, and "<<" brings another
// mapping's keys; together they may come to 16 MB, since a few bytes of them can stand for any
// number.
Result<Json> parse_yaml(std::string_view text);

}  // namespace gw::vanity
