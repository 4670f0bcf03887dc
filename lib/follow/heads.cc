// The rule for heads: older ones must be prefixes of what we hold, equal ones the same, newer ones
// continue it. Nothing is raised here: the error of a head that breaks it carries the proof.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <utility>

#include "follow/follower_impl.h"
#include "follow/held_evidence.h"
#include "follow/own_tiles.h"
#include "tlog/tile.h"

namespace gw::follow {
namespace {

// Heads beyond our tree that the log is asked to show in one round, besides its own.
constexpr std::size_t kAskedAgain = 4;

}  // namespace
// The head aimed at. Precondition: there is one.
Result<tlog::Checkpoint> Follower::Impl::target() const {
  auto head = tlog::Checkpoint::open(writer.state().target->note, options.key, *options.format);
  if (!head) return corrupt_error(options.db + ": the stored head does not verify");
  return head;
}

Status Follower::Impl::consider(const tlog::Checkpoint& head, const std::string& origin,
                                Round& round) {
  round.considered.insert(head.root());
  auto status = apply_rule(head, origin, round);
  GW_CHECK(keep_if_unproven(head, origin, status));
  if (status || tlog::find_bad_tiles(status.error()) == nullptr) return status;
  // The evidence is about this head, though it may be another's tiles that it was compared by.
  auto bad = std::make_shared<tlog::BadTiles>(*tlog::find_bad_tiles(status.error()));
  bad->about = head;
  status.error().detail = std::move(bad);
  return status;
}

// A signed head is never dropped because it could not be compared, whatever the next one is like.
Status Follower::Impl::keep_if_unproven(const tlog::Checkpoint& head, const std::string& origin,
                                        const Status& status) {
  const store::LogState& state = writer.state();
  if (!state.target || (state.target->size == head.size() && state.target->root == head.root())) {
    return {};
  }
  // Under a finished head all below it is known, unless the comparison itself failed.
  if (status && state.position == state.target->size && head.size() <= state.position) return {};
  if (!status && react(State::kStep, event_of(status)) != Action::kNote) return {};
  return writer.keep_unproven(head, origin, env.clock->now());
}

Status Follower::Impl::note_peer(Status status, std::optional<Error>& bad) {
  switch (react(State::kPeer, event_of(status))) {
    case Action::kGoOn:
    case Action::kWarn:
      return {};
    case Action::kNote:
      if (!bad) bad = std::move(status).error();
      return {};
    default:
      return status;
  }
}

// The heads that could not be compared when they were seen: our tree may have got there, or the log
// may show them now.
Status Follower::Impl::settle_unproven(Round& round) {
  if (!writer.state().target || writer.state().position != writer.state().target->size) return {};
  GW_TRY(const auto heads, writer.unproven());
  std::size_t asked = 0;
  std::optional<Error> bad;
  for (const store::UnprovenHead& kept : heads) {
    if (round.stop.requested()) break;
    const auto head = tlog::Checkpoint::open(kept.note, options.key, *options.format);
    if (!head) return corrupt_error(options.db + ": a stored head does not verify");
    if (head->size() > writer.state().position) {
      if (round.considered.contains(head->root()) || ++asked > kAskedAgain) continue;
    }
    auto status = consider(*head, kept.origin, round);
    if (status && head->size() <= writer.state().position) {
      GW_CHECK(writer.forget_unproven(kept.size, kept.root));
      env.log->info("head compared", {{"from", kept.origin}, {"size", kept.size}});
    }
    GW_CHECK(note_peer(std::move(status), bad));
  }
  if (bad) return *std::move(bad);
  return {};
}

Status Follower::Impl::apply_rule(const tlog::Checkpoint& head, const std::string& origin,
                                  Round& round) {
  const auto& held = writer.state().target;
  // A newer one is proven to continue the records held, which must be all that the last one signs.
  if (held && writer.state().position != held->size) return check_for_fork(head, origin);
  if (!held) return consider_first(head, round);
  if (head.size() > held->size) return consider_newer(head, origin, round);
  if (head.size() < held->size) return consider_older(head, origin);
  if (head.root() == held->root) return {};
  return tlog::contradiction_error(equal_size_evidence(*held, head, origin));
}

Result<tlog::Frontier> Follower::Impl::first_frontier(const tlog::Checkpoint& head) {
  std::uint64_t first = 0;
  if (options.from.kind == From::Kind::kTip) first = head.size();
  if (options.from.kind == From::Kind::kRecord) first = options.from.record;
  if (first > head.size()) {
    return usage_error(fmt::format("--from {} is beyond the log's {} records", first, head.size()));
  }
  first -= first % tlog::kTileWidth;
  if (first == 0) return tlog::Frontier();
  return client.tree(head).frontier_at(first);
}

Status Follower::Impl::consider_first(const tlog::Checkpoint& head, Round& round) {
  GW_TRY(const tlog::Frontier from, first_frontier(head));
  tlog::RunFetcher log(source, head, from);
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.fork()) {
    return tlog::bad_tiles_error(
        fmt::format("the tiles of the head of {} records do not give its root", head.size()),
        {head, found.tiles});
  }
  GW_CHECK(writer.set_target(head, env.clock->now(), options.submit_latest, from));
  round.report.new_head = true;
  env.log->info(
      "first head",
      {{"log", head.key_name()}, {"size", head.size()}, {"from", from.size()}, {"db", options.db}});
  GW_CHECK(deliver_posts());
  return take_in(log, round);
}

Status Follower::Impl::consider_newer(const tlog::Checkpoint& head, const std::string& origin,
                                      Round& round) {
  const store::Head held = *writer.state().target;
  tlog::RunFetcher log(source, head, writer.frontier());
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.fork()) {
    GW_TRY(const tlog::Checkpoint aim, target());
    return fork(aim, head, found, Under::kTheirs, origin);
  }
  GW_CHECK(writer.set_target(head, env.clock->now(), options.submit_latest));
  round.report.new_head = true;
  env.log->info("new head", {{"size", head.size()}, {"before", held.size}, {"from", origin}});
  // Before the records: those can take long, and others want to know what we were told.
  GW_CHECK(deliver_posts());
  return take_in(log, round);
}

// What failed may be there to hide that the log is another one now. Every head that can be had
// shows that by tiles of its own; nothing is stored and no other failure counts here.
Status Follower::Impl::check_for_fork(const tlog::Checkpoint& head, const std::string& origin) {
  GW_TRY(const tlog::Checkpoint aim, target());
  const store::Head held = *writer.state().target;
  if (head.size() == held.size) {
    if (head.root() == held.root) return {};
    return tlog::contradiction_error(equal_size_evidence(held, head, origin));
  }
  if (head.size() < held.size) {
    Status status = consider_older(head, origin);
    if (!status && tlog::find_contradiction(status.error()) != nullptr) return status;
  } else {
    const auto found = client.compare(aim, head);
    if (found && found->fork()) {
      return fork(aim, head, *found, Under::kTheirs, origin);
    }
  }
  if (head.size() < writer.state().position) return {};
  // The records held were proven under the head aimed at.
  const auto found = client.compare(writer.frontier(), head);
  if (found && found->fork()) return fork(aim, head, *found, Under::kTheirs, origin);
  return {};
}

// What proves it to others: tiles of both sides, where a signed root does not say it. Those of ours
// come from the database as far as it has them.
Error Follower::Impl::fork(const tlog::Checkpoint& aim, const tlog::Checkpoint& head,
                           const tlog::HeadComparison& found, Under under,
                           const std::string& origin) {
  tlog::Evidence e = fork_evidence(*writer.state().target, head, found, origin);
  std::vector<tlog::TileBytes> theirs = std::exchange(e.tiles, {});
  std::vector<tlog::TileBytes> ours;
  if (under == Under::kOurs) std::swap(ours, theirs);
  if (ours.empty() && found.size < aim.size()) {
    OwnTiles own(writer, source);
    tlog::HeadTree tree(own, aim);
    if (tree.frontier_at(found.size)) {
      ours = tree.evidence(found.size);
    } else {
      // Below a head that was not taken in yet we hold what it signed, and not the way up to it.
      e.missing =
          fmt::format("tiles of the head of {} records for its first {}", aim.size(), found.size);
    }
  }
  // The newer head's first.
  if (aim.size() > head.size()) std::swap(ours, theirs);
  e.tiles = std::move(theirs);
  e.other_tiles = std::move(ours);
  return tlog::contradiction_error(std::move(e));
}

// The tree of an older head at the tile boundary below it, by tiles of its own, against the records
// held: for when the database has no root at its size and the newer head's tiles are not to be had.
Status Follower::Impl::compare_below(const tlog::Checkpoint& aim, const tlog::Checkpoint& head,
                                     const std::string& origin) {
  const std::uint64_t size = head.size() - head.size() % tlog::kTileWidth;
  GW_TRY(const auto own, writer.root_at(size));
  if (!own) return {};
  auto found = tlog::compare_history(size, *own, client.tree(head));
  if (!found || !found->fork()) return {};
  std::swap(found->claimed, found->recomputed);
  return fork(aim, head, *found, Under::kTheirs, origin);
}

Status Follower::Impl::consider_older(const tlog::Checkpoint& head, const std::string& origin) {
  GW_TRY(const tlog::Checkpoint aim, target());
  GW_TRY(const auto known, writer.head(head.size()));
  if (known && known->root == head.root()) return {};
  std::optional<Hash> own;
  if (known) own = known->root;
  if (!own) {
    GW_TRY(own, writer.root_at(head.size()));
  }
  if (own && *own == head.root()) return {};
  // Either it is not to be told from the database, or it is a fork and the tiles are the evidence.
  OwnTiles own_tiles(writer, source);
  tlog::HeadTree tree(own_tiles, aim);
  auto found = tlog::compare_history(head.size(), head.root(), tree);
  if (!found && !own) {
    GW_CHECK(compare_below(aim, head, origin));
    return std::move(found).error();
  }
  if (found && !own && !found->fork()) return {};
  // The database alone shows the fork; what the log says now must not hide it.
  if (own && (!found || found->recomputed != *own)) {
    found = tlog::HeadComparison{tlog::HeadRelation::kFork, head.size(), head.root(), *own, {}};
  }
  Error error = fork(aim, head, *found, Under::kOurs, origin);
  if (!known) return error;
  // Two heads of one size say it all.
  tlog::Evidence e = tlog::find_contradiction(error)->evidence;
  add_note(e, *known);
  return tlog::contradiction_error(std::move(e));
}

}  // namespace gw::follow
