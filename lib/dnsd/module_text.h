// What the server says about one module, from the summary that the database keeps of its releases.
//
// Pure: any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "dns/answer_text.h"
#include "store/types.h"

namespace gw::dnsd {

// Writes the answer's text into `out`, and its size; 0 when the module has no release that counts.
// False when a release has no head among `heads` (as Reader::head_times gives them). No allocation.
bool format_module_text(std::string_view latest, std::span<const store::HeadTime> heads,
                        std::span<char, dns::kMaxTxt> out, std::size_t& size);

}  // namespace gw::dnsd
