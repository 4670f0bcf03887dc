#include "dnsd/query_handler.h"

#include <catch2/catch.hpp>

#include "base/metrics.h"
#include "dns/types.h"
#include "support/dnsd/served_apex.h"

namespace gw::dnsd {
namespace {

constexpr unsigned kTc = 0x02;  // in the third octet

struct Lab : ServedApex {
  explicit Lab(std::uint32_t rate = 0) : ServedApex({.rate = rate}) {}

  QueryHandler handler{serving};
  std::array<char, 65535> out;

  // The answer to one query in a batch of its own; empty when none is sent.
  std::string udp(const std::string& query, const char* peer) {
    const auto from = *os::SocketAddress::parse(peer);
    handler.begin_batch();
    const std::size_t n = handler.answer_udp(query, from, out);
    handler.end_batch();
    return {out.data(), n};
  }
  QueryHandler::TcpAnswer tcp(const std::string& query, bool may_wait) {
    handler.begin_batch();
    const auto answer =
        handler.answer_tcp(query, *os::SocketAddress::parse("192.0.2.1:4000"), may_wait, out);
    handler.end_batch();
    return answer;
  }
  unsigned rcode() const { return static_cast<unsigned char>(out[3]) & 15U; }
};

// How much a metric has grown since.
class Growth {
 public:
  explicit Growth(Metric metric) : metric_(metric), before_(metric_total(metric)) {}
  std::int64_t operator()() const { return metric_total(metric_) - before_; }

 private:
  Metric metric_;
  std::int64_t before_;
};

TEST_CASE("queries are answered, and counted once their batch is over") {
  Lab lab;
  const Growth queries(Metric::kServeQueries);
  const Growth answers(Metric::kServeAnswers);
  lab.handler.begin_batch();
  const auto peer = *os::SocketAddress::parse("192.0.2.1:4000");
  const std::size_t n =
      lab.handler.answer_udp(apex_query(0xabcd, dns::rrtype::kSoa), peer, lab.out);
  REQUIRE(n > 12);
  CHECK(std::string(lab.out.data(), 2) == "\xab\xcd");
  CHECK(lab.rcode() == 0);
  CHECK(lab.handler.answer_udp("short", peer, lab.out) == 0);
  CHECK(queries() == 0);
  lab.handler.end_batch();
  CHECK(queries() == 2);
  CHECK(answers() == 2);  // what was dropped is an end, too
  lab.handler.begin_batch();
  lab.handler.end_batch();
  CHECK(queries() == 2);
}

TEST_CASE("over its network's rate every second answer is truncated, the others are dropped") {
  Lab lab(1);
  const std::string query = apex_query(1, dns::rrtype::kNs);
  const Growth limited(Metric::kServeLimited);
  unsigned whole = 0;
  unsigned truncated = 0;
  unsigned dropped = 0;
  for (int i = 0; i < 200; ++i) {
    // One network, many addresses.
    const std::string answer = lab.udp(query, i % 2 == 0 ? "192.0.2.1:4000" : "192.0.2.9:53");
    if (answer.empty()) {
      ++dropped;
    } else if ((static_cast<unsigned char>(answer[2]) & kTc) != 0) {
      ++truncated;
      CHECK(answer.size() == query.size());  // nothing but the question
    } else {
      ++whole;
    }
  }
  CHECK(whole > 0);
  CHECK(whole < 20);
  CHECK(limited() == truncated + dropped);
  CHECK(truncated + 1 >= dropped);
  CHECK(truncated <= dropped + 1);
  CHECK_FALSE(lab.udp(query, "198.51.100.1:4000").empty());  // another network
  lab.clock.advance(std::chrono::seconds(60));
  const std::string later = lab.udp(query, "192.0.2.1:4000");
  REQUIRE_FALSE(later.empty());
  CHECK((static_cast<unsigned char>(later[2]) & kTc) == 0);
}

TEST_CASE("loopback is limited only where a limit was asked for, TCP never") {
  Lab lab(1);
  const std::string query = apex_query(1, dns::rrtype::kNs);
  for (int i = 0; i < 200; ++i) {
    CHECK_FALSE(lab.udp(query, "127.0.0.1:4000").empty());
    CHECK_FALSE(lab.udp(query, "[::1]:4000").empty());
    CHECK(lab.tcp(query, false).size != 0);
  }
  ServedApex strict({.rate = 1});
  strict.serving.limit_loopback = true;
  QueryHandler handler(strict.serving);
  const auto peer = *os::SocketAddress::parse("127.0.0.1:4000");
  std::array<char, 1232> out;
  unsigned dropped = 0;
  handler.begin_batch();
  for (int i = 0; i < 200; ++i) dropped += handler.answer_udp(query, peer, out) == 0 ? 1 : 0;
  handler.end_batch();
  CHECK(dropped > 50);
}

TEST_CASE("an answer that will not be sent is not signed first") {
  Lab lab(1);
  lab.signing.set_rates(0, 0);  // as many signatures as anybody wants
  const Growth signatures(Metric::kServeSignatures);
  // Each missing name needs a signature of its own.
  const auto missing = [](int i) {
    std::string q =
        u16(1) + u16(0) + u16(1) + u16(0) + u16(0) + u16(1) + "\3x" + std::to_string(10 + i % 90);
    return q + kApex + u16(dns::rrtype::kTxt) + u16(1) +
           std::string("\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11);
  };
  unsigned whole = 0;
  for (int i = 0; i < 90; ++i) {
    const std::string answer = lab.udp(missing(i), "192.0.2.1:4000");
    whole += !answer.empty() && (static_cast<unsigned char>(answer[2]) & kTc) == 0 ? 1 : 0;
  }
  CHECK(whole > 0);
  CHECK(whole < 20);
  CHECK(signatures() <= 2 * whole + 2);  // NSEC and SOA of each that is sent
}

TEST_CASE("over the signing budget TCP may wait, and nothing is counted until it is answered") {
  Lab lab;  // one signature a second
  CHECK(lab.tcp(apex_query(1, dns::rrtype::kSoa, true), true).size != 0);
  const Growth queries(Metric::kServeQueries);
  const std::string second = apex_query(2, dns::rrtype::kNs, true);
  const auto waits = lab.tcp(second, true);
  CHECK(waits.try_later);
  CHECK(waits.size == 0);
  CHECK(queries() == 0);
  const auto failed = lab.tcp(second, false);
  CHECK_FALSE(failed.try_later);
  CHECK(failed.size != 0);
  CHECK(lab.rcode() == 2);  // SERVFAIL
  CHECK(queries() == 1);
  // What needs none is answered meanwhile.
  CHECK(lab.tcp(apex_query(3, dns::rrtype::kTxt), true).size != 0);
  CHECK(lab.rcode() == 0);
  lab.clock.advance(std::chrono::seconds(5));
  const auto later = lab.tcp(second, true);
  CHECK_FALSE(later.try_later);
  CHECK(later.size != 0);
  CHECK(lab.rcode() == 0);
}

}  // namespace
}  // namespace gw::dnsd
