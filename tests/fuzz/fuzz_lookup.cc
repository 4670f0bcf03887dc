// Lookup replies: number, record and note put together again are the reply; sums come from inside
// the record only.
#include <cstdint>
#include <cstdlib>

#include "fuzz/require.h"
#include "tlog/go_log.h"
#include "tlog/lookup.h"
#include "tlog/record.h"

namespace fuzz_lookup {

using namespace gw;
using namespace gw::tlog;

FUZZ_TARGET(lookup)(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  auto reply = parse_lookup(input);
  if (reply) {
    if (format_lookup(reply->number, reply->record, reply->note) != input) std::abort();
    if (!is_record_text(reply->record)) std::abort();
  }
  std::string_view record = reply ? reply->record : input;
  for (auto [module, version] : {std::pair("a.b/c", "v1.0.0"), std::pair("x", "v0")}) {
    auto sums = find_sums(record, module, version);
    if (!sums) continue;
    for (std::string_view sum : {sums->zip, sums->gomod}) {
      bool inside =
          sum.data() >= record.data() && sum.data() + sum.size() < record.data() + record.size();
      if (!inside || !parse_sum(sum)) std::abort();
    }
  }
  return 0;
}

}  // namespace fuzz_lookup
