// Proofs that builds keep in their cache: what is accepted is a record that sum.golang.org signed,
// so of all that comes from one file only one pair of sums can ever come out.
#include <cstdint>
#include <cstdlib>

#include "build/sums.h"
#include "fuzz/require.h"
#include "tlog/go_log.h"

namespace fuzz_build_proof {

using namespace gw;

FUZZ_TARGET(build_proof)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  static const auto key = tlog::VerifierKey::parse(tlog::kGoLogKey);
  const auto sums = build::open_kept_proof(input, *key, "golang.org/x/example/hello",
                                           "v0.0.0-20250915201037-7f05d217867b");
  if (sums) {
    if (sums->zip != "h1:+gZE2jOdiscYByu0606Uw8Ldir2Cecd39Vq/3IEasRA=") std::abort();
    if (!tlog::parse_sum(sums->gomod)) std::abort();
  }
  return 0;
}

}  // namespace fuzz_build_proof
