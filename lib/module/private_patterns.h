// GOPRIVATE, GONOPROXY, GONOSUMDB, GOINSECURE: lists of patterns of module
// paths.
//
// Problem: these lists say which paths must never be named to a public server,
// so they must mean here what they mean to the go command, and a mistake in one
// must be seen: the go command ignores a malformed pattern, and asks the public
// server.
//
// Source: golang.org/x/mod/module.MatchPrefixPatterns v0.30 (v0.7 has the same)
// and path.Match of Go: `*` and `?` stop at "/", `[a-z]` and `[^a-z]` do not,
// `\` takes the meaning from the next character, a character is one of UTF-8. A
// pattern of N elements is matched with the first N elements of the path.
//
// Pure functions, any thread. Costs: no allocation; at most one step (13 ns)
// for each pair of a byte of a pattern and a byte of the path, whatever is in
// them.
#pragma once

#include <string_view>

#include "base/result.h"

namespace gw::mod {

// At most so many bytes in a list that is taken from a configuration.
inline constexpr std::size_t kMaxPatternsBytes = 16 * 1024;

// For whoever reads a list: kUsage when it is too long or one of its patterns
// is malformed, and would match nothing.
Status check_prefix_patterns(std::string_view patterns);

// True when one of the comma-separated patterns matches `path` or one of its
// parents. Empty and malformed ones match nothing; one slash at the end of a
// pattern does not count. A path longer than kMaxPathBytes matches nothing: no
// such module can be asked for.
bool match_prefix_patterns(std::string_view patterns, std::string_view path);

}  // namespace gw::mod
