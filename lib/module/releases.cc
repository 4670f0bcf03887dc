#include "module/releases.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "module/semver.h"

namespace gw::mod {

namespace {

constexpr std::string_view kIncompatible = "+incompatible";

void append_entry(std::string& out, const ReleaseEntry& e) {
  if (!out.empty()) out += ' ';
  out += e.version;
  out += '=';
  out += std::to_string(e.record);
  if (e.no_gomod) out += '!';
}

// Takes `VERSION=RECORD`, maybe with a `!`, and the space behind it off the front.
std::optional<ServedReleases::Entry> take_entry(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  std::string_view entry = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  const std::size_t equals = entry.find('=');
  if (equals == std::string_view::npos || equals == 0) return std::nullopt;
  const bool no_gomod = entry.ends_with('!');
  if (no_gomod) entry.remove_suffix(1);
  auto record = parse_decimal(entry.substr(equals + 1));
  if (!record) return std::nullopt;
  return ServedReleases::Entry{entry.substr(0, equals), *record, no_gomod};
}

Error malformed(std::string_view text) {
  return corrupt_error(fmt::format("release summary {} is malformed", quoted(text)));
}

// Puts a release into its class: one entry a major, highest first.
bool insert(std::vector<ReleaseEntry>& entries, const Semver& v, ReleaseEntry entry) {
  auto it = entries.begin();
  for (; it != entries.end(); ++it) {
    // What is kept was parsed before.
    const Semver kept = *parse_semver(it->version);
    const int major = compare_number(v.major, kept.major);
    if (major > 0) break;
    if (major < 0) continue;
    const int order = compare_semver(v, kept);
    if (order < 0 || (order == 0 && entry.record >= it->record)) return false;
    *it = std::move(entry);
    return true;
  }
  if (it == entries.end() && entries.size() == kMaxMajors) return false;
  entries.insert(it, std::move(entry));
  if (entries.size() > kMaxMajors) entries.pop_back();
  return true;
}

}  // namespace

bool ReleaseSummary::add(std::string_view version, std::uint64_t record, bool no_gomod) {
  const auto v = parse_semver(version);
  if (!v) return false;
  if (!v->is_release()) return add_ahead(version, record, no_gomod);
  ReleaseEntry entry{std::string(version), record, no_gomod};
  if (v->incompatible) return insert(incompatible_, *v, std::move(entry));
  const bool changed = insert(plain_, *v, std::move(entry));
  return drop_overtaken() || changed;
}

// Of prereleases only the newest compatible one says something, and only above all releases.
bool ReleaseSummary::add_ahead(std::string_view version, std::uint64_t record, bool no_gomod) {
  const auto v = parse_semver(version);
  if (!v || v->incompatible || compare_number(v->major, "1") > 0) return false;
  if (parse_pseudo_version(version)) return false;
  if (ahead_) {
    const int order = compare_semver(*v, *parse_semver(ahead_->version));
    if (order < 0 || (order == 0 && record >= ahead_->record)) return false;
  }
  const auto before = ahead_;
  ahead_ = ReleaseEntry{std::string(version), record, no_gomod};
  drop_overtaken();
  return ahead_ != before;
}

bool ReleaseSummary::drop_overtaken() {
  if (!ahead_ || plain_.empty()) return false;
  if (compare_semver(*parse_semver(ahead_->version), *parse_semver(plain_[0].version)) > 0) {
    return false;
  }
  ahead_.reset();
  return true;
}

std::string ReleaseSummary::format() const {
  std::string out;
  if (ahead_) append_entry(out, *ahead_);
  for (const auto* list : {&plain_, &incompatible_}) {
    for (const ReleaseEntry& e : *list) append_entry(out, e);
  }
  return out;
}

Result<ReleaseSummary> ReleaseSummary::parse(std::string_view text) {
  ReleaseSummary out;
  for (std::string_view rest = text; !rest.empty();) {
    auto e = take_entry(rest);
    if (!e || !out.add(e->version, e->record, e->no_gomod)) return malformed(text);
  }
  if (out.format() != text) return malformed(text);
  return out;
}

ServedReleases::ServedReleases(std::string_view text) : rest_(text) {
  std::string_view plain = text;
  const auto first = take_entry(plain);
  if (!first || first->version.ends_with(kIncompatible)) return;
  // A prerelease in front says something and is not served itself; a toolchain's has no dash.
  if (first->version.find('-') == std::string_view::npos) plain = text;
  rest_ = plain;
  // Where the +incompatible ones begin.
  std::size_t begin = plain.find(kIncompatible);
  if (begin == std::string_view::npos) return;
  begin = plain.rfind(' ', begin) + 1;  // npos + 1 is 0
  rest_ = plain.substr(0, begin);
  if (!first->no_gomod) return;
  rest_ = plain.substr(begin);
  then_ = plain.substr(0, begin);
}

std::optional<ServedReleases::Entry> ServedReleases::next() {
  if (rest_.empty()) rest_ = std::exchange(then_, {});
  if (rest_.empty()) return std::nullopt;
  auto e = take_entry(rest_);
  if (!e) rest_ = then_ = {};
  return e;
}

bool ToolchainSummary::add(std::string_view version, std::uint64_t record) {
  auto parts = parse_toolchain_version(version);
  return parts && add_go(parts->go_version, record);
}

bool ToolchainSummary::add_go(std::string_view go_version, std::uint64_t record) {
  auto order = parse_go_version(go_version);
  if (!order) return false;
  Kept kept{*order, {std::string(go_version), record}};
  auto replace = [&](std::optional<Kept>& slot) {
    const bool better = !slot || kept.order > slot->order ||
                        (kept.order == slot->order && record < slot->entry.record);
    if (better) slot = kept;
    return better;
  };
  auto& [high, low] = releases_;
  if (!order->is_release()) return (!high || *order > high->order) && replace(prerelease_);
  bool changed = false;
  if (high && order->minor < high->order.minor) return replace(low);
  if (high && order->minor == high->order.minor) {
    changed = replace(high);
  } else {
    low = std::move(high);
    high = std::move(kept);
    changed = true;
  }
  // cur only rises: an rc or beta that it has passed is never served again.
  if (prerelease_ && prerelease_->order < high->order) prerelease_.reset();
  return changed;
}

ReleaseEntry ToolchainSummary::cur() const {
  return releases_[0] ? releases_[0]->entry : ReleaseEntry{};
}

ReleaseEntry ToolchainSummary::prev() const {
  return releases_[1] ? releases_[1]->entry : ReleaseEntry{};
}

ReleaseEntry ToolchainSummary::next() const {
  return prerelease_ ? prerelease_->entry : ReleaseEntry{};
}

std::string ToolchainSummary::format() const {
  std::string out;
  for (const auto* kept : {&releases_[0], &releases_[1], &prerelease_}) {
    if (*kept) append_entry(out, (*kept)->entry);
  }
  return out;
}

Result<ToolchainSummary> ToolchainSummary::parse(std::string_view text) {
  ToolchainSummary out;
  for (std::string_view rest = text; !rest.empty();) {
    auto e = take_entry(rest);
    if (!e || !out.add_go(e->version, e->record)) return malformed(text);
  }
  if (out.format() != text) return malformed(text);
  return out;
}

}  // namespace gw::mod
