#include "tlog/checkpoint.h"

#include "base/bytes.h"
#include "tlog/tree.h"

namespace gw::tlog {

namespace {

constexpr std::string_view kHeadLine = "go.sum database tree\n";

std::string_view take_line(std::string_view& rest) {
  std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return {};
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

}  // namespace

Result<Checkpoint> Checkpoint::open(std::string_view note, const VerifierKey& key) {
  GW_TRY(std::string_view text, open_note(note, key));
  if (!text.starts_with(kHeadLine)) {
    return untrusted_error("signed head: first line is not \"go.sum database tree\"");
  }
  text.remove_prefix(kHeadLine.size());
  auto size = parse_decimal(take_line(text));
  if (!size || *size > kMaxTreeSize) return untrusted_error("signed head: bad tree size");
  auto root = decode_base64(take_line(text));
  if (!root || root->size() != sizeof(Hash)) return untrusted_error("signed head: bad root hash");
  Checkpoint head;
  head.size_ = *size;
  head.root_ = hash_from_bytes(*root);
  head.note_ = note;
  head.key_name_ = key.name();
  if (head.size_ == 0) {
    if (head.root_ != Hash{} && head.root_ != empty_tree_hash()) {
      return untrusted_error("signed head: an empty tree with a root hash");
    }
    head.root_ = empty_tree_hash();
  }
  return head;
}

std::string format_tree_text(std::uint64_t size, const Hash& root) {
  return std::string(kHeadLine) + std::to_string(size) + "\n" + encode_base64(as_bytes(root)) +
         "\n";
}

}  // namespace gw::tlog
