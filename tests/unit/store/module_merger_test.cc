// ModuleMerger beside a map: transactions that touch many of the modules, few of them, and new ones
// before, between and behind those that are there.
#include "store/module_merger.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>

#include "store/reader.h"
#include "support/store/fill.h"

using namespace gw;
using namespace gw::store;
using gw::testing::fill;
using gw::testing::TempDir;
using gw::testing::TestLog;
using gw::testing::writer_options;

namespace {

const WallTime kMergedAt = from_unix(1'700'000'000);

// Most begin with the same 24 bytes and more, as paths on one host do; in no order.
std::string merged_path(unsigned n) {
  const std::string number = std::to_string(n * 2654435761U % 100'000);
  switch (n % 4) {
    case 0:
      return "github.com/one-organization/" + number;
    case 1:
      return "github.com/one-organization/" + number + "/deeper";
    case 2:
      return "a" + number + ".example.org";
    default:
      return "zz.example.org/" + number;
  }
}

// What the log has, by module.
class Model {
 public:
  explicit Model(TestLog& log) : log_(log) {}
  void add(unsigned module) {
    const std::string path = merged_path(module);
    auto& versions = of_[path];
    const std::string version = "v1." + std::to_string(versions.size()) + ".0";
    log_.add(path, version);
    versions[version] = log_.size() - 1;
  }
  void check(Reader reader) const {
    std::set<std::string> seen;
    REQUIRE(reader.each_module([&](const ModuleRow& row) {
      seen.emplace(row.path);
      return true;
    }));
    REQUIRE(seen.size() == of_.size());
    for (const auto& [path, versions] : of_) {
      CAPTURE(path);
      std::map<std::string, std::uint64_t> found;
      const std::vector<VersionRow> rows = reader.versions(path).value();
      for (const VersionRow& row : rows) found[row.version] = row.record;
      REQUIRE(found == versions);
    }
  }

 private:
  TestLog& log_;
  std::map<std::string, std::map<std::string, std::uint64_t>> of_;
};

}  // namespace

TEST_CASE("modules are found whether the index is walked or searched") {
  TempDir dir;
  TestLog log;
  Model model(log);
  std::mt19937 random(5);  // NOLINT: the same for each run
  Writer writer = Writer::open(dir.file("db"), writer_options(log)).value();
  const auto commit = [&] {
    REQUIRE(fill(writer, log, log.size(), kMergedAt));
    model.check(Reader::open(dir.file("db")).value());
  };
  for (unsigned n = 0; n < 600; ++n) model.add(n);
  commit();
  // All of them, and new ones among them: the walk ends behind the last one.
  for (unsigned n = 0; n < 700; ++n) model.add(n);
  commit();
  // One in seven: walked, and in between more than the walk steps over.
  for (unsigned n = 0; n < 100; ++n) model.add(n < 50 ? n : 600 + n);
  commit();
  // Few: searched.
  for (unsigned n = 0; n < 20; ++n) model.add(random() % 900);
  commit();
  for (int round = 0; round < 5; ++round) {
    for (unsigned n = random() % 400; n > 0; --n) model.add(random() % 1500);
    model.add(0);
    commit();
  }
}

TEST_CASE("a stop is heeded while modules are looked for and while they are stored") {
  TempDir dir;
  TestLog log;
  for (unsigned n = 0; n < 300; ++n) log.add(merged_path(n), "v1.0.0");
  Writer writer = Writer::open(dir.file("db"), writer_options(log)).value();
  REQUIRE(writer.set_target(log.head(300), kMergedAt, {}));
  const auto pending = testing::verified(log, writer, 300, 300).value();
  for (int stop_at = 0; stop_at < 2; ++stop_at) {
    int calls = 0;
    const auto report =
        writer.commit(pending, testing::all_same, [&] { return calls++ != stop_at; });
    REQUIRE_FALSE(report);
    CHECK(report.error().kind == ErrorKind::kUnavailable);
    CHECK(writer.state().position == 0);
  }
  CHECK(writer.commit(pending, testing::all_same, [] { return true; }).value().new_modules == 300);
}
