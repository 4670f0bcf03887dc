// The rule for heads: older ones must be prefixes of what we hold, equal ones the same, newer ones
// continue it. Nothing is raised here: the error of a head that breaks it carries the proof.
#include <fmt/format.h>

#include <memory>

#include "follow/follower_impl.h"
#include "tlog/tile.h"

namespace gw::follow {
// The head aimed at. Precondition: there is one.
Result<tlog::Checkpoint> Follower::Impl::target() const {
  auto head = tlog::Checkpoint::open(writer.state().target->note, options.key, *options.format);
  if (!head) return corrupt_error(options.db + ": the stored head does not verify");
  return head;
}

Status Follower::Impl::consider(const tlog::Checkpoint& head, const std::string& origin,
                                Round& round) {
  auto status = apply_rule(head, origin, round);
  if (status || tlog::find_bad_tiles(status.error()) == nullptr) return status;
  // The evidence is about this head, though it may be another's tiles that it was compared by.
  auto bad = std::make_shared<tlog::BadTiles>(*tlog::find_bad_tiles(status.error()));
  bad->head = head;
  status.error().detail = std::move(bad);
  return status;
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
  tlog::Follower log(source, head, from);
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
  tlog::Follower log(source, head, writer.frontier());
  GW_TRY(const tlog::HeadComparison found, log.start());
  if (found.fork()) {
    return tlog::contradiction_error(fork_evidence(held, head, found, origin));
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
      return tlog::contradiction_error(fork_evidence(held, head, *found, origin));
    }
  }
  if (head.size() < writer.state().position) return {};
  // The records held were proven under the head aimed at.
  const auto found = client.compare(writer.frontier(), head);
  if (found && found->fork()) {
    return tlog::contradiction_error(fork_evidence(held, head, *found, origin));
  }
  return {};
}

// The tree of an older head at the tile boundary below it, by tiles of its own, against the records
// held: for when the database has no root at its size and the newer head's tiles are not to be had.
Status Follower::Impl::compare_below(const tlog::Checkpoint& head, const std::string& origin) {
  const std::uint64_t size = head.size() - head.size() % tlog::kTileWidth;
  GW_TRY(const auto own, writer.root_at(size));
  if (!own) return {};
  const auto found = tlog::compare_history(size, *own, client.tree(head));
  if (!found || !found->fork()) return {};
  return tlog::contradiction_error(fork_evidence(*writer.state().target, head, *found, origin));
}

Status Follower::Impl::consider_older(const tlog::Checkpoint& head, const std::string& origin) {
  const store::Head held = *writer.state().target;
  GW_TRY(const auto known, writer.head(head.size()));
  std::optional<Hash> own;
  if (known) own = known->root;
  if (!own) {
    GW_TRY(own, writer.root_at(head.size()));
  }
  if (own && *own == head.root()) return {};
  // Either it is not to be told from the database, or it is a fork and the tiles are the evidence.
  GW_TRY(const tlog::Checkpoint aim, target());
  auto found = client.compare(head, aim);
  if (!found) {
    if (!own) {
      GW_CHECK(compare_below(head, origin));
      return std::move(found).error();
    }
    // The database alone shows the fork; what the log says now must not hide it.
    found = tlog::HeadComparison{tlog::HeadRelation::kFork, head.size(), head.root(), *own, {}};
  }
  if (own) found->relation = tlog::HeadRelation::kFork;
  if (!found->fork()) return {};
  found->claimed = head.root();
  if (own) found->recomputed = *own;
  return tlog::contradiction_error(fork_evidence(held, head, *found, origin));
}

}  // namespace gw::follow
