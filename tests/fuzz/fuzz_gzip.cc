// What comes packed from others: bounded, and what is taken can be packed again.
#include <cstdlib>
#include <string_view>

#include "module/gzip.h"

using namespace gw::mod;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  constexpr std::size_t kMax = 1U << 16U;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto unpacked = gunzip(bytes, kMax);
  if (unpacked && unpacked->size() > kMax) std::abort();
  if (unpacked && gunzip(gzip(*unpacked), kMax).value() != *unpacked) std::abort();
  const auto back = gunzip(gzip(bytes), size);
  if (!back || *back != bytes) std::abort();
  return 0;
}
