// One worker's way from a query's bytes to the answer's bytes, the same for UDP and TCP.
//
// It joins the reader section of the zones, the worker's signer, the rate limit and the counting,
// so that the transports only move bytes. Counters are kept here and added to the metrics once a
// batch. Belongs to one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/metrics_table.h"
#include "dns/answer.h"
#include "dnsd/epochs.h"
#include "dnsd/online_signer.h"
#include "dnsd/published.h"
#include "dnsd/rate_limit.h"
#include "os/address.h"

namespace gw::dnsd {

// What all workers share; outlives them.
struct Serving {
  Epochs& epochs;
  const dns::ZoneSet& zones;
  SigningContext& signing;
  RateLimiter& rate_limiter;
  bool limit_loopback = false;  // whether the rate limit holds for 127.0.0.0/8 and ::1 too
  dns::AnswerOptions answer;
  const Clock& clock;
  const Published<const dns::CookieSecrets>* cookies = nullptr;  // none: cookies are passed over
};

class QueryHandler : private SignGate {
 public:
  explicit QueryHandler(const Serving& serving);

  // Brackets the queries that arrived together: what the answers view stays valid in between.
  void begin_batch();
  void end_batch();

  // The size of the response in `out` (at least max(512, max_udp_size) bytes); 0: send none.
  std::size_t answer_udp(std::string_view packet, const os::SocketAddress& peer,
                         std::span<char> out);

  struct TcpAnswer {
    std::size_t size = 0;    // 0: send none
    bool try_later = false;  // nothing was done: over the signing budget
  };
  // `out`: at least 65535 bytes. With `may_wait` an answer that cannot be signed now is put off
  // rather than failed.
  TcpAnswer answer_tcp(std::string_view message, const os::SocketAddress& peer, bool may_wait,
                       std::span<char> out);

 private:
  dns::Asker asker(const os::SocketAddress& peer) const;
  bool may_sign(const dns::SignRequest& request) override;
  RateLimiter::Verdict ask_limiter(dns::AnswerKind kind, dns::NameView source);
  std::size_t limit(const dns::AnswerResult& result, std::span<char> out);
  void count(const dns::AnswerResult& result);

  const Serving& serving_;
  Epochs::Reader reader_;
  OnlineSigner signer_;
  dns::Answerer answerer_;
  std::uint64_t now_us_ = 0;
  std::uint32_t now_s_ = 0;                      // of the calendar, for cookies
  const os::SocketAddress* peer_ = nullptr;      // of the query at hand
  std::optional<RateLimiter::Verdict> verdict_;  // about its answer, asked for once
  std::array<std::uint32_t, kLabelTexts<QueryTransport>.size()> queries_{};
  std::array<std::uint32_t, kLabelTexts<AnswerEnd>.size()> answers_{};
  std::uint32_t truncated_ = 0;
};

}  // namespace gw::dnsd
