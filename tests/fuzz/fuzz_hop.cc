// What a service says it got for a build (a mark's text), and a witness's place.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "buildd/claims.h"
#include "buildd/other_log.h"
#include "buildd/provenance.h"
#include "buildd/witnesses.h"
#include "fuzz/require.h"

namespace fuzz_hop {

using namespace gw;
using namespace gw::buildd;

FUZZ_TARGET(hop)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto hop = parse_hop_text(input)) {
    if (format_hop_text(hop->record, hop->at) != input) std::abort();
    // What signs one thing signs no other.
    if (is_envelope_text(input)) std::abort();
  }
  if (is_envelope_text(input) && input.size() < 9) std::abort();
  if (const auto state = parse_other_log_state(input)) {
    const auto again = parse_other_log_state(format_other_log_state(*state));
    if (!again || again->next != state->next || again->again != state->again) std::abort();
  }
  if (const auto witness = Witness::parse(input)) {
    if (!input.starts_with(witness->key.format())) std::abort();
  }
  return 0;
}

}  // namespace fuzz_hop
