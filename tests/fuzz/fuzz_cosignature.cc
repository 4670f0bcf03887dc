// Cosignatures: witness keys, a witness's answer (signature lines) and the bytes of a signature.
// What parses has one spelling, and nothing in an answer changes what else a note says.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "fuzz/require.h"
#include "tlog/cosignature.h"
#include "tlog/note.h"

namespace fuzz_cosignature {

using namespace gw;
using namespace gw::tlog;

namespace {

const std::string kText = "log.test\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

void check_bytes(std::string_view input) {
  const auto parts = parse_cosignature(input);
  if (!parts) return;
  std::string again;
  append_u64(again, static_cast<std::uint64_t>(to_unix(parts->time)));
  again += parts->signature;
  if (again != input || to_unix(parts->time) < 0) std::abort();
}

void check_key(std::string_view input) {
  const auto key = CosignerKey::parse(input);
  if (!key) return;
  if (to_lower(key->format()) != to_lower(input)) std::abort();
  if (!(CosignerKey::parse(key->format()).value() == *key)) std::abort();
}

}  // namespace

FUZZ_TARGET(cosignature)(const std::uint8_t* data, std::size_t size) {
  static const auto log = SignerKey::from_seed("log.test", std::string(32, 'l')).value();
  static const auto one = Cosigner::from_seed("one", std::string(32, '1')).value();
  static const auto two = Cosigner::from_seed("two", std::string(32, '2')).value();
  static const std::vector<CosignerKey> known = {one.key(), two.key()};
  const std::string input(reinterpret_cast<const char*>(data), size);
  check_bytes(input);
  check_key(input);
  (void)verify_cosignature(input, one.key());

  // The input as a witness's answer, alone and behind a good line.
  const std::string note = log.sign_note(kText);
  const std::string good = one.signature_line(kText, from_unix(1679315147));
  for (const std::string& lines : {input, good + input}) {
    const auto added = add_cosignatures(note, lines, known);
    if (!added) continue;
    if (open_note(*added, log.verifier()).value() != kText) std::abort();
    const UnverifiedNote parsed = parse_note(*added).value();
    for (const NoteSignature& sig : parsed.signatures) {
      if (sig.name == "log.test") continue;
      const CosignerKey& key = sig.name == "one" ? known[0] : known[1];
      if (sig.name != key.name() || sig.id != key.id()) std::abort();
      if (!verify_cosignature(*added, key)) std::abort();
    }
    if (add_cosignatures(*added, lines, known).value_or("") != *added) std::abort();
  }
  return 0;
}

}  // namespace fuzz_cosignature
