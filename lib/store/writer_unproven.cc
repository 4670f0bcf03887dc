// Signed heads that wait to be compared.
#include <algorithm>

#include "store/writer_impl.h"

namespace gw::store {
namespace {

constexpr std::uint64_t kMaxUnproven = 1000;

}  // namespace

Status Writer::keep_unproven(const tlog::Checkpoint& head, std::string_view origin, WallTime seen) {
  Impl& m = *impl_;
  if (!created() || m.state.unproven >= kMaxUnproven) return {};
  GW_TRY(sqlite::Statement s,
         m.db.prepare("INSERT OR IGNORE INTO unproven(size, root, note, origin, seen_at) "
                      "VALUES(?, ?, ?, ?, ?)"));
  s.bind(1, head.size()).bind_blob(2, as_bytes(head.root())).bind_blob(3, head.note());
  GW_CHECK(s.bind_text(4, origin).bind(5, to_unix(seen)).run());
  m.state.unproven += static_cast<std::uint64_t>(m.db.changes());
  return {};
}

Result<std::vector<UnprovenHead>> Writer::unproven() {
  std::vector<UnprovenHead> out;
  if (!created() || impl_->state.unproven == 0) return out;
  GW_TRY(sqlite::Statement s, impl_->db.prepare("SELECT size, root, note, origin, seen_at "
                                                "FROM unproven ORDER BY size, seen_at"));
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) return out;
    if (s.bytes(1).size() != sizeof(Hash)) return corrupt_error("a stored head has a damaged root");
    out.push_back({s.u64(0), hash_from_bytes(s.bytes(1)), std::string(s.bytes(2)),
                   std::string(s.bytes(3)), from_unix(s.integer(4))});
  }
}

Status Writer::forget_unproven(std::uint64_t size, const Hash& root) {
  Impl& m = *impl_;
  if (!created() || m.state.unproven == 0) return {};
  GW_TRY(sqlite::Statement s, m.db.prepare("DELETE FROM unproven WHERE size = ? AND root = ?"));
  GW_CHECK(s.bind(1, size).bind_blob(2, as_bytes(root)).run());
  m.state.unproven -= std::min(m.state.unproven, static_cast<std::uint64_t>(m.db.changes()));
  return {};
}

}  // namespace gw::store
