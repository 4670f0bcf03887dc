#include "dnsd/query_handler.h"

#include <chrono>

#include "base/metrics.h"

namespace gw::dnsd {

namespace {

RateLimiter::Class class_of(dns::AnswerKind kind) {
  switch (kind) {
    case dns::AnswerKind::kPositive:
    case dns::AnswerKind::kReferral:
    case dns::AnswerKind::kNodata:
      return RateLimiter::Class::kNamed;
    case dns::AnswerKind::kMissing:
      return RateLimiter::Class::kMissing;
    default:
      return RateLimiter::Class::kError;
  }
}

// What the metrics call it.
AnswerEnd end_of(dns::AnswerKind kind) {
  switch (kind) {
    case dns::AnswerKind::kDropped:
      return AnswerEnd::kDropped;
    case dns::AnswerKind::kPositive:
      return AnswerEnd::kPositive;
    case dns::AnswerKind::kNodata:
      return AnswerEnd::kNodata;
    case dns::AnswerKind::kMissing:
      return AnswerEnd::kMissing;
    case dns::AnswerKind::kReferral:
      return AnswerEnd::kReferral;
    case dns::AnswerKind::kRefused:
      return AnswerEnd::kRefused;
    case dns::AnswerKind::kError:
      break;
  }
  return AnswerEnd::kError;
}

template <MetricLabel Label>
constexpr std::size_t index_of(Label value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

QueryHandler::QueryHandler(const Serving& serving)
    : serving_(serving),
      reader_(serving.epochs),
      signer_(serving.signing),
      answerer_(serving.zones, signer_, serving.answer) {}

void QueryHandler::begin_batch() {
  reader_.enter();
  now_us_ = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                           serving_.clock.mono().time_since_epoch())
                                           .count());
  const WallTime now = serving_.clock.now();
  now_s_ = static_cast<std::uint32_t>(to_unix(now));
  signer_.begin(now, now_us_);
}

void QueryHandler::end_batch() {
  reader_.leave();
  for (std::size_t i = 0; i < queries_.size(); ++i) {
    if (queries_[i] == 0) continue;
    metric_add(Metric::kServeQueries, static_cast<QueryTransport>(i), queries_[i]);
  }
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (answers_[i] != 0) metric_add(Metric::kServeAnswers, static_cast<AnswerEnd>(i), answers_[i]);
  }
  if (truncated_ != 0) metric_add(Metric::kServeTruncated, truncated_);
  queries_ = {};
  answers_ = {};
  truncated_ = 0;
}

void QueryHandler::count(const dns::AnswerResult& result) {
  ++answers_[index_of(end_of(result.kind))];
  truncated_ += result.truncated ? 1 : 0;
}

RateLimiter::Verdict QueryHandler::ask_limiter(dns::AnswerKind kind, dns::NameView source) {
  const RateLimiter::Class c = class_of(kind);
  std::string_view name;
  if (c == RateLimiter::Class::kNamed) {
    // The names below a delegation, a DNAME or a wildcard are as free as missing ones.
    name = source.empty() ? answerer_.query().name() : source;
  }
  return serving_.rate_limiter.check(peer_->ip_bytes(), c, name, now_us_);
}

// A good cookie says that the sender is where it says, so that nobody else gets the answer.
bool QueryHandler::may_sign(const dns::SignRequest& request) {
  if (answerer_.has_good_cookie()) return true;
  if (!verdict_) verdict_ = ask_limiter(request.kind, request.source);
  return *verdict_ == RateLimiter::Verdict::kSend;
}

std::size_t QueryHandler::limit(const dns::AnswerResult& result, std::span<char> out) {
  if (answerer_.has_good_cookie()) return result.size;
  switch (verdict_ ? *verdict_ : ask_limiter(result.kind, result.source)) {
    case RateLimiter::Verdict::kSend:
      return result.size;
    case RateLimiter::Verdict::kTruncate:
      // An error is as short as its truncation, and without a question there is nothing to ask
      // again.
      if (class_of(result.kind) == RateLimiter::Class::kError) break;
      metric_add(Metric::kServeLimited, LimitAction::kTruncated);
      // Who knows cookies needs no TCP to show where it is (RFC 7873 5.2.3).
      return answerer_.has_cookie() ? answerer_.answer_bad_cookie(out)
                                    : answerer_.answer_truncated(out);
    case RateLimiter::Verdict::kDrop:
      break;
  }
  metric_add(Metric::kServeLimited, LimitAction::kDropped);
  return 0;
}

dns::Asker QueryHandler::asker(const os::SocketAddress& peer) const {
  return {serving_.cookies == nullptr ? nullptr : serving_.cookies->get(), peer.ip_bytes(), now_s_};
}

std::size_t QueryHandler::answer_udp(std::string_view packet, const os::SocketAddress& peer,
                                     std::span<char> out) {
  ++queries_[index_of(QueryTransport::kUdp)];
  const bool limited =
      serving_.rate_limiter.limits() && (serving_.limit_loopback || !peer.is_loopback());
  peer_ = &peer;
  verdict_.reset();
  signer_.next_query(dns::Transport::kUdp, limited ? this : nullptr);
  const dns::AnswerResult result = answerer_.answer(packet, dns::Transport::kUdp, out, asker(peer));
  count(result);
  if (result.size == 0 || !limited) return result.size;
  return limit(result, out);
}

QueryHandler::TcpAnswer QueryHandler::answer_tcp(std::string_view message,
                                                 const os::SocketAddress& peer, bool may_wait,
                                                 std::span<char> out) {
  signer_.next_query(dns::Transport::kTcp);
  const dns::AnswerResult result =
      answerer_.answer(message, dns::Transport::kTcp, out, asker(peer));
  if (signer_.over_budget() && may_wait) return {0, true};
  ++queries_[index_of(QueryTransport::kTcp)];
  count(result);
  return {result.size, false};
}

}  // namespace gw::dnsd
