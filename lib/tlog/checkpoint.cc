#include "tlog/checkpoint.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "tlog/hash.h"
#include "tlog/tree.h"

namespace gw::tlog {

Result<Checkpoint> Checkpoint::open(std::string_view note, const VerifierKey& key,
                                    const LogFormat& format) {
  GW_TRY(std::string_view text, open_note(note, key));
  if (take_line(text) != format.origin) {
    return untrusted_error(fmt::format("signed head: first line is not \"{}\"", format.origin));
  }
  auto size = parse_decimal(take_line(text));
  if (!size || *size > kMaxTreeSize) return untrusted_error("signed head: bad tree size");
  auto root = decode_base64(take_line(text));
  if (!root || root->size() != sizeof(Hash)) return untrusted_error("signed head: bad root hash");
  Checkpoint head;
  head.size_ = *size;
  head.root_ = hash_from_bytes(*root);
  head.note_ = note;
  head.key_name_ = key.name();
  head.format_ = &format;
  if (head.size_ == 0) {
    if (head.root_ != Hash{} && head.root_ != empty_tree_hash()) {
      return untrusted_error("signed head: an empty tree with a root hash");
    }
    head.root_ = empty_tree_hash();
  }
  return head;
}

std::string format_tree_text(std::string_view origin, std::uint64_t size, const Hash& root) {
  return fmt::format("{}\n{}\n{}\n", origin, size, encode_base64(as_bytes(root)));
}

}  // namespace gw::tlog
