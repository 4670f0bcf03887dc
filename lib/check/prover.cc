#include "check/prover.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "tlog/go_log.h"
#include "tlog/note.h"
#include "tlog/remembered_head.h"

namespace gw::check {
namespace {

// One release on its way to its proof: what its lookup came to.
struct Wanted {
  Outcome* outcome;
  Release* release;
  Result<Proof> proof;
};

std::string title(const Release& r) { return fmt::format("{} {}", r.name, r.version); }

// kNotFound is the log's answer that it has no such record; what else is missing is unavailable.
Error of_release(const Release& release, const Error& error, bool announced) {
  if (!announced) {
    if (error.kind != ErrorKind::kNotFound) return error;
    return not_found_error("the log has no such record: " + error.message);
  }
  const std::string what = "proving " + title(release);
  if (error.kind != ErrorKind::kNotFound) return error.in(what);
  return untrusted_error(fmt::format("{}: the log has no such record: {}", what, error.message),
                         "DNS announces a version that the log does not know");
}

Result<Proof> proof_of(const Result<tlog::VerifiedLookup>& lookup, const Release& release) {
  if (!lookup) return lookup.error();
  GW_TRY(const auto sums, tlog::find_sums(lookup->text(), release.log_module, release.log_version));
  return Proof{lookup->number(), std::string(sums.zip), std::string(sums.gomod), lookup->head()};
}

// Some at a time, of which no more is kept than the sums and the head.
std::vector<Wanted> look_up(tlog::Client& client, std::span<Outcome> outcomes) {
  constexpr std::size_t kAtOnce = 128;
  constexpr std::size_t kMostNotes = std::size_t{32} << 20;  // bytes; 100,000 real ones
  std::vector<std::pair<Outcome*, Release*>> releases;
  for (Outcome& outcome : outcomes) {
    for (Release& release : outcome.releases) {
      if (!release.reported && !release.log_module.empty()) {
        releases.emplace_back(&outcome, &release);
      }
    }
  }
  std::vector<Wanted> wanted;
  std::size_t notes = 0;
  for (std::size_t begin = 0; begin < releases.size(); begin += kAtOnce) {
    const auto some =
        std::span(releases).subspan(begin, std::min(kAtOnce, releases.size() - begin));
    std::vector<std::string> keys;
    for (const auto& [outcome, release] : some) {
      keys.push_back(tlog::go_key(release->log_module, release->log_version));
    }
    std::vector<Result<tlog::VerifiedLookup>> lookups;
    if (notes <= kMostNotes) lookups = client.lookup_all(keys);
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto [outcome, release] = some[i];
      wanted.push_back({outcome, release,
                        lookups.empty() ? Result<Proof>(unavailable_error(
                                              "the log's heads take too much memory"))
                                        : proof_of(lookups[i], *release)});
      if (wanted.back().proof) notes += wanted.back().proof->head.note().size();
    }
  }
  return wanted;
}

// A log may change its key and keep its name.
std::string key_text(std::string_view name, std::uint32_t id) {
  std::string bytes;
  append_u32(bytes, id);
  return fmt::format("{}+{}", name, encode_hex(bytes));
}

// The head that an earlier call left, verified with the log's key.
Result<std::optional<tlog::Checkpoint>> open_remembered(const tlog::RememberedHead& file,
                                                        const std::string& path,
                                                        const tlog::Client& client) {
  const tlog::VerifierKey& key = client.key();
  if (!file.note()) return std::optional<tlog::Checkpoint>();
  auto head = tlog::Checkpoint::open(*file.note(), key, client.format());
  if (head) return std::optional<tlog::Checkpoint>(std::move(*head));
  const auto note = tlog::parse_note(*file.note());
  if (note && tlog::find_signature(*note, key.name(), key.id()) == nullptr) {
    const tlog::NoteSignature& other = note->signatures.front();  // a note has one at least
    return usage_error(fmt::format("{}: remembers a head of {}, not of {}", path,
                                   key_text(other.name, other.id), key_text(key.name(), key.id())),
                       "give each log a --db of its own");
  }
  return corrupt_error(fmt::format("{}: the remembered head: {}", path, head.error().message),
                       "remove the file to start anew; forks from before will not be seen");
}

// A head, and for the evidence where it came from.
struct Seen {
  std::string what;
  tlog::Checkpoint head;
  std::optional<Error> unshown = {};  // why nothing could be proven under it
};

struct Heads {
  std::vector<Seen> shown;    // something was proven under them
  std::vector<Seen> unshown;  // nothing could be
};

// The heads of all lookups, each once.
Heads heads_of(const std::vector<Wanted>& wanted) {
  Heads heads;
  std::set<std::string_view> notes;  // of `wanted`
  const auto add = [&](const Wanted& w, const tlog::Checkpoint& head) {
    if (!notes.insert(head.note()).second) return;
    auto& of = w.proof ? heads.shown : heads.unshown;
    of.push_back({"with the lookup of " + title(*w.release), head});
    if (!w.proof) of.back().unshown = w.proof.error();
  };
  for (const Wanted& w : wanted) {
    if (w.proof) add(w, w.proof->head);
  }
  for (const Wanted& w : wanted) {
    const tlog::Checkpoint* head = w.proof ? nullptr : tlog::find_unshown_head(w.proof.error());
    if (head != nullptr) add(w, *head);
  }
  return heads;
}

tlog::SeenHead seen_head(const Seen& seen) {
  return {seen.what, seen.head.size(), seen.head.note()};
}

// That the two are of one history. The error carries the evidence when they are not.
Status compare(tlog::Client& client, const Seen& smaller, const Seen& larger) {
  auto found = client.compare(smaller.head, larger.head);
  if (found && !found->fork()) return {};
  std::optional<tlog::Evidence> evidence;
  if (found) {
    evidence = tlog::fork_evidence(seen_head(smaller), seen_head(larger), *found);
  } else if (const tlog::BadTiles* bad = tlog::find_bad_tiles(found.error())) {
    // From here a fork looks like this when it is the log's present head that is the smaller one.
    evidence = tlog::bad_tile_evidence({seen_head(smaller), seen_head(larger)}, *bad);
  } else {
    return std::move(found).error();
  }
  Error error = tlog::contradiction_error(*std::move(evidence));
  if (!found) return error;
  return std::move(error).in(fmt::format("the log {} told two histories", larger.head.key_name()));
}

// Keeps what the error carries, and adds to its text where that is.
std::optional<KeptEvidence> keep_evidence(const tlog::Client& client, const ProverOptions& options,
                                          Error& error) {
  const tlog::Contradiction* carried = tlog::find_contradiction(error);
  if (carried == nullptr) return std::nullopt;
  KeptEvidence kept;
  kept.evidence = carried->evidence;
  kept.document = tlog::evidence_json(kept.evidence, client.key().format(), options.now);
  if (options.evidence.empty()) return kept;
  auto saved = tlog::save_evidence(kept.document, options.evidence, options.now);
  if (saved) {
    error.message += "; evidence: " + *saved;
    kept.file = *std::move(saved);
  } else {
    error.message += "; " + saved.error().message;
  }
  return kept;
}

// That all heads, and the remembered one, are of one history. All are compared with the largest, so
// that one authenticated tree serves every comparison. Precondition: there is one.
Result<tlog::Checkpoint> compare_all(tlog::Client& client, const std::vector<Seen>& heads) {
  const auto smaller = [](const auto& a, const auto& b) { return a.head.size() < b.head.size(); };
  const Seen& largest = *std::max_element(heads.begin(), heads.end(), smaller);
  std::vector<tlog::Checkpoint> others;
  others.reserve(heads.size());
  for (const Seen& seen : heads) others.push_back(seen.head);
  client.prepare_comparisons(others, largest.head);
  for (const Seen& seen : heads) {
    if (seen.head.same_tree(largest.head)) continue;
    GW_CHECK(compare(client, seen, largest));
  }
  return largest.head;
}

// A head that the log signed and did not show is its word all the same: only when it contradicts
// what is known, or the log gives tiles that are not of it, does it count, and then for all.
Status compare_unshown(tlog::Client& client, const std::vector<Seen>& unshown,
                       const std::optional<Seen>& known) {
  for (const Seen& seen : unshown) {
    if (known && seen.head.same_tree(known->head)) continue;
    if (known) {
      const bool older = seen.head.size() <= known->head.size();
      auto status = compare(client, older ? seen : *known, older ? *known : seen);
      if (!status && tlog::find_contradiction(status.error()) != nullptr) return status;
    }
    // Without the other side, or by tiles that are to be had now and were not then.
    const tlog::BadTiles* bad = tlog::find_bad_tiles(*seen.unshown);
    if (bad == nullptr) continue;
    std::vector<tlog::SeenHead> about;
    if (known) about.push_back(seen_head(*known));
    about.push_back(seen_head(seen));
    return tlog::contradiction_error(tlog::bad_tile_evidence(std::move(about), *bad));
  }
  return {};
}

// Compares all heads with each other and with the remembered one, and remembers the largest. False
// when another call left another head meanwhile.
Result<bool> settle_with(tlog::Client& client, const ProverOptions& options, const Heads& seen,
                         tlog::RememberedHead* file, ProveResult& result) {
  std::vector<Seen> heads = seen.shown;
  const bool proven = !heads.empty();
  if (file != nullptr) {
    GW_TRY(result.remembered, open_remembered(*file, options.remembered_file, client));
    if (result.remembered) {
      heads.push_back({"remembered in " + options.remembered_file, *result.remembered});
    }
  }
  if (heads.empty()) {
    GW_CHECK(compare_unshown(client, seen.unshown, std::nullopt));
    return true;
  }
  GW_TRY(const tlog::Checkpoint largest, compare_all(client, heads));
  const auto known = std::find_if(heads.begin(), heads.end(),
                                  [&](const Seen& s) { return s.head.same_tree(largest); });
  GW_CHECK(compare_unshown(client, seen.unshown, *known));
  if (!proven) return true;
  result.head = largest;
  const bool grew = !result.remembered || largest.size() > result.remembered->size();
  return file != nullptr && grew ? file->save(largest.note()) : Result<bool>(true);
}

Status settle(tlog::Client& client, const ProverOptions& options, const std::vector<Wanted>& wanted,
              ProveResult& result) {
  const Heads heads = heads_of(wanted);
  if (heads.shown.empty() && heads.unshown.empty()) return {};
  std::optional<tlog::RememberedHead> file;
  if (!options.remembered_file.empty()) {
    GW_TRY(file, tlog::RememberedHead::open(options.remembered_file));
  }
  for (bool settled = false; !settled;) {
    GW_TRY(settled, settle_with(client, options, heads, file ? &*file : nullptr, result));
  }
  return {};
}

bool unproven(const Release& r) { return !r.reported && !r.log_module.empty() && !r.proof; }

}  // namespace

ProveResult prove(tlog::Client& client, const ProverOptions& options, std::span<Outcome> outcomes) {
  ProveResult result;
  const std::vector<Wanted> wanted = look_up(client, outcomes);
  if (auto settled = settle(client, options, wanted, result); !settled) {
    result.error = std::move(settled).error().in("proving");
    result.evidence = keep_evidence(client, options, *result.error);
    result.head.reset();
  }
  for (const Wanted& w : wanted) {
    if (!w.proof) {
      w.outcome->errors.push_back(of_release(*w.release, w.proof.error(), options.announced));
    } else if (!result.error) {
      w.release->proof = *w.proof;
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
