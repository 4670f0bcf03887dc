#include "build/sums.h"

#include <fmt/format.h>

#include <optional>

#include "base/bytes.h"
#include "base/text.h"
#include "module/path.h"
#include "os/dir.h"
#include "tlog/evidence.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"
#include "tlog/lookup.h"
#include "tlog/remembered_head.h"
#include "tlog/tree.h"

namespace gw::build {

namespace {

constexpr std::string_view kProofHead = "inclusion";
constexpr std::size_t kMaxProofHashes = 64;
constexpr std::size_t kMaxName = 200;  // file systems take 255 bytes

// One file a module version: a slash is no character of a file's name, and "!" stands for capitals
// already.
Result<std::string> file_name(std::string_view module, std::string_view version) {
  GW_TRY(const std::string path, mod::escape_path(module));
  GW_TRY(const std::string escaped, mod::escape_version(version));
  std::string name;
  for (const char c : path) name += c == '/' ? std::string("!!") : std::string(1, c);
  name = fmt::format("{}@{}", name, escaped);
  return name.size() <= kMaxName ? name : "long-" + encode_hex(as_bytes(sha256(name)));
}

}  // namespace

std::string format_kept_proof(const tlog::VerifiedLookup& lookup) {
  std::string out = fmt::format("{}\n", kProofHead);
  for (const Hash& hash : lookup.proof()) out += encode_base64(as_bytes(hash)) + "\n";
  return fmt::format("{}\n{}", out,
                     tlog::format_lookup(lookup.number(), lookup.text(), lookup.head().note()));
}

Result<Sums> open_kept_proof(std::string_view text, const tlog::VerifierKey& key,
                             std::string_view module, std::string_view version) {
  if (take_line(text) != kProofHead) return untrusted_error("no proof");
  std::vector<Hash> proof;
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    const auto bytes = decode_base64(line);
    if (!bytes || bytes->size() != sizeof(Hash) || proof.size() == kMaxProofHashes) {
      return untrusted_error("a malformed proof");
    }
    proof.push_back(hash_from_bytes(*bytes));
  }
  GW_TRY(const auto reply, tlog::parse_lookup(text));
  GW_TRY(const auto head, tlog::Checkpoint::open(reply.note, key, tlog::kGoLog));
  GW_CHECK(tlog::verify_inclusion(tlog::leaf_hash(reply.record), reply.number, head.size(), proof,
                                  head.root()));
  GW_TRY(const auto sums, tlog::find_sums(reply.record, module, version));
  return Sums{std::string(sums.zip), std::string(sums.gomod)};
}

struct ModuleSums::Asked {
  std::string module;
  std::string version;
  std::optional<Result<Sums>> answer;
};

ModuleSums::ModuleSums(std::unique_ptr<tlog::TileSource> source, tlog::VerifierKey key,
                       std::string directory, const Clock& clock)
    : source_(std::move(source)),
      directory_(std::move(directory)),
      clock_(clock),
      client_(*source_, std::move(key), tlog::kGoLog) {}

Result<Sums> ModuleSums::find_kept(const std::string& module, const std::string& version) const {
  GW_TRY(const std::string name, file_name(module, version));
  GW_TRY(const os::Dir dir, os::Dir::open(directory_));
  GW_TRY(const std::string text, dir.read_file(name, tlog::kMaxLookupBytes));
  return open_kept_proof(text, client_.key(), module, version);
}

Result<Sums> ModuleSums::find(const std::string& module, const std::string& version) {
  // What is wrong with a kept proof does not matter: it is asked for again.
  if (auto kept = find_kept(module, version)) return kept;
  Asked asked{module, version, std::nullopt};
  mutex_.lock();
  waiting_.push_back(&asked);
  while (!asked.answer) {
    if (asking_) {
      answered_.wait(mutex_);
      continue;
    }
    // One asks for all that wait; those that come meanwhile wait for the next round.
    asking_ = true;
    std::vector<Asked*> batch = std::move(waiting_);
    waiting_.clear();
    mutex_.unlock();
    std::vector<Result<Sums>> answers = ask(batch);
    mutex_.lock();
    // Whoever sees an answer goes, and takes its question along.
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i]->answer = std::move(answers[i]);
    asking_ = false;
    answered_.notify_all();
  }
  mutex_.unlock();
  return *std::move(asked.answer);
}

Result<std::string> ModuleSums::zip_sum(const std::string& module, const std::string& version) {
  GW_TRY(Sums sums, find(module, version));
  return std::move(sums.zip);
}

Result<std::string> ModuleSums::gomod_sum(const std::string& module, const std::string& version) {
  GW_TRY(Sums sums, find(module, version));
  return std::move(sums.gomod);
}

namespace {

Status keep(const std::string& directory, const std::string& module, const std::string& version,
            const tlog::VerifiedLookup& lookup) {
  GW_TRY(const std::string name, file_name(module, version));
  GW_TRY(const os::Dir dir, os::Dir::open(directory));
  GW_TRY(os::NewFile file, dir.new_file(0644));
  GW_CHECK(file.write(format_kept_proof(lookup)));
  return file.replace(name);
}

Result<Sums> sums_of(const tlog::VerifiedLookup& lookup, const std::string& module,
                     const std::string& version) {
  GW_TRY(const auto sums, tlog::find_sums(lookup.text(), module, version));
  return Sums{std::string(sums.zip), std::string(sums.gomod)};
}

}  // namespace

// An answer to each. The batch is only read: others may look at it meanwhile.
std::vector<Result<Sums>> ModuleSums::ask(const std::vector<Asked*>& batch) {
  std::vector<std::string> keys;
  keys.reserve(batch.size());
  for (const Asked* asked : batch) keys.push_back(tlog::go_key(asked->module, asked->version));
  Status history = halted_ ? Status(*halted_) : anchor();
  auto lookups = history ? client_.lookup_all(keys) : std::vector<Result<tlog::VerifiedLookup>>();
  for (std::size_t i = 0; history && i < lookups.size(); ++i) {
    // A head that is signed is the log's word, whatever was wrong beside it.
    const tlog::Checkpoint* head = nullptr;
    if (lookups[i]) {
      head = &lookups[i]->head();
    } else if (lookups[i].error().kind == ErrorKind::kUntrusted) {
      head = tlog::find_unshown_head(lookups[i].error());
    }
    if (head != nullptr) history = compare(*head, "with the lookup of " + keys[i]);
  }
  if (history) history = remember();
  // A log that told two histories once is believed in nothing.
  if (!history && history.error().kind == ErrorKind::kUntrusted) halted_ = history.error();
  std::vector<Result<Sums>> answers;
  answers.reserve(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const Asked& asked = *batch[i];
    if (!history) {
      answers.emplace_back(history.error());
      continue;
    }
    if (!lookups[i]) {
      answers.emplace_back(std::move(lookups[i]).error());
      continue;
    }
    answers.push_back(sums_of(*lookups[i], asked.module, asked.version));
    if (!answers.back()) continue;
    if (auto kept = keep(directory_, asked.module, asked.version, *lookups[i]); !kept) {
      answers.back() = std::move(kept).error().in(
          fmt::format("keeping the proof of {} in {}", keys[i], directory_));
    }
  }
  return answers;
}

// ---- one history ----

// Any other head is compared with one that is at least as new as everything that was seen.
Status ModuleSums::anchor() {
  if (newest_) return {};
  GW_TRY(auto latest, client_.fetch_latest());
  newest_ = std::move(latest);
  auto settled = remember();
  if (!settled) newest_.reset();
  return settled;
}

Status ModuleSums::compare(const tlog::Checkpoint& head, const std::string& what) {
  tlog::Checkpoint& newest = *newest_;
  if (head.same_tree(newest)) return {};
  const bool grows = head.size() > newest.size();
  auto found = client_.compare(head, newest);
  const tlog::BadTiles* bad = found ? nullptr : tlog::find_bad_tiles(found.error());
  if (found && !found->fork()) {
    if (grows) newest = head;
    return {};
  }
  if (!found && bad == nullptr) return std::move(found).error();
  tlog::Evidence evidence;
  if (found) {
    const tlog::SeenHead a{what, head.size(), head.note()};
    const tlog::SeenHead b{"the newest head", newest.size(), newest.note()};
    evidence = tlog::fork_evidence(grows ? b : a, grows ? a : b, *found);
  } else {
    evidence.kind = "bad-tile";
    evidence.message = found.error().message;
    evidence.notes = {{what, head.note()}, {"the newest head", newest.note()}};
    evidence.bad_tiles = bad->tiles;
    evidence.tiles = bad->proof;
  }
  const Json document = tlog::evidence_json(evidence, client_.key().format(), clock_.now());
  const auto saved = tlog::save_evidence(document, directory_ + "/evidence", clock_.now());
  return untrusted_error(
      fmt::format("the log {} told two histories: {}; {}", client_.key().name(), evidence.message,
                  saved ? "evidence: " + *saved : saved.error().message),
      "keep the evidence and tell others who use the log");
}

// Compares with the head that an earlier call left, and leaves the larger one.
Status ModuleSums::remember() {
  const std::string path = directory_ + "/head";
  GW_TRY(auto file, tlog::RememberedHead::open(path));
  bool saved = false;
  while (!saved) {
    std::uint64_t size = 0;
    if (file.note()) {
      auto head = tlog::Checkpoint::open(*file.note(), client_.key(), tlog::kGoLog);
      if (!head) {
        return corrupt_error(fmt::format("{}: the remembered head: {}", path, head.error().message),
                             "remove the file to start anew; forks from before will not be seen");
      }
      size = head->size();
      GW_CHECK(compare(*head, "remembered in " + path));
    }
    if (newest_->size() <= size) break;
    GW_TRY(saved, file.save(newest_->note()));
  }
  return {};
}

}  // namespace gw::build
