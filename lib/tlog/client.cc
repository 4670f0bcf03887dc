#include "tlog/client.h"

#include <fmt/format.h>

#include <utility>

#include "tlog/hash.h"
#include "tlog/lookup.h"
#include "tlog/tile_fetch.h"

namespace gw::tlog {

namespace {

constexpr std::size_t kMaxTrees = 8;

// A source's errors name the file, and where it is; what is found in the file does not.
Error about_file(Error error, const std::string& path, const TileSource& source) {
  if (error.message.find(path) != std::string::npos) return error;
  return std::move(error).in(fmt::format("{} of {}", path, source.describe()));
}

}  // namespace

VerifiedRecord VerifiedLookup::record() const {
  const auto subject = head_.format().find_subject(text_);
  if (!subject) return {number_, text_, 0, 0};
  return {number_, text_, static_cast<std::uint32_t>(subject->module.size()),
          static_cast<std::uint32_t>(subject->version.size())};
}

Client::Client(TileSource& source, VerifierKey key, const LogFormat& format)
    : source_(&source),
      ahead_(std::make_unique<TilesAhead>(source)),
      key_(std::move(key)),
      format_(&format) {}

HeadTree& Client::tree(const Checkpoint& head) {
  for (auto it = trees_.begin(); it != trees_.end(); ++it) {
    if (!it->head().same_tree(head)) continue;
    trees_.splice(trees_.begin(), trees_, it);
    return trees_.front();
  }
  if (trees_.size() == kMaxTrees) trees_.pop_back();
  trees_.emplace_front(*ahead_, head);
  return trees_.front();
}

Result<Checkpoint> Client::fetch_latest() {
  const FetchRequest request{"latest", kMaxNoteBytes};
  GW_TRY(auto replies, fetch_all(*source_, {&request, 1}));
  // What is no signed note is no word of the log, but of what is between: a page of an error, a
  // file that was cut. Only one that bears the log's name can fail to verify.
  const auto named = [&](Error error) {
    return about_file(std::move(error), request.path, *source_);
  };
  const auto unavailable = [&](Error error) {
    error.kind = ErrorKind::kUnavailable;
    return named(std::move(error));
  };
  if (!replies[0]) {
    const ErrorKind kind = replies[0].error().kind;
    const bool of_source = kind == ErrorKind::kNotFound || kind == ErrorKind::kUntrusted;
    if (of_source) return unavailable(std::move(replies[0]).error());
    return named(std::move(replies[0]).error());
  }
  if (auto note = parse_note(*replies[0]); !note) return unavailable(std::move(note).error());
  auto head = Checkpoint::open(*replies[0], key_, *format_);
  if (!head) return named(std::move(head).error());
  return head;
}

Result<VerifiedLookup> Client::lookup(std::string_view key) {
  const std::string wanted(key);
  return std::move(lookup_all({&wanted, 1})[0]);
}

// A reply under a good signature, unproven.
struct Client::Answer {
  std::string record;
  std::uint64_t number = 0;
  Checkpoint head;
};

Result<Client::Answer> Client::open(const Result<std::string>& reply) {
  if (!reply) return reply.error();
  GW_TRY(const LookupReply parsed, parse_lookup(*reply));
  GW_TRY(Checkpoint head, Checkpoint::open(parsed.note, key_, *format_));
  return Answer{std::string(parsed.record), parsed.number, std::move(head)};
}

std::vector<Result<VerifiedLookup>> Client::lookup_all(std::span<const std::string> keys) {
  std::vector<Result<std::string>> paths;
  std::vector<FetchRequest> requests;
  for (const std::string& key : keys) {
    paths.push_back(format_->lookup_path(key));
    if (paths.back()) requests.push_back({*paths.back(), kMaxLookupBytes});
  }
  auto replies = fetch_all(*source_, requests);
  std::vector<Result<Answer>> answers;
  std::size_t next = 0;
  for (const auto& path : paths) {
    if (!path) {
      answers.emplace_back(path.error());
    } else if (!replies) {
      answers.emplace_back(replies.error());
    } else {
      auto answer = open(std::exchange((*replies)[next++], std::string()));
      answers.push_back(
          answer ? std::move(answer)
                 : Result<Answer>(about_file(std::move(answer).error(), *path, *source_)));
    }
  }
  if (answers.size() > 1) {
    for (const auto& answer : answers) {
      if (!answer) continue;
      ahead_->plan([&](TileSource& source) {
        (void)HeadTree(source, answer->head).prove_inclusion(answer->number);
      });
    }
    ahead_->fetch_planned();
  }
  std::vector<Result<VerifiedLookup>> out;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!answers[i]) {
      out.emplace_back(std::move(answers[i]).error());
      continue;
    }
    auto proven = prove(keys[i], *answers[i]);
    out.push_back(proven ? std::move(proven)
                         : Result<VerifiedLookup>(
                               about_file(std::move(proven).error(), *paths[i], *source_)));
  }
  ahead_->forget();
  return out;
}

Result<VerifiedLookup> Client::prove(std::string_view key, const Answer& answer) {
  auto proven = prove_under(answer.head, key, answer.number, answer.record);
  if (!proven) return about_head(std::move(proven).error(), answer.head);
  return proven;
}

void Client::prepare_comparisons(std::span<const Checkpoint> smaller, const Checkpoint& larger) {
  std::vector<std::uint64_t> sizes;
  for (const Checkpoint& head : smaller) {
    if (head.size() < larger.size()) sizes.push_back(head.size());
  }
  if (sizes.size() > 1) (void)tree(larger).load_frontiers(sizes);
}

Result<VerifiedLookup> Client::prove_under(const Checkpoint& head, std::string_view key,
                                           std::uint64_t number, std::string_view record) {
  if (number >= head.size()) {
    return untrusted_error(
        fmt::format("record number {} is not below the tree size {}", number, head.size()));
  }
  HeadTree& under = tree(head);
  GW_TRY(auto proof, under.prove_inclusion(number));
  GW_TRY(const Hash entry, under.entry(0, number));
  const Hash leaf = leaf_hash(record);
  if (leaf != entry) {
    return untrusted_error(fmt::format("the record does not hash to entry {} of the log", number));
  }
  GW_CHECK(verify_inclusion(leaf, number, head.size(), proof, head.root()));
  VerifiedLookup out(head, number, std::string(record));
  // The record is authenticated; only now are its lines read.
  GW_CHECK(format_->check_answer(out.text_, key));
  out.proof_ = std::move(proof);
  return out;
}

Result<HeadComparison> Client::compare(const Checkpoint& a, const Checkpoint& b) {
  const Checkpoint& older = a.size() <= b.size() ? a : b;
  const Checkpoint& newer = a.size() <= b.size() ? b : a;
  return compare_history(older.size(), older.root(), tree(newer));
}

Result<HeadComparison> Client::compare(const Frontier& own, const Checkpoint& head) {
  return compare_history(own.size(), own.root(), tree(head));
}

}  // namespace gw::tlog
