#include "buildd/claims.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

// All marks of one question fit into the head of a request, with whatever else is in it.
constexpr std::size_t kMaxMarkBytes = 1024;
constexpr std::size_t kMaxHopMarks = 8;  // of one build, with the one that we add
constexpr std::size_t kMaxClaimedKeys = 1000;

}  // namespace

std::string format_hop_text(std::string_view record, WallTime now) {
  return fmt::format("{}\n{}\n{}", kHopOrigin, to_unix(now), record);
}

std::optional<Hop> parse_hop_text(std::string_view text) {
  std::string_view rest = text;
  if (take_line(rest) != kHopOrigin) return std::nullopt;
  const auto seconds = parse_decimal(take_line(rest));
  if (!seconds || *seconds > std::uint64_t{1} << 40U) return std::nullopt;
  if (!tlog::parse_build_record(rest)) return std::nullopt;
  Hop out{from_unix(static_cast<std::int64_t>(*seconds)), std::string(rest)};
  // One spelling.
  if (format_hop_text(out.record, out.at) != text) return std::nullopt;
  return out;
}

bool Claims::is_fresh(WallTime at) const {
  const auto age = clock_.now() - at;
  return age <= kHopStays && age >= -kHopStays;
}

// A mark that says something of this build, and lately.
std::optional<Claims::Claim> Claims::open(std::string_view key, std::string_view mark) const {
  if (mark.size() > kMaxMarkBytes) return std::nullopt;
  const auto note = decode_base64(mark);
  if (!note) return std::nullopt;
  const auto parsed = tlog::parse_note(*note);
  auto hop = parsed ? parse_hop_text(parsed->text) : std::nullopt;
  if (!hop || !is_fresh(hop->at)) return std::nullopt;
  const auto record = tlog::parse_build_record(hop->record);
  if (!record || tlog::format_build_key(record->target) != key) return std::nullopt;
  Claim out{hop->at, std::move(hop->record), std::string(mark), ""};
  for (const tlog::VerifierKey& verifier : verifiers_) {
    if (tlog::open_note(*note, verifier)) out.verifier = verifier.name();
  }
  return out;
}

// Room for one more key. Only a claim that counts takes another's, of which none does: anybody can
// make those.
bool Claims::make_room(bool counts) {
  if (claims_.size() < kMaxClaimedKeys) return true;
  std::erase_if(claims_, [&](const auto& c) {
    return std::none_of(c.second.begin(), c.second.end(),
                        [&](const Claim& one) { return is_fresh(one.at); });
  });
  if (claims_.size() < kMaxClaimedKeys) return true;
  if (!counts) return false;
  const auto junk = std::find_if(claims_.begin(), claims_.end(), [](const auto& c) {
    return std::all_of(c.second.begin(), c.second.end(),
                       [](const Claim& one) { return one.verifier.empty(); });
  });
  if (junk == claims_.end()) return false;
  claims_.erase(junk);
  return true;
}

void Claims::keep(const std::string& key, Claim claim) {
  const bool counts = !claim.verifier.empty();
  if (!claims_.contains(key) && !make_room(counts)) return;
  std::vector<Claim>& kept = claims_[key];
  std::erase_if(kept, [&](const Claim& c) { return !is_fresh(c.at); });
  const bool known =
      std::any_of(kept.begin(), kept.end(), [&](const Claim& c) { return c.mark == claim.mark; });
  if (known) return;
  // The latest word of each verifier; those of others as far as there is room.
  if (counts) std::erase_if(kept, [&](const Claim& c) { return c.verifier == claim.verifier; });
  if (kept.size() >= kMaxHopMarks - 1) {
    if (!counts) return;
    const auto other =
        std::find_if(kept.begin(), kept.end(), [](const Claim& c) { return c.verifier.empty(); });
    if (other != kept.end()) kept.erase(other);
  }
  kept.push_back(std::move(claim));
  for (Question* q : questions_) {
    if (q->key_ == key) q->settled_.request();
  }
}

bool Claims::take(std::string_view key, const std::vector<std::string_view>& marks) {
  bool counts = false;
  for (std::size_t i = 0; i < std::min(marks.size(), kMaxHopMarks); ++i) {
    auto claim = open(key, marks[i]);
    if (!claim) continue;
    // From here on it is about this build; signed by a verifier when it has a name.
    counts = counts || !claim->verifier.empty();
    const MutexLock lock(mutex_);
    keep(std::string(key), *std::move(claim));
  }
  return counts;
}

const Claims::Claim* Claims::find(const std::string& key, const std::string& verifier) const {
  const auto found = claims_.find(key);
  if (found == claims_.end()) return nullptr;
  for (const Claim& claim : found->second) {
    if (claim.verifier == verifier && is_fresh(claim.at)) return &claim;
  }
  return nullptr;
}

std::vector<std::string> Claims::marks(const std::string& key) const {
  std::vector<std::string> out;
  const auto found = claims_.find(key);
  if (found == claims_.end()) return out;
  for (const Claim& claim : found->second) {
    if (is_fresh(claim.at)) out.push_back(claim.mark);
  }
  return out;
}

void Claims::close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  for (Question* q : questions_) q->settled_.request();
}

Claims::Question::Question(Claims& claims, std::string key, std::string verifier)
    : claims_(claims), key_(std::move(key)), verifier_(std::move(verifier)) {
  const MutexLock lock(claims_.mutex_);
  claims_.questions_.push_back(this);
  marks_ = claims_.marks(key_);
  if (claims_.closed_ || claims_.find(key_, verifier_) != nullptr) settled_.request();
}

Claims::Question::~Question() {
  const MutexLock lock(claims_.mutex_);
  claims_.questions_.remove(this);
}

std::optional<std::string> Claims::Question::record() const {
  const MutexLock lock(claims_.mutex_);
  const Claim* claim = claims_.find(key_, verifier_);
  if (claim == nullptr) return std::nullopt;
  return claim->record;
}

bool Claims::Question::has_more_marks() const {
  const MutexLock lock(claims_.mutex_);
  if (claims_.closed_) return false;
  const std::vector<std::string> now = claims_.marks(key_);
  return std::any_of(now.begin(), now.end(), [&](const std::string& mark) {
    return std::find(marks_.begin(), marks_.end(), mark) == marks_.end();
  });
}

}  // namespace gw::buildd
