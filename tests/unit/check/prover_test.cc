#include "check/prover.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <random>

#include "base/bytes.h"
#include "base/json.h"
#include "module/path.h"
#include "os/file.h"
#include "support/tlog/test_log.h"
#include "tlog/evidence_check.h"
#include "tlog/go_log.h"
#include "tlog/lookup.h"

using gw::ErrorKind;
using gw::Json;
using gw::check::Outcome;
using gw::check::ProveResult;
using gw::check::ProverOptions;
using gw::check::Release;
using gw::testing::TestLog;
using gw::tlog::Checkpoint;
using gw::tlog::Client;

namespace {

struct Dir {
  Dir() {
    std::string t = (std::filesystem::temp_directory_path() / "gw-prover-XXXXXX").string();
    REQUIRE(::mkdtemp(t.data()) != nullptr);
    path = t;
  }
  ~Dir() { std::filesystem::remove_all(path); }
  ProverOptions options() const {
    return {path + "/head", path + "/evidence", gw::from_unix(1'700'000'000)};
  }
  std::string remembered() const { return *gw::os::read_file(path + "/head", 1 << 20); }
  void remember(const std::string& note) const {
    REQUIRE(gw::os::write_file_atomic(path + "/head", note, 0600));
  }
  std::string path;
};

Outcome news(const std::string& module, const std::string& version) {
  Outcome o;
  o.name = module;
  o.known = "v0.0.0";
  o.newer = true;
  Release r;
  r.name = r.log_module = module;
  r.version = r.log_version = version;
  o.releases.push_back(r);
  return o;
}

ProveResult prove(TestLog& log, const ProverOptions& options, std::vector<Outcome>& outcomes) {
  Client client(log, log.key(), gw::tlog::kGoLog);
  return gw::check::prove(client, options, outcomes);
}

std::string lookup_reply(const TestLog& log, std::uint64_t record, std::uint64_t size) {
  return gw::tlog::format_lookup(record, log.record(record), log.head_note(size));
}

}  // namespace

TEST_CASE("a release is proven, and its head remembered") {
  const Dir dir;
  TestLog log;
  log.add_synthetic(1000);
  const auto number = log.add("a.com/b", "v1.0.0");
  log.add_synthetic(300, 1);
  std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
  const auto result = prove(log, dir.options(), outcomes);
  REQUIRE_FALSE(result.error);
  CHECK_FALSE(result.remembered);
  REQUIRE(result.head);
  CHECK(result.head->size() == log.size());
  REQUIRE(outcomes[0].releases.size() == 1);
  const auto& proof = outcomes[0].releases[0].proof;
  REQUIRE(proof);
  CHECK(proof->record == number);
  CHECK(log.record(number).find(proof->zip_sum) != std::string::npos);
  CHECK(log.record(number).find(proof->gomod_sum) != std::string::npos);
  CHECK(proof->head.same_tree(log.head()));
  CHECK(outcomes[0].newer);
  CHECK(outcomes[0].errors.empty());
  CHECK(dir.remembered() == log.head_note(log.size()));
}

TEST_CASE("the remembered head may be older, newer or the same, and only grows") {
  TestLog log;
  log.add_synthetic(700);
  const auto number = log.add("a.com/b", "v1.0.0");
  log.add_synthetic(70000, 1);
  for (const std::uint64_t had : {0UL, 1UL, 700UL, 701UL, 20000UL, 65536UL, 70700UL, 70701UL}) {
    for (const std::uint64_t came : {701UL, 20000UL, 65536UL, 70701UL}) {
      CAPTURE(had, came);
      const Dir dir;
      dir.remember(log.head_note(had));
      log.replace("lookup/a.com/b@v1.0.0", lookup_reply(log, number, came));
      std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
      const auto result = prove(log, dir.options(), outcomes);
      if (result.error) FAIL(result.error->message);
      REQUIRE(outcomes[0].releases.size() == 1);
      CHECK(outcomes[0].releases[0].proof->head.size() == came);
      CHECK(result.remembered->size() == had);
      CHECK(result.head->size() == std::max(had, came));
      CHECK(dir.remembered() == log.head_note(std::max(had, came)));
    }
  }
}

TEST_CASE("two histories prove nothing and leave evidence") {
  TestLog log;
  log.add_synthetic(5000);
  const auto number = log.add("a.com/b", "v1.0.0");
  log.add_synthetic(3000, 1);
  struct Case {
    std::uint64_t forked_at, had;
  };
  for (const auto& c : {Case{5, 4000}, Case{4999, 5000}, Case{5, 8001}, Case{8000, 8001},
                        Case{5, 9000}, Case{8000, 9000}}) {
    CAPTURE(c.forked_at, c.had);
    TestLog other = log.fork_at(c.forked_at);
    other.add_synthetic(9000 - c.forked_at, 2);
    const Dir dir;
    dir.remember(other.head_note(c.had));
    // tiles under the larger head come from the history that has it
    if (c.had > log.size()) {
      log.on_fetch = [&](const std::string& path) -> std::optional<gw::Result<std::string>> {
        if (path.starts_with("tile/8/0/") || path.starts_with("tile/8/1/")) {
          auto own = log.serve_path(path);
          if (!own) return other.serve_path(path);
        }
        return std::nullopt;
      };
    }
    log.replace("lookup/a.com/b@v1.0.0", lookup_reply(log, number, log.size()));
    std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
    const auto result = prove(log, dir.options(), outcomes);
    log.on_fetch = nullptr;
    REQUIRE(result.error);
    CHECK(result.error->kind == ErrorKind::kUntrusted);
    CHECK(outcomes[0].releases.empty());
    CHECK_FALSE(outcomes[0].newer);
    CHECK_FALSE(result.head);
    CHECK(dir.remembered() == other.head_note(c.had));
    CHECK(result.error->message.find("told two histories") != std::string::npos);
    REQUIRE(result.evidence);
    REQUIRE(result.evidence->file);
    CHECK(*result.evidence->file == dir.path + "/evidence-20231114T221320Z.json");
    CHECK(result.error->message.find(*result.evidence->file) != std::string::npos);
    const auto text = gw::os::read_file(*result.evidence->file, 1 << 24);
    REQUIRE(text);
    const auto evidence = gw::parse_json(*text);
    REQUIRE(evidence);
    CHECK(*evidence == result.evidence->document);
    const auto found = gw::tlog::check_evidence(*evidence, log.key());
    REQUIRE(found);
    CHECK(found->proof);
    const bool equal = c.had == log.size();
    CHECK((*evidence)["kind"] == (equal ? "equal-size" : "fork"));
    CHECK((*evidence)["log_key"] == log.key().format());
    CHECK((*evidence)["roots"]["size"] == std::min(c.had, log.size()));
    const bool remembered_first = c.had <= log.size();
    CHECK((*evidence)["notes"][remembered_first ? 1 : 0]["note"] == log.head_note(log.size()));
    CHECK((*evidence)["notes"][remembered_first ? 0 : 1]["note"] == other.head_note(c.had));
    CHECK(evidence->contains("tiles") != equal);
    CHECK((*evidence)["roots"]["claimed"] != (*evidence)["roots"]["recomputed"]);
  }
}

TEST_CASE("tiles that are not those of the remembered head leave evidence too") {
  TestLog log;
  const auto number = log.add("a.com/b", "v1.0.0");
  log.add_synthetic(5000);
  log.replace("lookup/a.com/b@v1.0.0", lookup_reply(log, number, 4000));
  TestLog other = log.fork_at(5);
  other.add_synthetic(4500, 2);
  const Dir dir;
  dir.remember(other.head_note(4505));
  std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
  const auto result = prove(log, dir.options(), outcomes);
  REQUIRE(result.error);
  CHECK(result.error->kind == ErrorKind::kUntrusted);
  REQUIRE(result.evidence);
  REQUIRE(result.evidence->file);
  CHECK(result.error->message.find(*result.evidence->file) != std::string::npos);
  const auto& evidence = result.evidence->document;
  CHECK(evidence["kind"] == "bad-tile");
  CHECK(evidence["notes"][0]["note"] == log.head_note(4000));
  CHECK(evidence["notes"][1]["note"] == other.head_note(4505));
  CHECK_FALSE(evidence["bad_tiles"].empty());
  CHECK(outcomes[0].releases.empty());
  CHECK(dir.remembered() == other.head_note(4505));
}

TEST_CASE("the evidence of every fork is kept, and whole where there is no file for it") {
  TestLog log;
  log.add_synthetic(5000);
  const auto number = log.add("a.com/b", "v1.0.0");
  log.add_synthetic(3000, 1);
  log.replace("lookup/a.com/b@v1.0.0", lookup_reply(log, number, log.size()));
  TestLog other = log.fork_at(5);
  other.add_synthetic(5000, 2);
  const Dir dir;
  std::vector<std::string> files;
  for (const std::uint64_t had : {4000U, 4001U, 4001U}) {
    dir.remember(other.head_note(had));
    std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
    const auto result = prove(log, dir.options(), outcomes);  // all within one second
    REQUIRE(result.evidence);
    REQUIRE(result.evidence->file);
    CHECK(std::count(files.begin(), files.end(), *result.evidence->file) == 0);
    files.push_back(*result.evidence->file);
    const auto kept = gw::parse_json(gw::os::read_file(files[0], 1 << 24).value());
    REQUIRE(kept);
    CHECK((*kept)["roots"]["size"] == 4000);
    // The file has the tiles' bytes, the text for a person says where.
    const std::string text = format_evidence(result.evidence->evidence, result.evidence->file);
    CHECK(text.find("all of it is in " + files.back()) != std::string::npos);
    CHECK(text.find("base64") == std::string::npos);
  }
  for (const std::string& base : {std::string(), dir.path + "/none/evidence"}) {
    auto options = dir.options();
    options.evidence = base;
    std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
    const auto result = prove(log, options, outcomes);
    REQUIRE(result.evidence);
    CHECK_FALSE(result.evidence->file);
    const std::string text = format_evidence(result.evidence->evidence, result.evidence->file);
    CHECK(text.find(other.head_note(4001)) != std::string::npos);
    CHECK(text.find(log.head_note(log.size())) != std::string::npos);
    CHECK(text.find(gw::encode_base64(gw::as_bytes(log.root(4001)))) != std::string::npos);
    CHECK(text.find(gw::encode_base64(gw::as_bytes(other.root(4001)))) != std::string::npos);
    REQUIRE_FALSE(result.evidence->evidence.tiles.empty());
    for (const auto& tile : result.evidence->evidence.tiles) {
      CHECK(text.find(tile.path) != std::string::npos);
      CHECK(text.find(gw::encode_base64(tile.bytes)) != std::string::npos);
    }
  }
}

TEST_CASE("a log that lacks the tiles of a head it signed proves nothing") {
  TestLog log;
  log.add_synthetic(300);
  log.add("a.com/b", "v1.0.0");
  TestLog later = log;
  later.add_synthetic(70000, 1);
  const Dir dir;
  dir.remember(later.head_note(later.size()));
  std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
  const auto result = prove(log, dir.options(), outcomes);
  REQUIRE(result.error);
  CAPTURE(result.error->message);
  CHECK(result.error->kind == ErrorKind::kUnavailable);
  CHECK(outcomes[0].releases.empty());
}

TEST_CASE("heads of one call must be of one history too") {
  TestLog log;
  log.add_synthetic(400);
  const auto a = log.add("a.com/b", "v1.0.0");
  const auto b = log.add("c.com/d", "v1.0.0");
  log.add_synthetic(300, 1);
  TestLog other = log.fork_at(500);
  other.add_synthetic(50, 2);
  log.replace("lookup/a.com/b@v1.0.0", lookup_reply(log, a, log.size()));
  // proven by itself: its tiles are served when asked for
  log.replace("lookup/c.com/d@v1.0.0", lookup_reply(other, b, other.size()));
  log.on_fetch = [&](const std::string& path) -> std::optional<gw::Result<std::string>> {
    if (path.starts_with("lookup/")) return std::nullopt;
    auto own = log.serve_path(path);
    return own ? std::move(own) : other.serve_path(path);
  };
  std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0"), news("c.com/d", "v1.0.0")};
  const auto result = prove(log, {}, outcomes);
  CHECK((result.error || !outcomes[1].errors.empty()));
  // without files nothing is written, and nothing of the fork is called proven
  for (const auto& o : outcomes) {
    for (const auto& r : o.releases) CHECK(r.proof->head.same_tree(log.head()));
  }
}

TEST_CASE("a signed head that its lookup cannot be proven under is not dropped with it") {
  TestLog log;
  log.add_synthetic(400);
  const auto a = log.add("a.com/b", "v1.0.0");
  const auto b = log.add("c.com/d", "v1.0.0");
  log.add_synthetic(300, 1);
  log.serve(700);
  TestLog other = log.fork_at(450);
  other.add_synthetic(450, 2);
  // The tiles are honest: those of the log, as far as it has grown.
  const std::uint64_t forked = GENERATE(500, 512, 700, 702);
  const std::uint64_t had = GENERATE(0, 600, 702);
  const bool second = GENERATE(false, true);
  CAPTURE(forked, had, second);
  const Dir dir;
  if (had != 0) dir.remember(log.head_note(had));
  log.serve(log.size());
  log.replace("lookup/c.com/d@v1.0.0", lookup_reply(other, b, forked));
  log.replace("lookup/a.com/b@v1.0.0", lookup_reply(log, a, 700));
  std::vector<Outcome> outcomes = {news("c.com/d", "v1.0.0")};
  if (second) outcomes.push_back(news("a.com/b", "v1.0.0"));
  const auto result = prove(log, dir.options(), outcomes);
  for (const Outcome& o : outcomes) CHECK(o.releases.empty());
  CHECK_FALSE(result.head);
  CHECK(gw::os::file_exists(dir.path + "/head") == (had != 0));
  if (had != 0) CHECK(dir.remembered() == log.head_note(had));
  REQUIRE(result.error);
  CHECK(result.error->kind == ErrorKind::kUntrusted);
  REQUIRE(result.evidence);
  const Json& evidence = result.evidence->document;
  bool named = false;
  for (const auto& n : evidence["notes"]) named |= n["note"] == other.head_note(forked);
  CHECK(named);
  const auto found = gw::tlog::check_evidence(evidence, log.key());
  REQUIRE(found);
  CHECK(found->proof == (evidence["kind"] != "bad-tile"));
  if (forked == had || (forked == 700 && second && had < 700)) {
    CHECK(evidence["kind"] == "equal-size");
  } else if (forked < had || (second && forked < 700)) {
    CHECK(evidence["kind"] == "fork");
  } else {
    CHECK(evidence["kind"] == "bad-tile");
  }
}

TEST_CASE("what cannot be proven is taken out, the others stay") {
  const Dir dir;
  TestLog log;
  log.add_synthetic(300);
  log.add("a.com/b", "v1.0.0");
  const auto number = log.add("e.com/f", "v1.0.0");
  log.add("g.com/h", "v1.0.0");
  log.add("i.com/j", "v1.0.0");
  log.fail("lookup/g.com/h@v1.0.0", gw::unavailable_error("down"));
  // the record of another module
  log.replace("lookup/i.com/j@v1.0.0", lookup_reply(log, number, log.size()));
  // a record that the log does not have
  auto forged = lookup_reply(log, number, log.size());
  forged[forged.find("h1:") + 5] ^= 1;
  log.replace("lookup/e.com/f@v1.0.0", forged);
  std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0"), news("c.com/d", "v1.0.0"),
                                   news("e.com/f", "v1.0.0"), news("g.com/h", "v1.0.0"),
                                   news("i.com/j", "v1.0.0")};
  const auto result = prove(log, dir.options(), outcomes);
  REQUIRE_FALSE(result.error);
  const std::optional<ErrorKind> expected[] = {std::nullopt, ErrorKind::kUntrusted,
                                               ErrorKind::kUntrusted, ErrorKind::kUnavailable,
                                               ErrorKind::kUntrusted};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    CAPTURE(outcomes[i].name);
    if (!expected[i]) {
      CHECK(outcomes[i].errors.empty());
      CHECK(outcomes[i].releases.size() == 1);
      CHECK(outcomes[i].newer);
      continue;
    }
    REQUIRE(outcomes[i].errors.size() == 1);
    CHECK(outcomes[i].errors[0].kind == *expected[i]);
    CHECK(outcomes[i].errors[0].message.find("proving " + outcomes[i].name + " v1.0.0: ") == 0);
    CHECK(outcomes[i].releases.empty());
    CHECK_FALSE(outcomes[i].newer);
  }
  CHECK(outcomes[1].errors[0].message.find("the log has no such record") != std::string::npos);
  CHECK(dir.remembered() == log.head_note(log.size()));
}

TEST_CASE("nothing is asked when there is nothing to prove") {
  const Dir dir;
  TestLog log;
  log.add("a.com/b", "v1.0.0");
  std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0"), news("example.com", "v1.0.0")};
  outcomes[0].releases[0].reported = true;
  outcomes[1].releases[0].log_module.clear();  // a domain's own announcement
  const auto result = prove(log, dir.options(), outcomes);
  CHECK_FALSE(result.error);
  CHECK_FALSE(result.head);
  CHECK(log.fetched.empty());
  CHECK(outcomes[0].releases.size() == 1);
  CHECK(outcomes[1].releases.size() == 1);
  CHECK_FALSE(gw::os::file_exists(dir.options().remembered_file));
}

TEST_CASE("a remembered head that is none of this log") {
  TestLog log;
  log.add("a.com/b", "v1.0.0");
  TestLog other("other.test");
  other.add_synthetic(10);
  struct Case {
    std::string note;
    ErrorKind kind;
  };
  auto bad_signature = log.head_note(1);
  bad_signature[bad_signature.size() - 10] ^= 1;
  for (const auto& c :
       {Case{other.head_note(10), ErrorKind::kUsage}, Case{"garbage", ErrorKind::kCorrupt},
        Case{"", ErrorKind::kCorrupt}, Case{bad_signature, ErrorKind::kCorrupt}}) {
    CAPTURE(c.note);
    const Dir dir;
    dir.remember(c.note);
    std::vector<Outcome> outcomes = {news("a.com/b", "v1.0.0")};
    const auto result = prove(log, dir.options(), outcomes);
    REQUIRE(result.error);
    CHECK(gw::error_kind_name(result.error->kind) == gw::error_kind_name(c.kind));
    CHECK(outcomes[0].releases.empty());
    CHECK(dir.remembered() == c.note);
  }
}

TEST_CASE("real lookups in any order, with heads from 49 to 71.8 million records") {
  const std::string root = GW_TEST_DATA "/sumdb";
  gw::testing::DirectorySource source(root);
  auto key = gw::tlog::VerifierKey::parse(gw::tlog::kGoLogKey);
  REQUIRE(key);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root + "/lookup")) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string().substr(root.size() + 8);
    const auto at = path.find('@');
    all.emplace_back(*gw::mod::unescape_path(path.substr(0, at)),
                     *gw::mod::unescape_version(path.substr(at + 1)));
  }
  REQUIRE(all.size() == 25);
  std::mt19937 random(20261122);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(all.begin(), all.end(), random);
    const Dir dir;
    std::uint64_t largest = 0;
    // some alone, as calls on different days, some together
    for (std::size_t i = 0; i < all.size();) {
      const std::size_t n = std::min<std::size_t>(all.size() - i, 1 + random() % 4);
      std::vector<Outcome> outcomes;
      for (std::size_t k = 0; k < n; ++k)
        outcomes.push_back(news(all[i + k].first, all[i + k].second));
      i += n;
      Client client(source, *key, gw::tlog::kGoLog);
      const auto result = gw::check::prove(client, dir.options(), outcomes);
      if (result.error) FAIL(result.error->message);
      for (const auto& o : outcomes) {
        CAPTURE(o.name);
        if (!o.errors.empty()) FAIL(o.errors[0].message);
        REQUIRE(o.releases.size() == 1);
        REQUIRE(o.releases[0].proof);
        largest = std::max(largest, o.releases[0].proof->head.size());
      }
      CHECK(result.head->size() == largest);
    }
  }
}
