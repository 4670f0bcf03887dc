#include "buildd/claims.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <thread>

#include "base/bytes.h"

using namespace gw;
using namespace gw::buildd;

namespace {

constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr std::string_view kRecord =
    "a.b/c v1.0.0 / linux amd64 go1.26.8 7 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n";
constexpr std::string_view kKey = "a.b/c@v1.0.0/linux-amd64-go1.26.8/";

tlog::SignerKey signer(const char* name) {
  return tlog::SignerKey::from_seed(name, std::string(32, name[0])).value();
}

std::string mark_of(const tlog::SignerKey& key, std::string_view record = kRecord,
                    WallTime at = kNow) {
  return encode_base64(key.sign_note(format_hop_text(record, at)));
}

struct Lab {
  FakeClock clock{kNow};
  tlog::SignerKey a = signer("a.example");
  tlog::SignerKey b = signer("b.example");
  Claims claims{{a.verifier(), b.verifier()}, clock};
};

}  // namespace

TEST_CASE("hops: one spelling", "[claims]") {
  const std::string text = format_hop_text(kRecord, kNow);
  const auto hop = parse_hop_text(text);
  REQUIRE(hop);
  CHECK(hop->at == kNow);
  CHECK(hop->record == kRecord);
  for (const std::string& bad :
       {std::string(), text + "x", text.substr(1), "gwtool build hop\n" + std::string(kRecord),
        "gwtool build hop\n01800000000\n" + std::string(kRecord),
        "gwtool build hop\n99999999999999\n" + std::string(kRecord),
        std::string("go.sum database tree\n1\n") + std::string(kRecord)}) {
    CHECK_FALSE(parse_hop_text(bad));
  }
}

TEST_CASE("claims: what counts", "[claims]") {
  Lab lab;
  const std::string good = mark_of(lab.a);
  CHECK(lab.claims.take(kKey, {good}));
  const Claims::Question elsewhere(lab.claims, "a.b/d@v1.0.0/linux-amd64-go1.26.8/", "a.example");
  CHECK(elsewhere.marks().empty());
  CHECK_FALSE(elsewhere.settled().requested());
  const Claims::Question question(lab.claims, std::string(kKey), "a.example");
  CHECK(question.settled().requested());
  CHECK(question.record() == kRecord);
  CHECK(question.marks() == std::vector{good});

  Lab other;
  const auto old = mark_of(other.a, kRecord, kNow - std::chrono::hours(2));
  const auto ahead = mark_of(other.a, kRecord, kNow + std::chrono::hours(2));
  const auto not_hop = encode_base64(other.a.sign_note("hello\n"));
  const std::string long_one(10'000, 'A');
  for (const std::string& bad : {old, ahead, not_hop, long_one, std::string("?")}) {
    CHECK_FALSE(other.claims.take(kKey, {bad}));
  }
  // Of another build than the request's.
  CHECK_FALSE(other.claims.take("a.b/d@v1.0.0/linux-amd64-go1.26.8/", {mark_of(other.a)}));
  const auto marks = [&] {
    return Claims::Question(other.claims, std::string(kKey), "b.example").marks();
  };
  CHECK(marks().empty());
  // One that does not count here may count for whom we ask.
  const auto stranger = mark_of(signer("x.example"));
  CHECK_FALSE(other.claims.take(kKey, {stranger}));
  CHECK(marks() == std::vector{stranger});
  CHECK_FALSE(Claims::Question(other.claims, std::string(kKey), "x.example").record());
  // One of several is enough; a claim is forgotten in time.
  const std::string by_b = mark_of(other.b);
  CHECK(other.claims.take(kKey, {stranger, by_b}));
  CHECK(marks() == std::vector{stranger, by_b});
  other.clock.advance(std::chrono::hours(2));
  CHECK(marks().empty());
}

TEST_CASE("claims: who waits is told", "[claims]") {
  Lab lab;
  const Claims::Question question(lab.claims, std::string(kKey), "b.example");
  const Claims::Question other(lab.claims, std::string(kKey), "a.example");
  CHECK_FALSE(question.settled().requested());
  CHECK_FALSE(question.record());
  const std::string mark = mark_of(lab.b);
  std::thread asker([&] { CHECK(lab.claims.take(kKey, {mark})); });
  CHECK(question.settled().wait_for(std::chrono::minutes(10)));
  asker.join();
  CHECK(question.record() == kRecord);
  // The other one has to be asked again, with that.
  CHECK(other.settled().requested());
  CHECK(other.has_more_marks());
  const Claims::Question again(lab.claims, std::string(kKey), "a.example");
  CHECK(again.marks() == std::vector{mark});
  CHECK_FALSE(again.settled().requested());
  CHECK_FALSE(again.has_more_marks());
  lab.claims.close();
  CHECK(again.settled().requested());
  CHECK_FALSE(other.has_more_marks());
  CHECK_FALSE(other.record());
  // Whoever asks when it is closed need not wait either.
  const Claims::Question late(lab.claims, std::string(kKey), "a.example");
  CHECK(late.settled().requested());
}

TEST_CASE("claims: what anybody can make leaves room for what counts", "[claims]") {
  Lab lab;
  const auto key_of = [](int i) { return fmt::format("x.y/z{}@v1.0.0/linux-amd64-go1.26.8/", i); };
  const auto record_of = [](int i) {
    return fmt::format("x.y/z{} v1.0.0 / linux amd64 go1.26.8 7 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n",
                       i);
  };
  const auto junk = signer("x.example");
  const auto marks = [&](std::string_view key) {
    return Claims::Question(lab.claims, std::string(key), "a.example").marks();
  };
  for (int i = 0; i < 1000; ++i) lab.claims.take(key_of(i), {mark_of(junk, record_of(i))});
  REQUIRE(marks(key_of(999)).size() == 1);
  // Nobody's claim for one more build is dropped, a verifier's is not.
  lab.claims.take(key_of(1000), {mark_of(junk, record_of(1000))});
  CHECK(marks(key_of(1000)).empty());
  CHECK(lab.claims.take(kKey, {mark_of(lab.a)}));
  CHECK(marks(kKey).size() == 1);

  // The same within a build, whose marks fit into one head, with ours.
  Lab one;
  const auto of_one = [&] {
    return Claims::Question(one.claims, std::string(kKey), "b.example").marks();
  };
  for (int i = 0; i < 20; ++i) {
    one.claims.take(kKey, {mark_of(junk, kRecord, kNow - std::chrono::seconds(i))});
  }
  CHECK(of_one().size() == 7);
  const std::string good = mark_of(one.a);
  CHECK(one.claims.take(kKey, {good}));
  CHECK(of_one().size() == 7);
  CHECK(of_one().back() == good);
  // Old ones are not counted.
  one.clock.advance(std::chrono::minutes(90));
  const std::string late = mark_of(junk, kRecord, one.clock.now());
  one.claims.take(kKey, {late});
  CHECK(of_one() == std::vector{late});
  // One that would not fit.
  const std::string path = "a.b/" + std::string(800, 'd');
  const std::string large =
      fmt::format("{} v1.0.0 / linux amd64 go1.26.8 7 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n", path);
  REQUIRE(parse_hop_text(format_hop_text(large, kNow)));
  CHECK_FALSE(one.claims.take(path + "@v1.0.0/linux-amd64-go1.26.8/",
                              {mark_of(one.a, large, one.clock.now())}));
}
