// Module paths as DNS names, version 0 of the scheme:
//   <path elements, reversed, encoded>._.<host>.v0.<zone>
//   github.com/mjl-/mox  ->  mox.mjl_2d._.github.com.v0.l.example.org
//
// In a path element every byte but 0-9 a-z - becomes _xx (lower-case hex), as does a - at either
// end, so that DNS's case-insensitivity loses nothing. Only canonical spellings exist as names,
// except that a - at an end of a path element is also accepted bare.
//
// "Labels" here are the wire-format labels before v0.<zone>, without a root octet. The functions
// for what every query needs (encode, canonical) do not allocate. Pure: any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "dns/types.h"
#include "module/path.h"

namespace gw::dns {

inline constexpr std::string_view kModuleSpace{"\2v0", 3};               // the label of the scheme
inline constexpr std::string_view kToolchainLabels{"\11toolchain", 10};  // before v0.<zone>

// The client's direction: the names to ask a zone for, as text without a final dot. Errors are
// kUsage and say which rule is broken.
class ModuleNames {
 public:
  // `zone`: text, with or without a final dot. An error when it is no name.
  static Result<ModuleNames> in_zone(std::string_view zone);
  // An error when the path has no name there: no slash, an upper-case host, a label over 63 octets,
  // a whole name over 253 characters.
  Result<std::string> of_module(const mod::ModulePath& path) const;
  // "toolchain.v0.<zone>"; an error when the zone is too long for this.
  Result<std::string> of_toolchain() const;

 private:
  explicit ModuleNames(std::string origin) : origin_(std::move(origin)) {}
  std::string origin_;  // wire
};
// "_updates.<domain>", likewise.
Result<std::string> updates_name(std::string_view domain);

// The server's direction. Writes the canonical labels of `path` and returns their size; 0 when the
// path has no v0 name in a zone whose wire name has `zone_size` octets. The caller has checked that
// the path is a valid module path (mod::check_path), since every path from a verified record is
// checked once only.
std::size_t encode_module_labels(std::string_view path, std::size_t zone_size,
                                 std::span<char, kMaxName> out);
// What canonical labels stand for, the inverse: a module's path, or, for the names above modules,
// `host/elements` above a path, `host/` for the separator's name, and host alone. Writes it and
// returns its size; 0 for labels that no path is encoded as. (Whether the whole is a valid path, or
// a name not too long, is not looked at.)
std::size_t path_of_module_labels(std::string_view labels, std::span<char, kMaxName> out);
// Rewrites lower-cased labels in which a - at an end of a path element stands bare to the canonical
// ones, and returns their size: 0 when they were canonical in this already, or the result is no
// name. Works for the names above a module's too.
std::size_t canonical_module_labels(std::string_view labels, std::span<char, kMaxName> out);

}  // namespace gw::dns
