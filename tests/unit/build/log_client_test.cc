#include "build/log_client.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "build/binary_claim.h"
#include "build/log_audit.h"
#include "build/log_copy.h"
#include "os/file.h"
#include "support/temp_dir.h"
#include "support/tlog/own_log.h"
#include "tlog/build_log.h"
#include "tlog/data_tile.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

tlog::SignerKey signer() {
  return tlog::SignerKey::from_seed("b.example", std::string(32, 'b')).value();
}

std::string record_of(std::size_t n, std::uint64_t size = 7) {
  const std::string version = "v1.0." + std::to_string(n);
  return tlog::format_build_record({{"a.b/c", version, "/", "js", "wasm", "go1.26.8", false},
                                    size,
                                    "0zkPWcxWmiWHZYW2QX4N5VurqP4g"});
}

struct ClientLab {
  explicit ClientLab(std::size_t records) : log(signer()) { grow(records); }
  void grow(std::size_t records) {
    std::vector<std::string> texts;
    for (std::size_t n = log.store.records().size(); n < records; ++n) {
      texts.push_back(record_of(n));
    }
    log.append(texts);
  }
  tlog::Checkpoint head() {
    return tlog::Checkpoint::open(log.writer().head()->latest, signer().verifier(), tlog::kBuildLog)
        .value();
  }
  OwnLog log;
};

struct Audited : AuditSink {
  Status take_record(std::uint64_t number, const std::string& text) override {
    CHECK(text == record_of(number));
    ++records;
    return {};
  }
  Status take_file(const std::string& path, const std::string& /*bytes*/) override {
    files.push_back(path);
    return {};
  }
  std::uint64_t records = 0;
  std::vector<std::string> files;
};

// Changes what the log serves.
struct Edited : tlog::TileSource {
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    auto out = source.fetch(requests);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].path == path && out[i]) out[i].value().back() ^= 1;
    }
    return out;
  }
  std::string describe() const override { return "edited"; }
  Edited(tlog::TileSource& s, std::string p) : source(s), path(std::move(p)) {}
  tlog::TileSource& source;
  std::string path;
};

}  // namespace

TEST_CASE("audit: all of a log, at sizes around tiles", "[log_audit]") {
  for (const std::size_t size : {0U, 1U, 255U, 256U, 257U, 600U}) {
    ClientLab lab(size);
    Audited sink;
    const auto audited = audit_log(lab.log, lab.head(), std::nullopt, sink).value();
    CHECK(audited.records == size);
    CHECK(audited.irregular == 0);
    CHECK(sink.records == size);
    // What it gives is what the log serves.
    for (const std::string& path : sink.files) CHECK_FALSE(lab.log.file(path).empty());
  }
}

TEST_CASE("audit: whatever is edited is found", "[log_audit]") {
  ClientLab lab(600);
  for (const std::string path : {"tile/8/data/000", "tile/8/data/002.p/88", "tile/8/0/001",
                                 "tile/8/0/002.p/88", "tile/8/1/000.p/2"}) {
    INFO(path);
    Edited edited(lab.log, path);
    Audited sink;
    const auto audited = audit_log(edited, lab.head(), std::nullopt, sink);
    REQUIRE_FALSE(audited);
    CHECK(audited.error().kind == ErrorKind::kUntrusted);
  }
  Audited sink;
  const auto before = lab.head();
  lab.grow(700);
  CHECK(audit_log(lab.log, lab.head(), before, sink));
  CHECK(audit_log(lab.log, before, lab.head(), sink).error().kind == ErrorKind::kUntrusted);
  // Another log with the same key, of the same length at first.
  OwnLog other(signer());
  std::vector<std::string> texts;
  for (std::size_t n = 0; n < 700; ++n) texts.push_back(n == 5 ? record_of(n, 8) : record_of(n));
  other.append(texts);
  struct Ignore : Audited {
    Status take_record(std::uint64_t, const std::string&) override { return {}; }
  } ignore;
  const auto forked = audit_log(
      other,
      tlog::Checkpoint::open(other.writer().head()->latest, signer().verifier(), tlog::kBuildLog)
          .value(),
      before, ignore);
  CHECK(forked.error().kind == ErrorKind::kUntrusted);
  // Two records of one build.
  OwnLog twice(signer());
  twice.append({record_of(1), record_of(1, 8)});
  const auto found = audit_log(
      twice,
      tlog::Checkpoint::open(twice.writer().head()->latest, signer().verifier(), tlog::kBuildLog)
          .value(),
      std::nullopt, ignore);
  CHECK(found.error().message.find("two records") != std::string::npos);
}

TEST_CASE("copy: files that a client reads, head last", "[log_copy]") {
  ClientLab lab(300);
  const TempDir dir;
  const auto key = signer().verifier();
  const std::string where = dir.file("copy");
  const auto copied = copy_log(lab.log, lab.head(), key, {where}).value();
  CHECK(copied.log.records == 300);
  CHECK(copied.written > 600);
  CHECK(copy_log(lab.log, lab.head(), key, {where}).value().written == 0);

  LogClientOptions options(key);
  options.source = where + "/tlog";
  options.state = dir.path();
  const auto client = LogClient::make(options, system_clock()).value();
  const Key wanted{"a.b/c", "v1.0.290", "/", {"js", "wasm"}, "go1.26.8", false};
  const ProvenBuild found = client->find(wanted).value();
  CHECK(found.number() == 290);
  CHECK(found.size() == 7);
  CHECK(found.record() == record_of(290));
  CHECK(client->latest().value().size() == 300);
  Key none = wanted;
  none.version = "v1.0.300";
  CHECK(client->find(none).error().kind == ErrorKind::kNotFound);
  // The binary is not there; one that is not the record's is not taken.
  CHECK(client->fetch(found).error().kind == ErrorKind::kNotFound);
  const std::string page = where + "/a.b/c@v1.0.290/js-wasm-go1.26.8/" + found.sum();
  REQUIRE(os::write_file_atomic(page + "/c-v1.0.290-go1.26.8.gz", "not gzip", 0644));
  CHECK(client->fetch(found).error().kind == ErrorKind::kUntrusted);

  // A query: the answer must be of what was asked for.
  Key query = wanted;
  query.version = "latest";
  const std::string lookups = where + "/tlog/lookup/a.b/c@";
  std::filesystem::copy(lookups + "v1.0.290", lookups + "latest",
                        std::filesystem::copy_options::recursive);
  CHECK(client->resolve(query).value() == wanted);
  std::filesystem::rename(lookups + "latest/js-wasm-go1.26.8",
                          lookups + "latest/js-wasm-go1.26.8-stripped");
  query.stripped = true;
  CHECK(client->resolve(query).error().kind == ErrorKind::kUntrusted);

  // It grows, and is copied on.
  lab.grow(301);
  CHECK(copy_log(lab.log, lab.head(), key, {where}).value().log.records == 301);
  CHECK(client->find(none).value().number() == 300);
  // The guess of a file's variant is not in the log: the other one is asked for.
  BinaryClaim claim{wanted, 7, found.sum()};
  claim.key.stripped = true;
  CHECK(find_claim(*client, claim).value().number() == 290);
  claim.size = 8;
  CHECK(find_claim(*client, claim).error().kind == ErrorKind::kNotFound);
  // Another key's directory.
  const auto other = tlog::SignerKey::from_seed("x.example", std::string(32, 'x')).value();
  CHECK(copy_log(lab.log, lab.head(), other.verifier(), {where}).error().kind == ErrorKind::kUsage);
}

TEST_CASE("copy: a binary that is damaged here, and not to be had, goes", "[log_copy]") {
  ClientLab lab(1);
  const TempDir dir;
  const std::string where = dir.file("copy");
  const std::string bad =
      where + "/a.b/c@v1.0.0/js-wasm-go1.26.8/0zkPWcxWmiWHZYW2QX4N5VurqP4g/c-v1.0.0-go1.26.8.gz";
  Result<std::string> answer = not_found_error("none");
  const CopyOptions options{.directory = where,
                            .binaries = [&](const std::string&, bool) { return answer; },
                            .check_binaries = true};
  const auto key = signer().verifier();
  auto copied = copy_log(lab.log, lab.head(), key, options).value();
  CHECK(copied.binaries_missing == 2);
  CHECK(copied.damaged.empty());
  for (const bool both : {false, true}) {
    if (both) answer = std::string("other");
    REQUIRE(os::write_file_atomic(bad, "not gzip", 0644));
    copied = copy_log(lab.log, lab.head(), key, options).value();
    CHECK(copied.damaged.size() == (both ? 2 : 1));
    CHECK(copied.binaries_missing == (both ? 0 : 1));
    CHECK_FALSE(os::file_exists(bad));
  }
}
