// Which versions have no go.mod: told by the sums that come by, and of an older program's database
// by those that it keeps.
#include <catch2/catch.hpp>

#include "module/dirhash.h"
#include "sqlite/sqlite.h"
#include "store/gomod_fill.h"
#include "store/reader.h"
#include "store/writer.h"
#include "support/store/fill.h"
#include "support/store/look.h"
#include "tlog/go_log.h"

using namespace gw;
using namespace gw::store;
using gw::testing::fill;
using gw::testing::latest_of;
using gw::testing::TempDir;
using gw::testing::TestLog;
using gw::testing::writer_options;

namespace {

const WallTime kT1 = from_unix(1'700'000'000);
const WallTime kT2 = from_unix(1'700'001'000);

}  // namespace

TEST_CASE("releases without a go.mod are known by their sums") {
  const auto keep = GENERATE(Keep::kVersions, Keep::kRecords);
  const TempDir dir;
  TestLog log;
  const auto add = [&](std::string_view module, std::string_view version, bool gomod) {
    const std::string legacy = mod::hash_gomod("module " + std::string(module) + "\n");
    const std::string other = mod::hash_gomod(std::string(module) + std::string(version));
    log.append(tlog::format_go_record({module, version, other, gomod ? other : legacy}));
  };
  const std::string docker = "github.com/docker/docker";
  add(docker, "v1.13.0", false);
  add(docker, "v28.5.2+incompatible", false);
  add("example.com/left", "v1.0.0", false);
  add("example.com/left", "v1.1.0", true);
  add("example.com/left", "v2.0.0+incompatible", false);
  add("example.com/rc", "v2.0.0+incompatible", false);
  log.add_synthetic(300);
  add(docker, "v1.13.1", false);
  add("example.com/rc", "v1.0.0-rc1", true);
  add("example.com/new", "v0.1.0", false);
  add("example.com/pseudo", "v0.0.0-20191227195350-da58074b4299", false);
  const auto latest = [&](const std::string& path) {
    Reader reader = Reader::open(dir.file("db")).value();
    return latest_of(reader, path).value_or("none");
  };
  const auto check_all = [&](bool old_known) {
    CAPTURE(old_known);
    CHECK(latest(docker) == (old_known ? "v1.13.1=306! v28.5.2+incompatible=1"
                                       : "v1.13.1=306 v28.5.2+incompatible=1"));
    CHECK(latest("example.com/left") == "v1.1.0=3 v2.0.0+incompatible=4");
    CHECK(latest("example.com/new") == (old_known ? "v0.1.0=308!" : "v0.1.0=308"));
    CHECK(latest("example.com/pseudo").empty());
  };
  {
    Writer w = Writer::open(dir.file("db"), writer_options(log, keep)).value();
    REQUIRE(fill(w, log, 306, kT1));
    REQUIRE(fill(w, log, log.size(), kT2));
    CHECK_FALSE(w.state().gomod_unknown());
    CHECK(w.state().identity.size() == 16);
  }
  check_all(true);
  CHECK(latest("example.com/rc") == "v1.0.0-rc1=307 v2.0.0+incompatible=5");
  {
    // As a program of schema version 2 would have left it.
    sqlite::Database db =
        sqlite::Database::open(dir.file("db"), sqlite::Database::Mode::kWrite).value();
    REQUIRE(db.exec(
        "UPDATE module SET latest = replace(replace(latest, '!', ''), "
        "'v1.0.0-rc1=307 ', ''); ALTER TABLE log DROP COLUMN identity; "
        "ALTER TABLE log DROP COLUMN gomod_from; DROP TABLE unproven; PRAGMA user_version = 2"));
  }
  CHECK(Reader::open(dir.file("db")).value().state()->gomod_unknown());
  check_all(false);
  const Writer w = Writer::open(dir.file("db"), writer_options(log, keep)).value();
  const bool filled = keep == Keep::kRecords;
  check_all(filled);
  CHECK(latest("example.com/rc") ==
        (filled ? "v1.0.0-rc1=307 v2.0.0+incompatible=5" : "v2.0.0+incompatible=5"));
  CHECK(w.state().gomod_unknown() != filled);
  CHECK(w.state().identity.size() == 16);
}
