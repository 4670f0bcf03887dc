#include "dnsd/module_text.h"

#include <array>

#include "module/releases.h"

namespace gw::dnsd {

bool format_module_text(std::string_view latest, std::span<const store::HeadTime> heads,
                        std::span<char, dns::kMaxTxt> out, std::size_t& size) {
  std::array<dns::ModuleVersionView, mod::kMaxMajors * 2> entries;
  std::size_t n = 0;
  mod::ServedReleases it(latest);
  while (n < entries.size()) {
    auto entry = it.next();
    if (!entry) break;
    auto found = store::accepted_at(heads, entry->record);
    if (!found) return false;
    entries[n++] = {entry->version, *found};
  }
  size = dns::format_module_answer({entries.data(), n}, out);
  return true;
}

}  // namespace gw::dnsd
