#include "check/prover.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "store/remembered_head.h"
#include "tlog/note.h"

namespace gw::check {
namespace {

constexpr mode_t kEvidenceMode = 0644;

// One release on its way to its proof.
struct Wanted {
  Outcome* outcome;
  Release* release;
  Result<tlog::VerifiedLookup> lookup;
};

std::string title(const Release& r) { return r.name + " " + r.version; }

// kNotFound is the log's answer that it has no such record; what else is missing is unavailable.
Error of_release(const Release& release, const Error& error) {
  const std::string what = "proving " + title(release);
  if (error.kind != ErrorKind::kNotFound) return error.in(what);
  return untrusted_error(what + ": the log has no such record: " + error.message,
                         "DNS announces a version that the log does not know");
}

std::vector<Wanted> look_up(tlog::Client& client, std::span<Outcome> outcomes) {
  std::vector<tlog::ModuleVersion> names;
  std::vector<std::pair<Outcome*, Release*>> releases;
  for (Outcome& outcome : outcomes) {
    for (Release& release : outcome.releases) {
      if (release.reported || release.log_module.empty()) continue;
      names.push_back({release.log_module, release.log_version});
      releases.emplace_back(&outcome, &release);
    }
  }
  std::vector<Wanted> wanted;
  if (names.empty()) return wanted;
  auto lookups = client.lookup_all(names);
  wanted.reserve(lookups.size());
  for (std::size_t i = 0; i < lookups.size(); ++i) {
    wanted.push_back({releases[i].first, releases[i].second, std::move(lookups[i])});
  }
  return wanted;
}

// The head that an earlier call left, verified with the log's key.
Result<std::optional<tlog::Checkpoint>> open_remembered(const store::RememberedHead& file,
                                                        const std::string& path,
                                                        const tlog::VerifierKey& key) {
  if (!file.note()) return std::optional<tlog::Checkpoint>();
  auto head = tlog::Checkpoint::open(*file.note(), key);
  if (head) return std::optional<tlog::Checkpoint>(std::move(*head));
  const auto note = tlog::parse_note(*file.note());
  if (note && std::none_of(note->signatures.begin(), note->signatures.end(), [&](const auto& s) {
        return s.name == key.name() && s.id == key.id();
      })) {
    const std::string other = note->signatures.empty() ? "" : quoted(note->signatures[0].name);
    return usage_error(path + ": remembers a head of " + other + ", not of " + key.name(),
                       "give each log a --db of its own");
  }
  return corrupt_error(path + ": the remembered head: " + head.error().message,
                       "remove the file to start anew; forks from before will not be seen");
}

// Everything that somebody else needs to see that the log told two histories.
std::string evidence(const tlog::Checkpoint& smaller, const tlog::Checkpoint& larger,
                     const tlog::HeadComparison& found) {
  Json tiles = Json::array();
  for (const auto& tile : found.tiles) {
    tiles.push_back({{"path", tile.path}, {"base64", encode_base64(tile.bytes)}});
  }
  const Json document = {{"kind", "fork"},
                         {"log", larger.key_name()},
                         {"size", found.size},
                         {"claimed", encode_base64(as_bytes(found.claimed))},
                         {"recomputed", encode_base64(as_bytes(found.recomputed))},
                         {"smaller_head", smaller.note()},
                         {"larger_head", larger.note()},
                         {"tiles", std::move(tiles)}};
  return format_json(document) + "\n";
}

Error fork_error(const tlog::Checkpoint& a, const tlog::Checkpoint& b,
                 const tlog::HeadComparison& found, const std::string& evidence_file) {
  const bool ordered = a.size() <= b.size();
  const tlog::Checkpoint& smaller = ordered ? a : b;
  const tlog::Checkpoint& larger = ordered ? b : a;
  Error error =
      untrusted_error("the log " + larger.key_name() + " told two histories: its signed head of " +
                          std::to_string(smaller.size()) + " records has root " +
                          encode_base64(as_bytes(found.claimed)) + ", but its signed head of " +
                          std::to_string(larger.size()) + " records gives " +
                          encode_base64(as_bytes(found.recomputed)) + " at that size",
                      "keep the evidence and tell others who use the log");
  if (evidence_file.empty()) return error;
  const auto saved =
      write_file_atomic(evidence_file, evidence(smaller, larger, found), kEvidenceMode);
  error.message += saved ? "; evidence in " + evidence_file
                         : "; the evidence could not be saved: " + saved.error().message;
  return error;
}

// That all heads, and the remembered one, are of one history. All are compared with the largest, so
// that one authenticated tree serves every comparison.
Result<tlog::Checkpoint> compare_all(tlog::Client& client,
                                     const std::vector<tlog::Checkpoint>& heads,
                                     const std::string& evidence_file) {
  const auto larger = [](const auto& a, const auto& b) { return a.size() < b.size(); };
  const tlog::Checkpoint largest = *std::max_element(heads.begin(), heads.end(), larger);
  for (const auto& head : heads) {
    if (head.same_tree(largest)) continue;
    GW_TRY(const auto found, client.compare(head, largest));
    if (found.relation == tlog::HeadRelation::kFork) {
      return fork_error(head, largest, found, evidence_file);
    }
  }
  return largest;
}

// Reads the remembered head, compares, and remembers the largest head.
Status settle(tlog::Client& client, const ProverOptions& options, const std::vector<Wanted>& wanted,
              ProveResult& result) {
  std::optional<store::RememberedHead> file;
  std::vector<tlog::Checkpoint> heads;
  for (const Wanted& w : wanted) {
    const auto same = [&](const auto& h) { return h.note() == w.lookup->head().note(); };
    if (w.lookup && std::none_of(heads.begin(), heads.end(), same)) {
      heads.push_back(w.lookup->head());
    }
  }
  if (heads.empty()) return {};
  if (!options.remembered_file.empty()) {
    GW_TRY(file, store::RememberedHead::open(options.remembered_file));
    GW_TRY(result.remembered, open_remembered(*file, options.remembered_file, client.key()));
    if (result.remembered) heads.push_back(*result.remembered);
  }
  GW_TRY(auto largest, compare_all(client, heads, options.evidence_file));
  result.head = largest;
  const bool grew = !result.remembered || largest.size() > result.remembered->size();
  if (file && grew) GW_CHECK(file->save(largest.note()));
  return {};
}

bool unproven(const Release& r) { return !r.reported && !r.log_module.empty() && !r.proof; }

}  // namespace

ProveResult prove(tlog::Client& client, const ProverOptions& options, std::span<Outcome> outcomes) {
  ProveResult result;
  const std::vector<Wanted> wanted = look_up(client, outcomes);
  if (auto settled = settle(client, options, wanted, result); !settled) {
    result.error = std::move(settled).error().in("proving");
    result.head.reset();
  }
  for (const Wanted& w : wanted) {
    if (!w.lookup) {
      w.outcome->errors.push_back(of_release(*w.release, w.lookup.error()));
    } else if (!result.error) {
      const auto& l = *w.lookup;
      w.release->proof = Proof{l.number(), l.zip_sum(), l.gomod_sum(), l.head()};
    }
  }
  for (Outcome& outcome : outcomes) {
    std::erase_if(outcome.releases, unproven);
    const auto fresh = [](const Release& r) { return !r.reported; };
    outcome.newer =
        outcome.newer && std::any_of(outcome.releases.begin(), outcome.releases.end(), fresh);
  }
  return result;
}

}  // namespace gw::check
