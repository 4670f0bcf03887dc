// Signed notes, keys and heads. Whatever parses has exactly one spelling: putting the parts
// together again gives the input.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/bytes.h"
#include "base/text.h"
#include "fuzz/require.h"
#include "tlog/checkpoint.h"
#include "tlog/go_log.h"
#include "tlog/note.h"

namespace fuzz_note {

using namespace gw;
using namespace gw::tlog;

FUZZ_TARGET(note)(const std::uint8_t* data, std::size_t size) {
  static const SignerKey signer = SignerKey::from_seed("fuzz", std::string(32, 'f')).value();
  static const VerifierKey key = signer.verifier();
  std::string input(reinterpret_cast<const char*>(data), size);

  if (auto note = parse_note(input)) {
    std::string again = std::string(note->text) + "\n";
    for (const NoteSignature& sig : note->signatures) {
      std::string bytes;
      append_u32(bytes, sig.id);
      again += "\xe2\x80\x94 " + std::string(sig.name) + " " +
               encode_base64(bytes + sig.signature) + "\n";
    }
    if (again != input || note->signatures.empty()) std::abort();
  }
  // The input as a text that is signed: it opens if and only if it is a good text.
  std::string text = input + "\n";
  std::string signed_text = signer.sign_note(text);
  auto opened = open_note(signed_text, key);
  bool good = is_utf8(text) && text.size() < kMaxNoteBytes / 2;
  for (char c : text) good = good && (static_cast<unsigned char>(c) >= 0x20 || c == '\n');
  if (opened.has_value() != good || (opened && *opened != text)) std::abort();
  if (auto head = Checkpoint::open(signer.sign_note(text), key, kGoLog)) {
    // Further lines are ignored, and the empty tree may be written with zeros.
    bool same = text.starts_with(format_tree_text(kGoLog.origin, head->size(), head->root()));
    if (!same && head->size() != 0) std::abort();
  }
  if (auto vkey = VerifierKey::parse(input)) {
    if (to_lower(vkey->format()) != to_lower(input)) std::abort();
    if (!(VerifierKey::parse(vkey->format()).value() == *vkey)) std::abort();
  }
  if (auto skey = SignerKey::parse(input)) {
    if (!(VerifierKey::parse(skey->verifier().format()).value() == skey->verifier())) std::abort();
  }
  return 0;
}

}  // namespace fuzz_note
