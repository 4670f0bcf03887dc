// What comes packed from others: bounded, and what is taken can be packed again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "fuzz/require.h"
#include "module/gzip.h"

namespace fuzz_gzip {

using namespace gw::mod;

FUZZ_TARGET(gzip)(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMax = 1U << 16U;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto unpacked = gunzip(bytes, kMax);
  if (unpacked && unpacked->size() > kMax) std::abort();
  if (unpacked && gunzip(gzip(*unpacked), kMax).value() != *unpacked) std::abort();
  const auto back = gunzip(gzip(bytes), size);
  if (!back || *back != bytes) std::abort();
  return 0;
}

}  // namespace fuzz_gzip
