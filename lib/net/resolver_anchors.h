// Trust anchors: the DS and DNSKEY records that DNSSEC validation starts from, read from a file or
// built in.
//
// A file is checked completely before the first packet, because libunbound finds a bad one only at
// the first lookup, skips a record that it cannot use without a word, and then takes everything
// below for unsigned: an anchor that can validate nothing must be an error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::net {

struct TrustAnchor {
  std::string owner;   // lower-case, absolute: "." or "example.org."
  std::string record;  // the whole record on one line
};

// The DS records of both keys of the root zone that IANA publishes (key tags 20326 and 38696).
const std::vector<TrustAnchor>& builtin_trust_anchors();

// Records in zone file form (RFC 1035 section 5.1): comments, parentheses, TTL and class are fine;
// directives, other types and records without an owner are not. Or the statements of BIND's
// bind.keys: trust-anchors, managed-keys and trusted-keys. `source` is what messages name
// beside the line. kUsage for anything malformed, for none at all, and for an owner whose every
// record has an algorithm or digest that is not validated here.
Result<std::vector<TrustAnchor>> parse_trust_anchors(std::string_view text,
                                                     std::string_view source);

// parse_trust_anchors over a file of at most 1 MB.
Result<std::vector<TrustAnchor>> load_trust_anchors(const std::string& path);

// The owner of the closest anchor at or above `name` (absolute, lower-case); nullptr when none is.
const std::string* find_anchor_owner(const std::vector<TrustAnchor>& anchors,
                                     std::string_view name);

}  // namespace gw::net
