// Domain names in wire format: a sequence of (length octet, label octets), ended by the root's zero
// octet (RFC 1035 3.1).
//
// A NameView is a view of one whole, valid, uncompressed wire name; a function that takes one
// relies on that, and only the parsers below and wire.h make them from untrusted bytes. Length
// octets are below 64 and letters above it, so a wire name is lower-cased, compared and hashed byte
// by byte without looking at its labels. "Lower-cased" in a parameter's comment means that the
// caller did so (RFC 4343: ASCII only).
//
// Nothing here allocates but the functions that return std::string. All are pure: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dns/types.h"

namespace gw::dns {

using NameView = std::string_view;

inline constexpr NameView kRootName{"\0", 1};

// Of a name or a message: its bytes are unsigned.
inline std::uint8_t octet(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

// A wire name held by value: 256 bytes, no allocation.
class Name {
 public:
  Name() { bytes_[0] = 0; }

  NameView view() const { return {bytes_.data(), size_}; }
  // NOLINTNEXTLINE(google-explicit-constructor): a Name is used where a view of it is wanted
  operator NameView() const { return view(); }
  std::size_t size() const { return size_; }

 private:
  friend std::size_t read_name(std::string_view message, std::size_t offset, Name& out);
  std::array<char, kMaxName> bytes_;
  std::uint8_t size_ = 1;
};

// The length of the uncompressed wire name at the start of `bytes`; 0 if there is none (cut short,
// over 255 octets, a compression pointer or a label type of RFC 6891).
std::size_t wire_name_size(std::string_view bytes);
// True when `bytes` is one whole wire name and nothing else.
bool is_wire_name(std::string_view bytes);

// Reads the name at `offset` of a message, following compression pointers; each pointer must point
// before the name it continues, so that it ends. Returns the offset after the name in the message,
// or 0 when it is malformed.
std::size_t read_name(std::string_view message, std::size_t offset, Name& out);

// Text to wire (RFC 1035 5.1): labels separated by dots, `\.` and `\DDD` escapes, always absolute
// whether or not it ends in a dot; "." is the root. Letters keep their case. Errors are kUsage.
Result<std::string> parse_name(std::string_view text);
// The same, lower-cased.
Result<std::string> parse_lower_name(std::string_view text);
// A name as it stands in a master file: `@` is the origin, and one without a dot at its end goes on
// with it. kUsage.
Result<std::string> complete_name(std::string_view token, NameView origin);
// kUsage unless the text of a domain name is what people mean by one: labels of letters, digits, -
// and _ (zones may have a /, as those of RFC 2317 do), no URL, blank, wildcard or port. For names
// from a command line; in a zone file any octet may stand.
enum class NameUse { kDomain, kZone };
Status check_name_text(std::string_view text, NameUse use);
// The same for a host: also a dot inside, and not the form of an IP address.
Status check_host_text(std::string_view text);
// Wire to text, ending in a dot, everything outside printable ASCII and `."();@$\` escaped.
std::string format_name(NameView name);
// The same without the final dot ("." for the root), as people write host names.
std::string format_host(NameView name);

// Lower-cases `size` bytes of a wire name in place / from one buffer to another.
void lower_name(char* name, std::size_t size);
std::string lower_name(NameView name);

// Labels without the root: 0 for ".".
unsigned label_count(NameView name);
// The Labels field of an RRSIG over an RRset of this owner: without the root and without a leading
// `*` (RFC 4034 3.1.3).
unsigned rrsig_labels(NameView name);
// The name without its first label. Precondition: not the root.
NameView parent_name(NameView name);
// The first label without its length octet; empty for the root.
std::string_view first_label(NameView name);

// True when `name` is `ancestor` or below it. Both lower-cased.
bool is_subdomain(NameView name, NameView ancestor);
// Canonical order (RFC 4034 6.1): <0, 0, >0. Case-insensitive.
int compare_names(NameView a, NameView b);

}  // namespace gw::dns
