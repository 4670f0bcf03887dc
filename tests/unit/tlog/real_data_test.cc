// The captured part of the real Go checksum database, and the replica log, from their directories.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <set>

#include "module/path.h"
#include "os/file.h"
#include "support/tlog/test_log.h"
#include "tlog/client.h"
#include "tlog/run_fetcher.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::DirectorySource;

namespace {

const std::string kSumdb = GW_TEST_DATA "/sumdb";
const std::string kRealReplica = GW_TEST_DATA "/replica";

std::vector<std::string> lookups_below(const std::string& dir) {
  std::vector<std::string> out;
  for (const auto& e : std::filesystem::recursive_directory_iterator(dir + "/lookup")) {
    if (!e.is_regular_file()) continue;
    std::string name = std::filesystem::relative(e.path(), dir + "/lookup").string();
    std::size_t at = name.rfind('@');
    out.push_back(go_key(mod::unescape_path(name.substr(0, at)).value(),
                         mod::unescape_version(name.substr(at + 1)).value()));
  }
  return out;
}

VerifierKey key_of(const std::string& dir) {
  if (dir == kSumdb) return VerifierKey::parse(kGoLogKey).value();
  std::string text = os::read_file(dir + "/key.pub", 1000).value();
  return VerifierKey::parse(text.substr(0, text.find('\n'))).value();
}

Checkpoint head_of(const std::string& dir, const std::string& file) {
  return Checkpoint::open(os::read_file(dir + "/" + file, 100000).value(), key_of(dir), kGoLog)
      .value();
}

}  // namespace

TEST_CASE("all real lookups, proven and consistent, in many random orders") {
  for (const std::string& dir : {kSumdb, kRealReplica}) {
    auto wanted = lookups_below(dir);
    REQUIRE(wanted.size() == (dir == kSumdb ? 25 : 78));
    std::mt19937 random(6);
    for (int round = 0; round < 20; ++round) {
      std::shuffle(wanted.begin(), wanted.end(), random);
      DirectorySource source(dir);
      Client client(source, key_of(dir), kGoLog);
      Checkpoint remembered = head_of(dir, round % 2 == 0 ? "latest" : "latest.first");
      std::set<std::uint64_t> numbers;
      for (const std::string& key : wanted) {
        auto found = client.lookup(key);
        INFO(key);
        REQUIRE(found);
        numbers.insert(found->number());
        CHECK(found->record().regular());
        auto cmp = client.compare(remembered, found->head());
        REQUIRE(cmp);
        CHECK(cmp->relation != HeadRelation::kFork);
        // As a client does that remembers the newest head, or just the last one.
        if (found->head().size() > remembered.size() || round % 3 == 0) remembered = found->head();
      }
      CHECK(numbers.size() == wanted.size());
    }
  }
}

TEST_CASE("a real lookup with any byte changed is refused") {
  DirectorySource source(kSumdb);
  gw::testing::TestLog relay;
  std::string path = "lookup/gopkg.in/yaml.v3@v3.0.1";
  std::string good = os::read_file(kSumdb + "/" + path, 10000).value();
  std::string reply = good;
  relay.on_fetch = [&](const std::string& p) -> std::optional<Result<std::string>> {
    if (p == path) return reply;
    FetchRequest r{p, 1UL << 20U};
    return source.fetch({&r, 1})[0];
  };
  Client client(relay, VerifierKey::parse(kGoLogKey).value(), kGoLog);
  REQUIRE(client.lookup("gopkg.in/yaml.v3@v3.0.1"));
  for (std::size_t i = 0; i < good.size(); ++i) {
    reply = good;
    reply[i] = static_cast<char>(reply[i] ^ 1);
    INFO(i);
    auto found = client.lookup("gopkg.in/yaml.v3@v3.0.1");
    REQUIRE_FALSE(found);
    // Another number leads to tiles that were not captured.
    CHECK(found.error().kind == (i > 0 && i < 8 && found.error().kind != ErrorKind::kUntrusted
                                     ? ErrorKind::kUnavailable
                                     : ErrorKind::kUntrusted));
  }
}

TEST_CASE("the replica followed from nothing to both its heads") {
  for (std::size_t max_tiles : {1UL, 3UL, 1000UL}) {
    DirectorySource source(kRealReplica);
    Frontier own;
    std::uint64_t records = 0;
    std::set<std::string> modules;
    for (const char* file : {"latest.first", "latest"}) {
      Checkpoint head = head_of(kRealReplica, file);
      RunFetcher follower(source, head, own);
      auto started = follower.start();
      REQUIRE(started);
      REQUIRE(started->relation == HeadRelation::kPrefix);
      while (own.size() < head.size()) {
        auto run = follower.fetch(own.size(), max_tiles);
        REQUIRE(run);
        auto batch = verify_run(*std::move(run));
        REQUIRE(batch);
        CHECK(batch->first() == own.size());
        CHECK(batch->irregular() == 0);
        for (std::size_t i = 0; i < batch->size(); ++i) {
          modules.emplace((*batch)[i].module());
          CHECK((*batch)[i].number() == records);
          ++records;
        }
        own = batch->frontier();
      }
      CHECK(own.root() == head.root());
    }
    CHECK(records == 7458);
    CHECK(modules.size() == 1019);
  }
}
