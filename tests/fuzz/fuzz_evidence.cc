// Files of evidence: what is read and written again reads the same, and nothing in a file makes
// checking it fail in other ways than by an error. The notes of the corpus are signed by
// the key below (gw_logtool's), so that what is behind a signature is reached.
#include <cstdint>
#include <cstdlib>

#include "fuzz/require.h"
#include "tlog/evidence_check.h"

namespace fuzz_evidence {

using namespace gw;
using namespace gw::tlog;

FUZZ_TARGET(evidence)(const std::uint8_t* data, std::size_t size) {
  const auto document = parse_json({reinterpret_cast<const char*>(data), size});
  if (!document) return 0;
  static const VerifierKey key =
      VerifierKey::parse("sum.synth.test+3e8daefb+Af32bbPyICENABSUXYHN++zF58i3NWiZGJu1p+YQ9/D0")
          .value();
  (void)check_evidence(*document, key);
  const auto evidence = parse_evidence(*document);
  if (!evidence) return 0;
  const Json written = evidence_json(*evidence, key.format(), from_unix(0));
  const auto again = parse_evidence(written);
  if (!again || evidence_json(*again, key.format(), from_unix(0)) != written) std::abort();
  return 0;
}

}  // namespace fuzz_evidence
