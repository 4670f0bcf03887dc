#include "tlog/head_json.h"

#include "base/bytes.h"

namespace gw::tlog {

Json head_json(std::uint64_t size, const Hash& root, std::string_view note,
               std::optional<WallTime> accepted) {
  Json out = {{"size", size}, {"root", encode_base64(as_bytes(root))}};
  if (accepted) out["accepted"] = format_rfc3339(*accepted);
  out["note"] = note;
  return out;
}

Json head_json(const Checkpoint& head) { return head_json(head.size(), head.root(), head.note()); }

}  // namespace gw::tlog
