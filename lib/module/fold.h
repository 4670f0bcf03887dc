// File names that differ only in case: one file on Windows and macOS, two on Linux.
//
// A module with both cannot be unpacked alike everywhere, so x/mod refuses it. Two names are equal
// under simple Unicode case folding (Go's strings.EqualFold) exactly when fold_case() gives the
// same for both: "K", "k" and the Kelvin sign do, "ss" and "ß" do not. Tables: Unicode 15.0, as in
// module/unicode.h. Pure. Cost: a copy for ASCII, a binary search among 200 ranges for others.
#pragma once

#include <string>
#include <string_view>

namespace gw::mod {

// Precondition for a meaning: UTF-8. Other bytes become U+FFFD.
std::string fold_case(std::string_view text);

}  // namespace gw::mod
