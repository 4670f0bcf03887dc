// Heads to and from others: what the log told us must be what it told them.
#include "base/metrics.h"
#include "follow/follower_impl.h"

namespace gw::follow {
namespace {

constexpr std::size_t kPostsPerRound = 1000;

}  // namespace

// Only a security error is one here: that a mirror is down must not stop following.
Status Follower::Impl::compare_with_others(const Stop& stop, RoundReport& report) {
  if (env.exchange == nullptr) return {};
  for (const std::string& origin : options.compare_latest) {
    if (stop.requested()) return {};
    const auto warn = [&](const Error& e) {
      env.log->warning("head of another not compared", {{"from", origin}, {"reason", e.message}});
    };
    const auto note = env.exchange->fetch(origin);
    if (!note) {
      warn(note.error());
      continue;
    }
    const auto head = tlog::Checkpoint::open(*note, options.key);
    if (!head) {
      warn(head.error());
      continue;
    }
    auto status = consider(*head, origin, stop, report);
    if (status) continue;
    if (halted) return status;
    warn(status.error());
  }
  return {};
}

Status Follower::Impl::deliver_posts() {
  if (env.exchange == nullptr || writer.state().pending_gossip == 0) return {};
  GW_TRY(const auto posts, writer.pending_posts(kPostsPerRound));
  std::set<std::string> down;
  for (const store::PendingPost& post : posts) {
    if (down.contains(post.url)) continue;
    auto status = env.exchange->post(post.url, post.note);
    if (!status) {
      env.log->warning("head not posted",
                       {{"to", post.url}, {"size", post.size}, {"reason", status.error().message}});
      down.insert(post.url);
      continue;
    }
    // Forgotten only after it was taken: a crash in between posts it again.
    GW_CHECK(writer.post_done(post.id));
    env.log->info("head posted", {{"to", post.url}, {"size", post.size}});
  }
  metric_set(Metric::kFollowPosts, static_cast<std::int64_t>(writer.state().pending_gossip));
  return {};
}

}  // namespace gw::follow
