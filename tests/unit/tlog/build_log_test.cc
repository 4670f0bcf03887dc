// A build service's log: its records and keys, and that it is verified as any log is.
#include "tlog/build_log.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "support/tlog/test_log.h"
#include "tlog/client.h"
#include "tlog/hash.h"
#include "tlog/lookup.h"
#include "tlog/run_fetcher.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::TestLog;

namespace {

const std::string kSum = "0zkPWcxWmiWHZYW2QX4N5VurqP4g";
const std::string kHello =
    "example.test/hello v0.1.0 / linux amd64 go1.26.10 2538672 " + kSum + " \n";
const std::string kHelloKey = "example.test/hello@v0.1.0/linux-amd64-go1.26.10/";

std::string changed(std::string_view from, std::string_view to) {
  std::string text = kHello;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string record_of(std::uint64_t n) {
  return format_build_record(
      {{"example.test/m" + std::to_string(n % 7), "v1.0." + std::to_string(n), "/cmd/x", "linux",
        n % 2 == 0 ? "amd64" : "arm64", "go1.26.8", n % 3 == 0},
       n,
       kSum});
}

}  // namespace

TEST_CASE("a build's record and key, both ways") {
  const auto r = parse_build_record(kHello);
  REQUIRE(r);
  CHECK(r->target ==
        BuildTarget{"example.test/hello", "v0.1.0", "/", "linux", "amd64", "go1.26.10", false});
  CHECK(r->size == 2538672);
  CHECK(r->sum == kSum);
  CHECK(format_build_record(*r) == kHello);
  CHECK(format_build_key(r->target) == kHelloKey);
  CHECK(kBuildLog.key_of(kHello) == kHelloKey);
  CHECK(kBuildLog.lookup_path(kHelloKey).value() == "lookup/" + kHelloKey);
  const auto subject = kBuildLog.find_subject(kHello);
  REQUIRE(subject);
  CHECK(
      kHello.starts_with(std::string(subject->module) + " " + std::string(subject->version) + " "));

  const std::string stripped = changed(kSum + " ", kSum + " stripped");
  CHECK(kBuildLog.key_of(stripped) == "example.test/hello@v0.1.0/linux-amd64-go1.26.10-stripped/");
  const std::string below = changed(" / ", " /cmd/b+c ");
  CHECK(kBuildLog.key_of(below) == "example.test/hello@v0.1.0/cmd/b+c/linux-amd64-go1.26.10/");
  for (const std::string& text : {kHello, stripped, below}) {
    const std::string key = kBuildLog.key_of(text);
    const auto target = parse_build_key(key);
    REQUIRE(target);
    CHECK(*target == parse_build_record(text)->target);
    CHECK(kBuildLog.check_answer(text, key));
  }
  CHECK(kBuildLog.check_answer(kHello, kBuildLog.key_of(stripped)).error().kind ==
        ErrorKind::kUntrusted);
  CHECK(kBuildLog.check_answer("odd\n", kHelloKey).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("records that are not those of builds") {
  const std::string bad[] = {
      "",
      "\n",
      kHello.substr(0, kHello.size() - 1),
      kHello.substr(0, kHello.size() - 2) + "\n",
      kHello + "\n",
      kHello + kHello,
      changed(" / ", "  / "),
      changed(" / ", " cmd "),
      changed(" / ", " /cmd/ "),
      changed(" / ", " //cmd "),
      changed(" / ", " /../cmd "),
      changed(" / ", " /. "),
      changed("example.test/hello", "hello"),
      changed("example.test/hello", "example.test/hello/v1"),
      changed("example.test/hello", "example.test/hell@"),
      changed("v0.1.0", "v0/1.0"),
      changed("v0.1.0", ""),
      changed("linux", "Linux"),
      changed("amd64", "amd-64"),
      changed("amd64", ""),
      changed("go1.26.10", "1.26.10"),
      changed("go1.26.10", "go1.12.1"),
      changed("go1.26.10", "go1.22"),
      changed("go1.26.10", "go1.20.0"),
      changed("2538672", "02538672"),
      changed("2538672", "-1"),
      changed("2538672", ""),
      changed(kSum, kSum.substr(1)),
      changed(kSum, "1" + kSum.substr(1)),
      changed(kSum, kSum.substr(0, 27) + "h"),
      changed(kSum, kSum.substr(0, 26) + "+g"),
      changed(kSum + " ", kSum + " other"),
      changed(kSum + " ", kSum + "  "),
  };
  for (const std::string& text : bad) {
    INFO(text);
    CHECK_FALSE(parse_build_record(text));
    CHECK_FALSE(kBuildLog.find_subject(text));
    CHECK(kBuildLog.key_of(text).empty());
  }
  for (const char* good :
       {"go1.13", "go1.20", "go1.20.1", "go1.21.0", "go1.22rc1", "go1.17beta2"}) {
    CHECK(parse_build_record(changed("go1.26.10", good)));
  }
}

TEST_CASE("keys that are none") {
  for (const char* key :
       {"", "/", "example.test/hello", "example.test/hello@v0.1.0/linux-amd64-go1.26.10",
        "example.test/hello@v0.1.0/", "example.test/hello@v0.1.0/linux-amd64/",
        "example.test/hello@v0.1.0//linux-amd64-go1.26.10/",
        "example.test/hello@v0.1.0/../linux-amd64-go1.26.10/",
        "example.test/hello@v0.1.0/cmd//linux-amd64-go1.26.10/",
        "example.test/hello@v0.1.0/linux-amd64-go1.26.10-stripped-stripped/",
        "example.test/hello@/linux-amd64-go1.26.10/", "@v0.1.0/linux-amd64-go1.26.10/",
        "example.test/hello@v0.1.0/linux-amd64-go1.22/"}) {
    INFO(key);
    CHECK_FALSE(parse_build_key(key));
    CHECK(kBuildLog.lookup_path(key).error().kind == ErrorKind::kUsage);
  }
}

// The example log of gobuild v0.0.48: a throw-away key, one record, and the empty tree.
TEST_CASE("the example log's heads") {
  const auto signer = SignerKey::parse(
      "PRIVATE+KEY+gobuildtest+d0d3feb6+AXgHf7lUluErzggs4KZ6pTjWBAs4ip1uGK1K12tiJy2M");
  REQUIRE(signer);
  CHECK(signer->verifier().format() ==
        "gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF");
  Frontier tree;
  const std::string empty = signer->sign_note(format_tree_text(kBuildLog.origin, 0, tree.root()));
  CHECK_THAT(empty, Catch::Contains("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
  CHECK_THAT(empty, Catch::Contains("0NP+tlfkCFE6DE4aNaDsH5BDPDogiVygDqlWUs+GsF1ItekL05AypnAd6Ccp"
                                    "gGMYANvdmcRsDo0N74zCf/8yFXiTpQc="));
  tree.append(leaf_hash(kHello));
  CHECK(encode_base64(as_bytes(tree.root())) == "12GZhSWu8Ib7QI1cHw3ycpbUpzGrkwYuO9Z56DIx7dA=");
  const auto head =
      Checkpoint::open(signer->sign_note(format_tree_text(kBuildLog.origin, 1, tree.root())),
                       signer->verifier(), kBuildLog);
  REQUIRE(head);
  CHECK(&head->format() == &kBuildLog);
}

TEST_CASE("lookups in a build log are proven") {
  TestLog log("builds.test", kBuildLog);
  log.set_style(DataTileStyle::kNumbered);
  for (std::uint64_t n = 0; n < 700; ++n) log.append(record_of(n));
  Client client(log, log.key(), kBuildLog);
  for (const std::uint64_t n : {0, 255, 256, 699}) {
    const auto found = client.lookup(kBuildLog.key_of(record_of(n)));
    REQUIRE(found);
    CHECK(found->number() == n);
    CHECK(found->text() == record_of(n));
    CHECK(found->record().regular());
  }
  CHECK(client.lookup(kHelloKey).error().kind == ErrorKind::kNotFound);
  // The log's own record, but another one than was asked for.
  log.replace("lookup/" + kHelloKey, format_lookup(5, record_of(5), log.head_note(700)));
  CHECK(client.lookup(kHelloKey).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("a build log is followed; what is no build's record is irregular") {
  TestLog log("builds.test", kBuildLog);
  for (std::uint64_t n = 0; n < 300; ++n) log.append(n == 7 ? "odd one\n" : record_of(n));
  RunFetcher follower(log, log.head(), Frontier());
  REQUIRE(follower.start());
  const auto batch = verify_run(follower.fetch(0, 16).value());
  REQUIRE(batch);
  CHECK(batch->irregular() == 1);
  CHECK(&batch->format() == &kBuildLog);
  for (std::size_t i = 0; i < batch->size(); ++i) {
    const VerifiedRecord r = (*batch)[i];
    CHECK(r.regular() == (i != 7));
    CHECK(r.text() == log.record(i));
  }
}

TEST_CASE("where a build log is, and its origin counts") {
  CHECK(build_log_url("builds.example.org") == "https://builds.example.org/tlog");
  CHECK(build_log_url("localhost") == "http://localhost:8000/tlog");
  CHECK(build_log_url("localhost:9000") == "http://localhost:9000/tlog");
  CHECK(build_log_url("builds.example.org:8443") == "https://builds.example.org:8443/tlog");
  LogFormat other = kBuildLog;
  other.origin = "builds.test/tlog";
  TestLog log("builds.test", other);
  log.append(record_of(1));
  CHECK(log.head_note(1).starts_with("builds.test/tlog\n1\n"));
  const auto wrong = Checkpoint::open(log.head_note(1), log.key(), kBuildLog);
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().kind == ErrorKind::kUntrusted);
}
