// Rdata as the text of master files, as ldns writes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dns/presentation.h"
#include "dns/types.h"

namespace gw::dns::test {

inline Result<std::string> format_rdata(std::uint16_t type, std::string_view rdata) {
  GW_TRY(std::string line,
         format_record({std::string(kRootName), type, rrclass::kIn, 0, std::string(rdata)}));
  // owner, ttl, class, type, then the rdata.
  std::size_t at = 0;
  for (int field = 0; field < 4 && at != std::string::npos; ++field) {
    at = line.find('\t', at == 0 ? 0 : at);
    if (at != std::string::npos) ++at;
  }
  return at == std::string::npos ? std::string() : line.substr(at);
}

}  // namespace gw::dns::test
