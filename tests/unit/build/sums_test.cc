#include "build/sums.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/build/modules.h"
#include "tlog/lookup.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

std::string slurp_sums(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> evidence_in(const std::string& dir) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("evidence")) out.push_back(entry.path().string());
  }
  return out;
}

}  // namespace

TEST_CASE("sums come with a proof that is kept, and used again without the log") {
  Modules modules;
  modules.log.add_synthetic(600);
  modules.add("example.org/A", "v1.0.0", {{"a.go", "package a\n"}});
  modules.log.add_synthetic(600, 7);
  const auto found = modules.sums->find("example.org/A", "v1.0.0");
  REQUIRE(found);
  CHECK(found->zip.starts_with("h1:"));
  CHECK(found->gomod == mod::hash_gomod("module example.org/A\n"));
  CHECK(std::filesystem::exists(modules.sums_dir.file("example.org!!!a@v1.0.0")));

  modules.open();
  modules.log.fetched.clear();
  modules.log.on_fetch = [](const std::string&) { return unavailable_error("down"); };
  CHECK(modules.sums->find("example.org/A", "v1.0.0").value() == *found);
  CHECK(modules.log.fetched.empty());
  CHECK(modules.sums->find("example.org/a", "v1.0.0").error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("a kept proof that was edited is not believed") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {});
  modules.log.add_synthetic(40);
  const auto found = modules.sums->find("example.org/a", "v1.0.0");
  REQUIRE(found);
  const std::string path = modules.sums_dir.file("example.org!!a@v1.0.0");
  const std::string good = slurp_sums(path);
  const auto key = modules.log.key();
  CHECK(open_kept_proof(good, key, "example.org/a", "v1.0.0").value() == *found);
  CHECK(!open_kept_proof(good, key, "example.org/a", "v1.0.1"));
  CHECK(!open_kept_proof(good, TestLog("other.test").key(), "example.org/a", "v1.0.0"));
  // Every byte counts, but those of further lines of the head and of other records.
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    INFO(i);
    CHECK(!open_kept_proof(bad, key, "example.org/a", "v1.0.0"));
    CHECK(!open_kept_proof(good.substr(0, i), key, "example.org/a", "v1.0.0"));
  }
  // The log is asked again, and the file replaced.
  std::ofstream(path) << "inclusion\n\n0\n";
  modules.open();
  CHECK(modules.sums->find("example.org/a", "v1.0.0").value() == *found);
  CHECK(slurp_sums(path) == good);
}

TEST_CASE("what the log does not know") {
  Modules modules;
  modules.log.add_synthetic(3);
  CHECK(modules.sums->find("example.org/a", "v1.0.0").error().kind == ErrorKind::kNotFound);
  CHECK(!modules.sums->find("../x", "v1.0.0"));
}

TEST_CASE("a log that forks is found by the next call, with evidence, and believed in nothing") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {});
  modules.log.add_synthetic(300);
  REQUIRE(modules.sums->find("example.org/a", "v1.0.0"));
  modules.log = modules.log.fork_at(100);
  modules.add("example.org/b", "v1.0.0", {});
  modules.log.add_synthetic(400, 9);
  modules.open();
  for (int i = 0; i < 2; ++i) {
    const auto b = modules.sums->find("example.org/b", "v1.0.0");
    REQUIRE(!b);
    CHECK(b.error().kind == ErrorKind::kUntrusted);
    CHECK(b.error().message.find("evidence: ") != std::string::npos);
  }
  CHECK(evidence_in(modules.sums_dir.path()).size() == 1);
  CHECK(!std::filesystem::exists(modules.sums_dir.file("example.org!!b@v1.0.0")));
}

TEST_CASE("a fork is found by an answer that does not verify, too") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {});
  modules.log.add_synthetic(300);
  REQUIRE(modules.sums->find("example.org/a", "v1.0.0"));
  testing::TestLog fork = modules.log.fork_at(100);
  modules.add("example.org/b", "v1.0.0", {});
  fork.add_synthetic(400, 9);
  // The reply's head is the fork's, its record is not in it; `latest` is the old history's.
  const std::string path = "lookup/example.org/b@v1.0.0";
  const std::string reply = *modules.log.serve_path(path);
  modules.log.replace(path, reply.substr(0, reply.find("\n\n") + 2) + fork.head_note(250));
  modules.open();
  const auto b = modules.sums->find("example.org/b", "v1.0.0");
  REQUIRE(!b);
  CHECK(b.error().kind == ErrorKind::kUntrusted);
  CHECK(evidence_in(modules.sums_dir.path()).size() == 1);
}

TEST_CASE("an older head than the remembered one is of the same history or found out") {
  Modules modules;
  modules.add("example.org/a", "v1.0.0", {});
  modules.add("example.org/b", "v1.0.0", {});
  modules.log.add_synthetic(300);
  REQUIRE(modules.sums->find("example.org/a", "v1.0.0"));
  const std::string head = slurp_sums(modules.sums_dir.file("head"));
  modules.log.serve(200);
  modules.open();
  CHECK(
      !modules.sums->find("example.org/b", "v1.0.0"));  // no tiles for the newer head: unavailable
  modules.log.serve(302);
  modules.log.replace("latest", modules.log.head_note(200));
  modules.open();
  CHECK(modules.sums->find("example.org/b", "v1.0.0"));
  CHECK(slurp_sums(modules.sums_dir.file("head")) == head);
}

TEST_CASE("those that ask at the same time share their requests") {
  Modules modules;
  constexpr int kModules = 40;
  for (int i = 0; i < kModules; ++i) {
    modules.add("example.org/m" + std::to_string(i), "v1.0.0", {});
  }
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < kModules; ++i) {
    threads.emplace_back([&, i] {
      if (modules.sums->find("example.org/m" + std::to_string(i), "v1.0.0")) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == kModules);
  CHECK(modules.log.fetched_with_prefix("lookup/") == kModules);
  CHECK(modules.log.fetched_with_prefix("latest") == 1);
}
