// The log writer against known logs (a build service's example, the replica) and its rules.
#include "tlog/log_writer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <random>

#include "base/bytes.h"
#include "os/file.h"
#include "support/tlog/own_log.h"
#include "tlog/c2sp_tiles.h"
#include "tlog/cosignature.h"
#include "tlog/data_tile.h"
#include "tlog/hash.h"
#include "tlog/lookup.h"

using namespace gw;
using namespace gw::tlog;
using gw::testing::MemoryLogStore;
using gw::testing::OwnLog;

namespace {

const std::string kReplica = GW_TEST_DATA "/replica";

SignerKey example_key() {
  return SignerKey::parse(
             "PRIVATE+KEY+gobuildtest+d0d3feb6+AXgHf7lUluErzggs4KZ6pTjWBAs4ip1uGK1K12tiJy2M")
      .value();
}

std::string slurp(const std::string& path) { return os::read_file(path, 1UL << 24U).value(); }

// All records of the replica, in order.
std::vector<std::string> replica_records() {
  std::vector<std::string> out;
  for (std::uint64_t first = 0; first < 7458; first += kTileWidth) {
    const TileId id{kDataLevel, first / kTileWidth,
                    static_cast<std::uint32_t>(std::min<std::uint64_t>(256, 7458 - first))};
    const std::string tile = slurp(kReplica + "/" + format_tile_path(id));
    RecordTexts texts;
    REQUIRE(split_data_tile(tile, first, id.width, Framing::kBlankLines, texts));
    out.insert(out.end(), texts.begin(), texts.begin() + id.width);
  }
  return out;
}

LogEntry entry(std::string key, std::string record) {
  return {std::move(key), std::move(record), nullptr};
}

}  // namespace

TEST_CASE("the example log of a build service, byte for byte") {
  const SignerKey key = example_key();
  CHECK(key.verifier().format() ==
        "gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF");
  OwnLog log(key);
  CHECK(log.file("latest") ==
        "go.sum database tree\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n"
        "\xe2\x80\x94 gobuildtest 0NP+tlfkCFE6DE4aNaDsH5BDPDogiVygDqlWUs+"
        "GsF1ItekL05AypnAd6CcpgGMYANvdmcRsDo0N74zCf/8yFXiTpQc=\n");

  // An unstripped build's record ends in a space.
  const std::string record =
      "example.test/hello v0.1.0 / linux amd64 go1.26.10 2538672 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n";
  const std::string build = "example.test/hello@v0.1.0/linux-amd64-go1.26.10/";
  const auto done = log.writer().append(entry(build, record));
  REQUIRE(done);
  CHECK(done->number == 0);
  const std::string head = log.file("latest");
  CHECK(head == key.sign_note("go.sum database tree\n1\n"
                              "12GZhSWu8Ib7QI1cHw3ycpbUpzGrkwYuO9Z56DIx7dA=\n"));
  CHECK(done->head->latest == head);
  CHECK(log.file("lookup/" + build) == "0\n" + record + "\n" + head);
  CHECK(log.file("tile/8/data/000.p/1") == "0\n" + record + "\n");
  CHECK(encode_base64(log.file("tile/8/0/000.p/1")) ==
        "12GZhSWu8Ib7QI1cHw3ycpbUpzGrkwYuO9Z56DIx7dA=");

  // The second dialect, under the second name.
  CHECK(log.file("tile/0/000.p/1") == log.file("tile/8/0/000.p/1"));
  CHECK(log.file("tile/entries/000.p/1") == std::string("\0\x58", 2) + record);
  REQUIRE(record.size() == 0x58);
  CHECK(open_note(log.file("checkpoint"), log.checkpoint.key()).value() ==
        "gobuildtest/tlog\n1\n12GZhSWu8Ib7QI1cHw3ycpbUpzGrkwYuO9Z56DIx7dA=\n");
}

TEST_CASE("the replica, written again byte for byte") {
  std::string key = slurp(kReplica + "/key.test-only");
  key.erase(key.find('\n'));
  OwnLog log(SignerKey::parse(key).value(), DataTileStyle::kTerminated);
  const std::vector<std::string> records = replica_records();

  // Lookups by the head that they were made under.
  std::map<std::uint64_t, std::string> keys;
  std::map<std::string, std::vector<std::string>> lookups;
  for (const auto& e : std::filesystem::recursive_directory_iterator(kReplica + "/lookup")) {
    if (!e.is_regular_file()) continue;
    const std::string path = std::filesystem::relative(e.path(), kReplica).string();
    const std::string reply = slurp(e.path().string());
    const LookupReply parsed = parse_lookup(reply).value();
    keys[parsed.number] = path.substr(std::string("lookup/").size());
    lookups[std::string(parsed.note)].push_back(path);
  }
  std::mt19937 random(8);
  std::uint64_t size = 0;
  std::size_t lookups_seen = 0;
  for (const auto& [file, end] : {std::pair("latest.first", 5000U), std::pair("latest", 7458U)}) {
    while (size < end) {
      std::vector<LogEntry> entries;
      for (std::uint64_t n = random() % 400 + 1; n > 0 && size < end; --n, ++size) {
        entries.push_back(entry(keys[size], records[size]));
      }
      for (const auto& done : log.writer().append_all(std::move(entries))) REQUIRE(done);
    }
    const std::string head = slurp(kReplica + "/" + file);
    CHECK(log.file("latest") == head);
    for (const std::string& path : lookups[head]) {
      INFO(path);
      CHECK(log.file(path) == slurp(kReplica + "/" + path));
      ++lookups_seen;
    }
  }
  CHECK(lookups_seen == 78);
  std::size_t tiles = 0;
  for (const auto& e : std::filesystem::recursive_directory_iterator(kReplica + "/tile")) {
    if (!e.is_regular_file()) continue;
    const std::string path = std::filesystem::relative(e.path(), kReplica).string();
    INFO(path);
    const auto read = log.files().read(path);
    REQUIRE(read);
    CHECK(read->body == slurp(e.path().string()));
    CHECK(read->immutable);
    ++tiles;
  }
  CHECK(tiles == 64);
}

TEST_CASE("one record a key") {
  OwnLog log(example_key());
  LogWriter& writer = log.writer();
  REQUIRE(writer.append(entry("a", "a 1\n"))->number == 0);
  REQUIRE(writer.append(entry("b", "b 1\n"))->number == 1);
  const auto again = writer.append(entry("a", "a 1\n"));
  REQUIRE(again);
  CHECK(again->number == 0);
  CHECK(again->head->size == 2);
  const auto other = writer.append(entry("a", "a 2\n"));
  REQUIRE_FALSE(other);
  CHECK(other.error().kind == ErrorKind::kUsage);
  // Within one commit too; what is refused does not keep the others out.
  auto many = writer.append_all({entry("c", "c 1\n"), entry("c", "c 1\n"), entry("c", "c 2\n"),
                                 entry("b", "b 1\n"), entry("", "a 1\n"), entry("", "a 1\n"),
                                 entry("d", "no line feed"), entry("e", "e 1\n")});
  REQUIRE(many.size() == 8);
  CHECK(many[0]->number == 2);
  CHECK(many[1]->number == 2);
  CHECK(many[2].error().kind == ErrorKind::kUsage);
  CHECK(many[3]->number == 1);
  CHECK(many[4]->number == 3);  // without a key a record is a record
  CHECK(many[5]->number == 4);
  CHECK(many[6].error().kind == ErrorKind::kUsage);
  CHECK(many[7]->number == 5);
  CHECK(writer.head()->size == 6);
  CHECK(log.store.commits() == 3);
  CHECK(writer.append_all({}).empty());
}

TEST_CASE("what is no record is refused") {
  OwnLog log(example_key());
  for (const std::string& bad :
       {std::string(), std::string("a"), std::string("a\n\nb\n"), std::string("\na\n"),
        std::string("a\tb\n"), std::string("\xff\n"), std::string(kMaxRecordBytes, 'x') + "\n"}) {
    INFO(bad.size());
    const auto done = log.writer().append(entry("k", bad));
    REQUIRE_FALSE(done);
    CHECK(done.error().kind == ErrorKind::kUsage);
  }
  CHECK(log.writer().head()->size == 0);
  // The largest are still served in tiles that followers take.
  log.append(std::vector<std::string>(256, std::string(kMaxRecordBytes - 1, 'x') + "\n"));
  CHECK(log.file("tile/8/data/000").size() <= kMaxDataTileBytes);
}

TEST_CASE("only what is below the head is served, under its one path") {
  OwnLog log(example_key());
  std::vector<std::string> records;
  for (int i = 0; i < 300; ++i) records.push_back("record " + std::to_string(i) + "\n");
  log.append(records);
  for (const char* good : {"latest", "checkpoint", "tile/8/0/000", "tile/8/0/000.p/255",
                           "tile/8/0/001.p/44", "tile/8/1/000.p/1", "tile/1/000.p/1",
                           "tile/8/data/001.p/44", "tile/entries/001.p/1", "tile/0/000"}) {
    INFO(good);
    CHECK(log.files().read(good));
  }
  for (const char* bad :
       {"", "/latest", "latest/", "checkpoints", "tile/8/0/001", "tile/8/0/001.p/45",
        "tile/8/0/002.p/1", "tile/8/1/000", "tile/8/1/000.p/2", "tile/8/2/000.p/1",
        "tile/entries/001.p/45", "tile/entries/001", "tile/data/000", "tile/8/entries/000",
        "tile/8/000", "lookup/", "lookup/x", "tile/8/0/000.p/256", "tile/8/-1/000"}) {
    INFO(bad);
    const auto read = log.files().read(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::kNotFound);
  }
  CHECK_FALSE(log.files().read("latest")->immutable);
  CHECK_FALSE(log.files().read("checkpoint")->immutable);

  // Without a second signer there is no second dialect.
  auto plain = LogWriter::open(log.store, {&log.latest, nullptr}).value();
  const LogFiles files(log.store, *plain, DataTileStyle::kSeparated);
  CHECK(files.read("tile/8/0/000"));
  CHECK_FALSE(files.read("checkpoint"));
  CHECK_FALSE(files.read("tile/0/000"));
  CHECK(plain->checkpoint().empty());
  CHECK(plain->publish_witnessed("x").error().kind == ErrorKind::kUsage);
}

TEST_CASE("a witnessed checkpoint is shown until the next, and only one of this log") {
  OwnLog log(example_key());
  const Cosigner witness = Cosigner::from_seed("w.test", std::string(32, 'w')).value();
  const std::vector<CosignerKey> known = {witness.key()};
  const auto cosign = [&](const std::string& note) {
    const auto parsed = parse_note(note).value();
    return add_cosignatures(note, witness.signature_line(parsed.text, from_unix(1)), known).value();
  };
  log.append({"a\n", "b\n"});
  const std::string at2 = log.writer().head()->checkpoint;
  CHECK(log.file("checkpoint") == at2);
  log.append({"c\n"});
  const std::string at3 = log.writer().head()->checkpoint;
  CHECK(log.file("checkpoint") == at3);
  // The witness was slow: an older one is given, and stays while the log grows.
  REQUIRE(log.writer().publish_witnessed(cosign(at2)));
  CHECK(log.file("checkpoint") == cosign(at2));
  log.append({"d\n"});
  CHECK(log.file("checkpoint") == cosign(at2));
  CHECK(verify_cosignature(log.file("checkpoint"), witness.key()).value() == from_unix(1));
  CHECK(log.file("latest").find("w.test") == std::string::npos);
  REQUIRE(log.writer().publish_witnessed(cosign(at3)));
  CHECK(log.file("checkpoint") == cosign(at3));
  CHECK(log.writer().publish_witnessed(cosign(at2)).error().kind == ErrorKind::kUsage);
  REQUIRE(log.writer().publish_witnessed(cosign(at3)));

  // Another log's, `latest`, one that is not signed, a validly signed one that is not ours.
  const SignerKey second =
      SignerKey::from_seed("gobuildtest/tlog", as_bytes(sha256("gobuildtest"))).value();
  OwnLog other(SignerKey::from_seed("other", std::string(32, 'o')).value());
  for (const std::string& bad :
       {other.writer().head()->checkpoint, log.file("latest"), std::string("x"),
        second.sign_note(format_tree_text("gobuildtest/tlog", 3, empty_tree_hash())),
        second.sign_note(format_tree_text("gobuildtest/tlog", 5, empty_tree_hash())),
        second.sign_note("x\n"), second.sign_note("gobuildtest/tlog\n3\n")}) {
    INFO(bad);
    const Status status = log.writer().publish_witnessed(bad);
    REQUIRE_FALSE(status);
    CHECK(status.error().kind == ErrorKind::kUntrusted);
  }
  CHECK(log.file("checkpoint") == cosign(at3));
}

TEST_CASE("opening again goes on, and a changed or older store is refused") {
  OwnLog log(example_key());
  for (int i = 0; i < 600; ++i) log.append({"record " + std::to_string(i) + "\n"});
  const std::string head = log.file("latest");
  const Checkpoint at600 = log.head();
  log.open();
  CHECK(log.file("latest") == head);
  log.append({"one more\n"});
  CHECK(log.head().size() == 601);
  const Checkpoint at601 = log.head();
  CHECK(LogWriter::open(log.store, log.signers(), at600));
  CHECK(LogWriter::open(log.store, log.signers(), at601));

  // A copy from before the published head, and one that went on otherwise.
  OwnLog older(example_key());
  older.append(
      std::vector<std::string>(log.store.records().begin(), log.store.records().begin() + 600));
  CHECK(LogWriter::open(older.store, older.signers(), at600));
  CHECK(LogWriter::open(older.store, older.signers(), at601).error().kind == ErrorKind::kCorrupt);
  older.append({"something else\n"});
  CHECK(LogWriter::open(older.store, older.signers(), at600));
  CHECK(LogWriter::open(older.store, older.signers(), at601).error().kind == ErrorKind::kCorrupt);

  // A flipped bit in the last tile: in a record, a leaf, a node.
  const auto refused = [&] {
    const auto opened = LogWriter::open(log.store, log.signers());
    return !opened && opened.error().kind == ErrorKind::kCorrupt;
  };
  CHECK_FALSE(refused());
  log.store.record(599)[0] ^= 1;
  CHECK(refused());
  log.store.record(599)[0] ^= 1;
  log.store.hash(0, 570)[3] ^= 1;
  CHECK(refused());
  log.store.hash(0, 570)[3] ^= 1;
  log.store.hash(6, 8)[3] ^= 1;
  CHECK(refused());
  log.store.hash(6, 8)[3] ^= 1;
  CHECK_FALSE(refused());
}

TEST_CASE("a second writer on the same store is noticed") {
  OwnLog log(example_key());
  log.append({"a\n"});
  auto second = LogWriter::open(log.store, log.signers()).value();
  REQUIRE(log.writer().append(entry("b", "b\n")));
  const auto found = second->append(entry("b", "b\n"));
  REQUIRE_FALSE(found);
  CHECK(found.error().kind == ErrorKind::kCorrupt);
  for (int i = 0; i < 2; ++i) {
    const auto added = second->append(entry("c", "c\n"));
    REQUIRE_FALSE(added);
    CHECK(added.error().kind == ErrorKind::kCorrupt);
  }
  CHECK(second->head()->size == 1);
  CHECK(log.store.records().size() == 2);
  CHECK(log.writer().append(entry("c", "c\n")));
}
