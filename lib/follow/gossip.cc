// Heads to and from others: what the log told us must be what it told them.
#include <algorithm>
#include <limits>

#include "base/metrics.h"
#include "follow/follower_impl.h"
#include "net/http.h"
#include "net/http_url.h"

namespace gw::follow {
namespace {

constexpr std::size_t kPostsPerRound = 1000;  // to each address

}  // namespace

// That a mirror is down must not stop following. But a signed head that the log's tiles do not give
// is what a split view looks like from here: it counts as a bad tile does, and lasting it is an
// alarm.
Status Follower::Impl::compare_with_others(Round& round) {
  if (env.exchange == nullptr) return {};
  std::optional<Error> bad;
  for (const std::string& origin : options.compare_latest) {
    if (round.stop.requested()) return {};
    const std::string from = net::redact_url(origin);
    const auto warn = [&](const Error& e) {
      metric_add(Metric::kFollowCompares, e.kind == ErrorKind::kUntrusted
                                              ? CompareResult::kUntrusted
                                              : CompareResult::kUnavailable);
      env.log->warning("head of another not compared", {{"from", from}, {"reason", e.message}});
    };
    const auto note = env.exchange->fetch(origin);
    if (!note) {
      warn(note.error());
      continue;
    }
    const auto head = tlog::Checkpoint::open(*note, options.key, *options.format);
    if (!head) {
      warn(head.error());
      continue;
    }
    auto status = consider(*head, from, round);
    if (status) {
      metric_add(Metric::kFollowCompares, CompareResult::kSame);
      continue;
    }
    warn(status.error());
    GW_CHECK(note_peer(std::move(status), bad));
  }
  if (!bad) return {};
  return *std::move(bad);
}

Status forget_posts(store::Writer& writer, std::span<const std::string> wanted, const Logger& log) {
  if (wanted.empty() || writer.state().pending_gossip == 0) return {};
  struct Unsent {
    std::uint64_t posts = 0, first = 0, last = 0;
  };
  std::map<std::string, Unsent> given_up;
  GW_TRY(const auto posts, writer.pending_posts(std::numeric_limits<std::int64_t>::max()));
  for (const store::PendingPost& post : posts) {
    if (std::find(wanted.begin(), wanted.end(), post.url) != wanted.end()) continue;
    Unsent& u = given_up[post.url];
    if (u.posts++ == 0) u.first = post.size;
    u.last = post.size;
  }
  // Said before it is done: rather twice than never.
  for (const auto& [url, u] : given_up) {
    log.warning("heads never posted: the address is not given any more",
                {{"to", net::redact_url(url)},
                 {"heads", u.posts},
                 {"first_size", u.first},
                 {"last_size", u.last}});
  }
  if (!given_up.empty()) GW_CHECK(writer.forget_posts(wanted));
  return {};
}

Status Follower::Impl::deliver_posts() {
  if (env.exchange == nullptr || writer.state().pending_gossip == 0) return {};
  // What earlier runs left stays for a run that is given its addresses again.
  if (options.submit_latest.empty()) return {};
  GW_TRY(const auto posts, writer.pending_posts(kPostsPerRound));
  for (const store::PendingPost& post : posts) {
    if (down.contains(post.url)) continue;
    const std::string to = net::redact_url(post.url);
    auto status = env.exchange->post(post.url, post.note);
    if (!status) {
      env.log->warning("head not posted",
                       {{"to", to}, {"size", post.size}, {"reason", status.error().message}});
      down.insert(post.url);
      continue;
    }
    // Forgotten only after it was taken: a crash in between posts it again.
    GW_CHECK(writer.post_done(post.id));
    env.log->info("head posted", {{"to", to}, {"size", post.size}});
  }
  metric_set(Metric::kFollowPosts, static_cast<std::int64_t>(writer.state().pending_gossip));
  return {};
}

}  // namespace gw::follow
