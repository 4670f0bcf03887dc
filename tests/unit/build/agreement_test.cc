#include "build/agreement.h"

#include <catch2/catch.hpp>

#include "support/build/fake_service.h"

using namespace gw;
using namespace gw::build;

namespace {

const Key kAgreedKey{"example.org/svc", "v0.1.0", "/", {"linux", "amd64"}, "go1.26.8", true};

// What a service says that built these bytes.
ServiceAnswer says(const std::string& name, const std::string& bytes) {
  return {name, testing::proven_build(name, kAgreedKey, bytes)};
}

ServiceAnswer fails(const std::string& name, Error error) { return {name, std::move(error)}; }

std::string verdict(const std::vector<ServiceAnswer>& answers, std::size_t wanted) {
  const auto agreed = find_agreement(answers, wanted);
  if (!agreed) {
    return std::string(error_kind_name(agreed.error().kind)) + " " + agreed.error().message;
  }
  std::string out = agreed->build.sum() == format_binary_sum(sha256("good")) ? "good" : "other";
  for (const std::size_t i : agreed->by) out += " " + answers[i].name;
  for (const std::string& warning : agreed->warnings) out += "; " + warning;
  return out;
}

}  // namespace

TEST_CASE("agreement: so many must say the same") {
  const auto a = says("a.test", "good");
  const auto b = says("b.test", "good");
  const auto c = says("c.test", "good");
  const auto bad = says("bad.test", "evil");
  const auto down = fails("down.test", unavailable_error("no route"));
  const auto none = fails("none.test", not_found_error("cannot be built"));
  CHECK(verdict({a}, 1) == "good a.test");
  CHECK(verdict({a, b, c}, 3) == "good a.test b.test c.test");
  CHECK(verdict({a, down, b}, 2) == "good a.test b.test; asking down.test: no route");
  CHECK(verdict({none, a, b}, 2) == "good a.test b.test; asking none.test: cannot be built");
  CHECK(verdict({a, down}, 2) == "unavailable asking down.test: no route");
  CHECK(verdict({none}, 1) == "not_found asking none.test: cannot be built");
  const std::string differs = "bad.test has another record: 4 bytes, " +
                              format_binary_sum(sha256("evil")) + "; a.test has 4 bytes, " +
                              format_binary_sum(sha256("good"));
  CHECK(verdict({a, b, bad}, 2) == "good a.test b.test; " + differs);
  CHECK(verdict({a, b, bad}, 3) == "untrusted " + differs);
  // As many say another thing: nobody knows who is right.
  CHECK(verdict({a, bad}, 1).starts_with("untrusted "));
  CHECK(verdict({a, b, bad}, 1).starts_with("untrusted "));
  CHECK(verdict({}, 1).starts_with("internal "));
}

TEST_CASE("agreement: a service that is proven a liar stops all") {
  const auto a = says("a.test", "good");
  const auto b = says("b.test", "good");
  const auto liar = fails("liar.test", untrusted_error("another history"));
  const auto down = fails("down.test", unavailable_error("no route"));
  CHECK(verdict({a, liar, b}, 2) == "untrusted asking liar.test: another history");
  CHECK(verdict({down, liar, a}, 1) == "untrusted asking liar.test: another history");
  CHECK(verdict({liar, down, a}, 1) == "untrusted asking liar.test: another history");
}

TEST_CASE("agreement: how services and their number are written") {
  CHECK(parse_servers("2/3").value() == std::pair<std::size_t, std::size_t>(2, 3));
  CHECK(parse_servers("1/1"));
  for (const char* bad : {"", "2", "/3", "2/", "0/3", "4/3", "1/101", "a/b", "-1/2", "1/2/3"}) {
    INFO(bad);
    const auto servers = parse_servers(bad);
    REQUIRE_FALSE(servers);
    CHECK(servers.error().kind == ErrorKind::kUsage);
  }
  const auto plain = split_build_service("b.test+01234567+AAAA=");
  CHECK(plain.key == "b.test+01234567+AAAA=");
  CHECK(plain.source.empty());
  const auto with = split_build_service("b.test+01234567+AAAA==https://b.test/x");
  CHECK(with.key == "b.test+01234567+AAAA=");
  CHECK(with.source == "https://b.test/x");
  CHECK(split_build_service("b.test+01234567+AA=/srv/log").source == "/srv/log");
}

TEST_CASE("one build service counts once, whatever it is called and wherever it is") {
  const auto key = [](const char* name, const char* seed) {
    return tlog::SignerKey::from_seed(name, as_bytes(sha256(seed))).value().verifier().format();
  };
  const std::string a = key("a.example", "1");
  CHECK(check_different({}));
  CHECK(check_different({{a, ""}, {key("b.example", "2"), ""}}));
  for (const std::string& same : {a, key("a.example", "3"), key("other.example", "1")}) {
    const Status s = check_different({{a, ""}, {same, "https://mirror.example"}});
    REQUIRE(!s);
    CHECK(s.error().kind == ErrorKind::kUsage);
    CHECK(s.error().message.find("is named twice") != std::string::npos);
  }
}
