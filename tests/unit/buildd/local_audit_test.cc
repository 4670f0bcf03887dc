#include "buildd/local_audit.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "module/gzip.h"
#include "os/file.h"
#include "sqlite/sqlite.h"
#include "support/temp_dir.h"
#include "tlog/build_log.h"
#include "tlog/log_signer.h"
#include "tlog/log_writer.h"

using namespace gw;
using namespace gw::buildd;
using gw::testing::TempDir;

namespace {

// A service's data with a few builds.
struct AuditLab {
  explicit AuditLab(int builds)
      : signer(tlog::SignerKey::from_seed("example.org", std::string(32, 'k')).value()),
        binaries(BinaryStore::open(dir.file("binaries")).value()),
        ledger(Ledger::open(dir.file("ledger.db")).value()),
        log(tlog::LogWriter::open(*ledger, {&signer, nullptr}).value()) {
    for (int n = 0; n < builds; ++n) {
      const auto binary = binaries.add("binary " + std::to_string(n)).value();
      auto result = std::make_shared<BuildResult>();
      result->sha256 = binary.sha256;
      result->packed_size = binary.packed_size;
      result->packed_sha256 = binary.packed_sha256;
      result->log = mod::gzip("log");
      const std::string key = "a.b/c@v1." + std::to_string(n) + ".0/linux-amd64-go1.26.8/";
      const auto target = tlog::parse_build_key(key);
      const std::string record = tlog::format_build_record({*target, binary.size, binary.sum});
      REQUIRE(log->append({key, record, result}));
      sums.push_back(binary.sum);
    }
    head.emplace(
        tlog::Checkpoint::open(log->head()->latest, signer.key(), tlog::kBuildLog).value());
  }
  LocalAudit audit(bool remove = false) {
    return audit_local(*ledger, binaries, *head, {remove, nullptr, dir.file("sum.log")}).value();
  }
  void change(const std::string& sql) {
    auto db =
        sqlite::Database::open(dir.file("ledger.db"), sqlite::Database::Mode::kCreate).value();
    REQUIRE(db.exec(sql));
  }
  TempDir dir;
  tlog::KeySigner signer;
  BinaryStore binaries;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<tlog::LogWriter> log;
  std::optional<tlog::Checkpoint> head;
  std::vector<std::string> sums;
};

}  // namespace

TEST_CASE("local audit: all as it was", "[local_audit]") {
  for (const int builds : {0, 1, 5, 300}) {
    AuditLab lab(builds);
    const LocalAudit found = lab.audit();
    CHECK(found.good());
    CHECK(found.records == static_cast<std::uint64_t>(builds));
    CHECK(found.files == 2 * static_cast<std::uint64_t>(builds));
    CHECK(found.hashes >= static_cast<std::uint64_t>(builds));
  }
}

TEST_CASE("local audit: a flipped bit in a file, and one that is gone", "[local_audit]") {
  AuditLab lab(3);
  const std::string file = lab.dir.file("binaries/" + lab.sums[1] + ".gz");
  std::string bytes = os::read_file(file, 1000).value();
  bytes[12] ^= 1;
  std::ofstream(file) << bytes;
  REQUIRE(lab.binaries.remove(lab.sums[2]));
  const LocalAudit found = lab.audit();
  CHECK(found.damaged_log.empty());
  REQUIRE(found.damaged_files.size() == 1);
  CHECK(found.damaged_files[0].starts_with("record 1: " + lab.sums[1] + ".gz"));
  CHECK(found.missing == 1);
  CHECK(os::file_exists(file));
  // Removed, it is built again when somebody asks.
  CHECK_FALSE(lab.audit(true).good());
  CHECK_FALSE(os::file_exists(file));
  CHECK(lab.audit().good());
}

TEST_CASE("local audit: a file that cannot be read does not hide the others", "[local_audit]") {
  AuditLab lab(3);
  for (const std::size_t n : {0, 2}) {
    REQUIRE(lab.binaries.remove(lab.sums[n]));
    REQUIRE(::mkdir(lab.dir.file("binaries/" + lab.sums[n]).c_str(), 0755) == 0);
  }
  const LocalAudit found = lab.audit();
  CHECK(found.files == 4);
  REQUIRE(found.damaged_files.size() == 2);
  CHECK(found.damaged_files[1].starts_with("record 2: " + lab.sums[2] + ": "));
}

TEST_CASE("local audit: the plain file of all records", "[local_audit]") {
  AuditLab lab(3);
  std::string lines;
  const auto records = lab.ledger->read_records(0, 3);
  for (const std::string& record : *records) lines += record;
  const auto audit = [&](const std::string& text) {
    std::ofstream(lab.dir.file("sum.log"), std::ios::trunc) << text;
    return lab.audit().damaged_log;
  };
  CHECK(audit(lines).empty());
  CHECK(audit("").empty());
  CHECK(audit(lines.substr(0, lines.size() - 5)).empty());  // it is written just now
  for (const std::string& wrong :
       {"x" + lines, "\n" + lines, lines.substr(0, 5) + lines.substr(6)}) {
    const auto told = audit(wrong);
    REQUIRE(told.size() == 1);
    CHECK(told[0].ends_with("sum.log: line 1 is not record 0"));
  }
  // A record that is damaged or gone makes none of the file's other lines wrong.
  for (const char* sql : {"UPDATE record SET sha256 = zeroblob(32) WHERE number = 0",
                          "DELETE FROM record WHERE number = 1"}) {
    INFO(sql);
    lab.change(sql);
    for (const std::string& what : audit(lines)) CHECK(what.find("sum.log") == std::string::npos);
  }
}

TEST_CASE("local audit: whatever is changed in the database", "[local_audit]") {
  for (const char* sql :
       {"UPDATE record SET text = replace(text, 'a.b/c', 'a.b/d') WHERE number = 2",
        "UPDATE record SET sha256 = zeroblob(32) WHERE number = 2",
        "UPDATE record SET key = key || 'x' WHERE number = 2",
        "UPDATE record SET module = 'a.b/d' WHERE number = 2",
        "UPDATE hash SET hash = zeroblob(32) WHERE level = 0 AND n = 2",
        "UPDATE hash SET hash = zeroblob(32) WHERE level = 1 AND n = 0",
        "UPDATE record SET log = substr(log, 1, 20) WHERE number = 2",
        "DELETE FROM hash WHERE level = 2", "DELETE FROM record WHERE number = 2",
        "DELETE FROM record WHERE number = 4"}) {
    INFO(sql);
    AuditLab lab(5);
    lab.change(sql);
    CHECK_FALSE(lab.audit().damaged_log.empty());
  }
}

TEST_CASE("local audit: it can be stopped, and gives way", "[local_audit]") {
  AuditLab lab(2);
  os::Stop stop;
  stop.request();
  CHECK(audit_local(*lab.ledger, lab.binaries, *lab.head, {false, &stop}).error().kind ==
        ErrorKind::kUnavailable);
  std::thread([] { run_in_background(); }).join();
}
