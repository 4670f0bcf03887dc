// A go-import entry, as a TXT record or a meta tag holds it, and the rules for choosing one.
//
// Problem: both sources say "prefix vcs root [subdir]" in bytes that anybody may have written, and
// the go command's rules for meta tags differ from those for TXT records: two matching tags are an
// error, while of several matching records the longest prefix wins.
// Sources: `go help importpath`; cmd/go/internal/vcs of Go 1.25; golang/go issue 26160 (records).
//
// Pure functions, any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::vanity {

struct GoImport {
  std::string prefix;  // import path that corresponds to the root
  std::string vcs;     // git hg svn bzr fossil, or mod: `root` is a module proxy
  std::string root;    // URL of the repository
  std::string subdir;  // the prefix's directory in the repository; "" is its top

  bool operator==(const GoImport&) const = default;
};

// "prefix vcs root[ subdir]", bytes outside printable ASCII as \xNN: one line, safe to show.
std::string format_import(const GoImport& import);

// git hg svn bzr fossil mod.
bool is_known_vcs(std::string_view vcs);

// True when `prefix` is `path` or a whole-segment prefix of it: "x/te" is none of "x/text".
bool has_path_prefix(std::string_view path, std::string_view prefix);

// What makes an entry unusable, whatever its source: an unknown vcs, a root that check_repo_url
// refuses, a subdir with a leading "/" or "-", bytes outside printable ASCII. kNotFound, the reason
// naming the field.
Status check_import(const GoImport& import);

// One TXT record, its character-strings joined. kNotFound with the reason, without the record
// itself, when it is not a usable go-import record.
Result<GoImport> parse_record(std::string_view text);

// The record for `path`: the longest prefix; of equal prefixes `mod` wins and identical ones count
// once. Nothing when none matches; kNotFound, as there is no single answer, when two different ones
// are left.
Result<std::optional<GoImport>> match_records(std::span<const GoImport> records,
                                              std::string_view path);

// The meta tag for `path` by the go command's rules: a `mod` tag supersedes others, then no more
// than one may match, identical or not. Nothing when none does, kNotFound when several do.
// One difference to has_path_prefix, as in the go command: "x/" is a prefix of "x/y".
Result<std::optional<GoImport>> match_tags(std::span<const GoImport> tags, std::string_view path);

}  // namespace gw::vanity
