// What runs before every unit test: the same first call as the real program's. Catch's own main
// comes compiled, from its package; this object is linked into every test.
#include <cstdlib>

#include "base/crypto.h"

namespace {

[[maybe_unused]] const bool kReady = [] {
  if (auto s = gw::init_crypto(); !s) std::abort();
  return true;
}();

}  // namespace
