// The go-import meta tags of a page, as the go command sees them.
//
// Problem: the go command does not read HTML but runs Go's encoding/xml, not strict, over the page,
// and what that refuses or overlooks is part of the protocol: an unquoted value ends at the first
// byte that is not a letter, digit, "_", ":" or "-", and a page that is no such XML has only the
// tags before the error. An HTML 5 parser (libgumbo) would find tags that the go command does not,
// so this is a tokenizer of its own with those rules: of `encoding/xml` Decoder.RawToken and of
// cmd/go parseMetaGoImports, Go 1.25.
//
// Costs: one pass, no recursion; memory for one token. Pure functions, any thread.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "vanity/go_import.h"

namespace gw::vanity {

// Meta tags named go-import with 3 or 4 fields, in page order, up to <body>, </head>, the end or
// the first syntax error. kNotFound with the line and reason when there was an error before the
// first tag. The entries are as found: see match_tags and check_import.
Result<std::vector<GoImport>> parse_meta_tags(std::string_view page);

}  // namespace gw::vanity
