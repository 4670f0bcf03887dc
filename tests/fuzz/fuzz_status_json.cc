// What stands at a status socket, which may be anybody's: any JSON document becomes lines for a
// person that a terminal takes for nothing but text, and any text is JSON or refused.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/json.h"
#include "dnsd/status_socket.h"
#include "fuzz/require.h"

namespace fuzz_status_json {

FUZZ_TARGET(status_json)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = gw::parse_json(text);
  if (!document) return 0;
  const std::string written = gw::format_json(*document);
  const auto again = gw::parse_json(written);
  if (!again || *again != *document) std::abort();
  const std::string lines = gw::dnsd::format_status(*document);
  for (const char c : lines) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet < 0x20 && c != '\n') || octet == 0x7f) std::abort();
  }
  // C1 controls, and what turns the direction of text.
  for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
    const auto first = static_cast<unsigned char>(lines[i]);
    const auto second = static_cast<unsigned char>(lines[i + 1]);
    if (first == 0xc2 && second < 0xa0) std::abort();
    if (lines.compare(i, 3, "\xe2\x80\xae") == 0) std::abort();
  }
  return 0;
}

}  // namespace fuzz_status_json
