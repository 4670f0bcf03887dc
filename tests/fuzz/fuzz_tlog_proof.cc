// Proofs in files: what is taken is written the same again.
#include <cstdlib>
#include <string_view>

#include "tlog/tlog_proof.h"

using namespace gw::tlog;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto proof = parse_tlog_proof(text);
  if (proof && format_tlog_proof(*proof) != text) std::abort();
  return 0;
}
