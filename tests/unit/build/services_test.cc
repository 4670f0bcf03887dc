#include "build/services.h"

#include <catch2/catch.hpp>
#include <memory>

#include "build/binary_claim.h"
#include "support/build/fake_service.h"

using namespace gw;
using namespace gw::build;
using gw::testing::FakeService;

namespace {

const Key kServedKey{"example.org/svc", "v0.1.0", "/", {"linux", "amd64"}, "go1.26.8", false};

// Services a.test, b.test, ... that are asked together, and what was told of them.
struct ServiceLab {
  explicit ServiceLab(std::size_t count, std::size_t wanted) {
    for (std::size_t i = 0; i < count; ++i) {
      auto fake =
          std::make_unique<FakeService>(std::string(1, static_cast<char>('a' + i)) + ".test");
      fakes.push_back(fake.get());
      services.all.push_back(std::move(fake));
    }
    services.wanted = wanted;
  }
  FakeService& operator[](std::size_t i) { return *fakes[i]; }
  Warn warn() {
    return [this](const std::string& message) { warnings.push_back(message); };
  }
  // Whose answer is the first, or why there is none.
  std::string first() {
    const auto found = first_answer(
        services, [](BuildService& service) { return service.find(kServedKey); }, warn());
    if (found) return std::to_string(found->by);
    return std::string(error_kind_name(found.error().kind)) + " " + found.error().message;
  }
  std::vector<FakeService*> fakes;
  Services services;
  std::vector<std::string> warnings;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("services: the first that knows, and who may fail", "[services]") {
  ServiceLab lab(3, 2);
  lab[2].put(kServedKey, "good");
  SECTION("one may be down, or have nothing, and is told of") {
    lab[0].fail(kServedKey, unavailable_error("no route"));
    lab[1].put(kServedKey, "good");
    CHECK(lab.first() == "1");
    CHECK(lab.warnings == Texts{"asking a.test: no route"});
    CHECK(lab[2].asked.empty());
  }
  SECTION("two may not, though the third one knows") {
    lab[0].fail(kServedKey, unavailable_error("no route"));
    lab[1].fail(kServedKey, unavailable_error("no room"));
    CHECK(lab.first() == "unavailable no room");
    CHECK(lab[2].asked.empty());
  }
  SECTION("what none has, the first one says") {
    lab[0].fail(kServedKey, not_found_error("cannot be built"));
    lab[1].fail(kServedKey, not_found_error("no such module"));
    CHECK(lab.first() == "not_found cannot be built");
  }
  SECTION("an answer that is not proven is an error, and nobody else is asked") {
    lab[0].fail(kServedKey, untrusted_error("another history"));
    lab[1].put(kServedKey, "good");
    CHECK(lab.first() == "untrusted another history");
    CHECK(lab[1].asked.empty());
    CHECK(lab.warnings.empty());
  }
  SECTION("so is what is wrong with the call") {
    lab[0].fail(kServedKey, usage_error("exists already"));
    CHECK(lab.first() == "usage exists already");
    CHECK(lab[1].asked.empty());
  }
  SECTION("where all are wanted, none may fail") {
    lab.services.wanted = 3;
    CHECK(lab.first().starts_with("not_found "));
    CHECK(lab[1].asked.empty());
  }
}

TEST_CASE("services: enough must say the same, each in its own words", "[services]") {
  ServiceLab lab(3, 2);
  for (std::size_t i = 0; i < 3; ++i) lab[i].put(kServedKey, "good");
  const auto agreed = [&](std::size_t from) {
    return agree(lab.services, {lab[from].find(kServedKey).value(), from}, lab.warn());
  };
  SECTION("who answered first is not asked again") {
    const Agreed all = agreed(1).value();
    CHECK(all.by.size() == 3);
    CHECK(lab[0].asked.size() == 1);
    CHECK(lab[1].asked.size() == 1);  // by this test
    CHECK(lab[2].asked.size() == 1);
  }
  SECTION("one that says something else is told of") {
    lab[2].put(kServedKey, "evil");
    const Agreed two = agreed(0).value();
    CHECK(two.build.sum() == format_binary_sum(sha256("good")));
    REQUIRE(two.by.size() == 2);
    CHECK(two.by[1]->name() == "b.test");
    REQUIRE(lab.warnings.size() == 1);
    CHECK(lab.warnings[0].starts_with("c.test has another record: "));
  }
  SECTION("two others may agree on another record") {
    lab[0].put(kServedKey, "evil");
    const Agreed two = agreed(0).value();
    CHECK(two.build.sum() == format_binary_sum(sha256("good")));
    CHECK(two.by[0]->name() == "b.test");
  }
  SECTION("too few") {
    lab[1].put(kServedKey, "evil");
    lab[2].fail(kServedKey, unavailable_error("no route"));
    CHECK(agreed(0).error().kind == ErrorKind::kUntrusted);
  }
  SECTION("one that is not proven") {
    lab[2].fail(kServedKey, untrusted_error("another history"));
    CHECK(agreed(0).error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("services: the bytes, from the first one that has them", "[services]") {
  ServiceLab lab(2, 2);
  lab[0].put(kServedKey, "good");
  lab[1].put(kServedKey, "good");
  const Agreed agreed{lab[0].find(kServedKey).value(), {&lab[0], &lab[1]}};
  CHECK(fetch_agreed(agreed).value() == "good");
  lab[0].send(unavailable_error("no route"));
  CHECK(fetch_agreed(agreed).value() == "good");
  lab[1].send(not_found_error("not kept"));
  CHECK(fetch_agreed(agreed).error().message == "not kept");
  // Other bytes than it has logged: nobody else makes that good.
  lab[0].send(untrusted_error("other bytes"));
  lab[1].send(std::string("good"));
  CHECK(fetch_agreed(agreed).error().message == "a.test: other bytes");
  CHECK(fetch_agreed(agreed).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("services: what is claimed is compared with what enough say", "[services]") {
  ServiceLab lab(3, 2);
  for (std::size_t i = 0; i < 3; ++i) lab[i].put(kServedKey, "good");
  const std::string sum = format_binary_sum(sha256("good"));
  const auto verdict = [&](const BinaryClaim& claim) {
    const auto agreed = verify_claim(lab.services, claim, lab.warn());
    return agreed ? std::string("good") : agreed.error().message;
  };
  CHECK(verdict({kServedKey, std::nullopt, ""}) == "good");
  CHECK(verdict({kServedKey, std::nullopt, sum}) == "good");
  CHECK(verdict({kServedKey, 4, sum}) == "good");
  const std::string other = format_binary_sum(sha256("evil"));
  CHECK(verdict({kServedKey, std::nullopt, other}) ==
        "the sum is " + other + "; the log of a.test has " + sum);
  CHECK(verdict({kServedKey, 5, sum}) == "it has 5 bytes; the log of a.test has 4");
  // The first one alone says what the file is.
  lab[0].put(kServedKey, "evil");
  CHECK(verdict({kServedKey, std::nullopt, other}) ==
        "the sum is " + other + "; the log of b.test has " + sum);
}
