// Proofs in files: what is taken is written the same again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fuzz/require.h"
#include "tlog/tlog_proof.h"

namespace fuzz_tlog_proof {

using namespace gw::tlog;

FUZZ_TARGET(tlog_proof)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto proof = parse_tlog_proof(text);
  if (proof && format_tlog_proof(*proof) != text) std::abort();
  return 0;
}

}  // namespace fuzz_tlog_proof
