#include "dnsd/served_file.h"

#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "dns/rdata.h"
#include "dns/wire.h"
#include "os/file.h"
#include "support/dnsd/temp_dir.h"

namespace gw::dnsd {
namespace {

const std::string kFileOrigin = *dns::parse_lower_name("example.org");

std::string zone_text(int serial, const std::string& more = "") {
  return "$TTL 60\n@ SOA ns.y. h.y. " + std::to_string(serial) + " 1 1 1 1\n@ NS ns.y.\n" + more;
}

struct FileLab {
  TempDir dir;
  std::vector<std::string> lines;
  Logger log{LogLevel::kInfo, [this](std::string_view line) { lines.emplace_back(line); }};
  SigningContext signing{{.cache_bytes = 1 << 20}};
  Epochs epochs;
  const std::string file = dir.file("zone");
  const std::string key_file = dir.file("key");
  std::unique_ptr<ServedFile> zone;

  FileLab() {
    write(zone_text(1));
    new_key();
    zone = *ServedFile::make({kFileOrigin, file, key_file}, epochs, signing, log);
    REQUIRE(zone->start(""));
    REQUIRE(zone->publish());
  }
  void write(const std::string& text) { REQUIRE(os::write_file_atomic(file, text, 0644)); }
  void new_key() {
    ::unlink(key_file.c_str());
    ::unlink(public_key_file(key_file).c_str());
    REQUIRE(ZoneKey::create(kFileOrigin, 15, key_file, from_unix(1)));
  }
  std::uint32_t serial() const { return dns::soa_serial(zone->zone().content()->soa().rdatas); }
  std::size_t count(std::string_view event) const {
    std::size_t n = 0;
    for (const std::string& line : lines) n += line.find(event) != std::string::npos ? 1 : 0;
    return n;
  }
};

TEST_CASE("a changed file is read once it has stayed the same for a poll") {
  FileLab lab;
  lab.zone->poll();
  lab.write(zone_text(2));
  lab.zone->poll();
  CHECK(lab.serial() == 1);  // it may still be written
  lab.write(zone_text(3));
  lab.zone->poll();
  CHECK(lab.serial() == 1);
  lab.zone->poll();
  CHECK(lab.serial() == 3);
  CHECK(lab.count("event=zone_loaded") == 2);
  for (int i = 0; i < 3; ++i) lab.zone->poll();
  CHECK(lab.count("event=zone_loaded") == 2);
}

// A zone that is read in the background, and what poll() says until that is done.
TEST_CASE("a large file is read on a thread of its own") {
  FileLab lab;
  lab.zone = *ServedFile::make({.origin = kFileOrigin,
                                .file = lab.file,
                                .key_file = lab.key_file,
                                .max_records = 5,
                                .load_at_once = 0},
                               lab.epochs, lab.signing, lab.log);
  REQUIRE(lab.zone->start(""));
  REQUIRE(lab.zone->publish());
  CHECK_FALSE(lab.zone->busy());
  const auto wait = [&] {
    while (lab.zone->busy()) lab.zone->poll();
  };
  lab.write(zone_text(2));
  lab.zone->poll();
  lab.zone->poll();
  CHECK(lab.zone->busy());
  CHECK(lab.zone->status()["loading"].get<bool>());
  CHECK(lab.serial() == 1);
  wait();
  CHECK(lab.serial() == 2);
  CHECK_FALSE(lab.zone->status()["loading"].get<bool>());

  // A reload with a new key is done when the content that announces it is served.
  const std::uint16_t tag = lab.zone->key()->tag();
  lab.new_key();
  lab.zone->reload();
  CHECK(lab.zone->busy());
  CHECK(lab.zone->key()->tag() == tag);
  CHECK(lab.count("event=reloaded") == 0);
  wait();
  CHECK(lab.zone->key()->tag() != tag);
  CHECK(lab.count("event=reloaded") == 1);

  // More records than may be: the zone stays.
  lab.write(zone_text(3, "a A 1.2.3.4\nb A 1.2.3.4\nc A 1.2.3.4\nd A 1.2.3.4\n"));
  lab.zone->reload();
  wait();
  CHECK(lab.serial() == 2);
  CHECK(lab.count("zone:7: more than 5 records") == 1);

  // One that goes while it reads stops that.
  lab.write(zone_text(4));
  lab.zone->reload();
  lab.zone.reset();
}

TEST_CASE("whoever is told to end does not wait for the first load") {
  FileLab lab;
  os::Stop stop;
  auto zone = *ServedFile::make({.origin = kFileOrigin,
                                 .file = lab.file,
                                 .key_file = lab.key_file,
                                 .max_records = 0,
                                 .stop = &stop},
                                lab.epochs, lab.signing, lab.log);
  stop.request();
  const Status status = zone->start("");
  REQUIRE_FALSE(status);
  CHECK(status.error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("a broken file is told once, and leaves content and key as they were") {
  FileLab lab;
  const dns::ZoneContent* content = lab.zone->zone().content();
  const std::uint16_t tag = lab.zone->key()->tag();
  lab.write(zone_text(2, "broken\n"));
  for (int i = 0; i < 5; ++i) lab.zone->poll();
  CHECK(lab.count("event=zone_not_loaded") == 1);
  CHECK(lab.count("zone:4: a record without a type") == 1);
  CHECK(lab.zone->status()["error"].get<std::string>().find("zone:4: ") != std::string::npos);
  // A new key waits: its DNSKEY could not be announced. So it does for a good file, without
  // another request; and an old key that is back is no new one.
  lab.new_key();
  lab.zone->reload();
  CHECK(lab.zone->zone().content() == content);
  CHECK(lab.zone->key()->tag() == tag);
  CHECK(content->key() != dns::kUnsigned);
  CHECK(lab.count("event=zone_not_loaded") == 1);  // the same complaint
  lab.write(zone_text(2));
  for (int i = 0; i < 2; ++i) lab.zone->poll();
  CHECK(lab.serial() == 2);
  CHECK(lab.zone->key()->tag() != tag);
  CHECK_FALSE(lab.zone->status().contains("error"));
  lab.epochs.collect();
}

TEST_CASE("a failure that may pass is tried again, and told once") {
  FileLab lab;
  lab.write(zone_text(2));
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  for (int i = 0; i < 6; ++i) lab.zone->poll();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(lab.count("event=zone_not_loaded") == 1);
  CHECK(lab.serial() == 1);
  for (int i = 0; i < 2; ++i) lab.zone->poll();
  CHECK(lab.serial() == 2);  // the file is as it was
}

TEST_CASE("a key that is taken back before it was used is not used") {
  FileLab lab;
  const std::uint16_t tag = lab.zone->key()->tag();
  const std::string secret = *os::read_file(lab.key_file, 4096);
  const std::string half = *os::read_file(public_key_file(lab.key_file), 4096);
  lab.write(zone_text(2, "broken\n"));
  lab.new_key();
  lab.zone->reload();
  REQUIRE(os::write_file_atomic(lab.key_file, secret, 0600));
  REQUIRE(os::write_file_atomic(public_key_file(lab.key_file), half, 0644));
  lab.write(zone_text(2));
  lab.zone->reload();
  CHECK(lab.serial() == 2);
  CHECK(lab.zone->key()->tag() == tag);
}

TEST_CASE("an old content and its key last as long as a reader may use them") {
  FileLab lab;
  OnlineSigner signer(lab.signing);
  const dns::RrsetView soa = lab.zone->zone().content()->soa();
  std::string out(dns::rrsig_size(kFileOrigin), '\0');
  auto sign = [&](dns::KeyId key) {
    signer.begin(from_unix(1'800'000'000), 0);
    return signer.sign({kFileOrigin, key, kFileOrigin, soa}, out).status;
  };
  Epochs::Reader reader(lab.epochs);
  reader.enter();
  const dns::ZoneContent* old = lab.zone->zone().content();
  const dns::KeyId old_key = old->key();
  lab.new_key();
  lab.zone->reload();
  lab.epochs.collect();
  CHECK(lab.zone->zone().content() != old);
  CHECK(old->soa().rdatas == soa.rdatas);  // still there
  CHECK(sign(old_key) == dns::SignStatus::kSigned);
  CHECK(sign(lab.zone->zone().content()->key()) == dns::SignStatus::kSigned);
  const std::string kept(soa.rdatas);
  reader.leave();
  lab.epochs.collect();
  const dns::RrsetView now{dns::rrtype::kSoa, 1, 60, kept};
  signer.begin(from_unix(1'800'000'000), 0);
  CHECK(signer.sign({kFileOrigin, old_key, kFileOrigin, now}, out).status ==
        dns::SignStatus::kFailed);
}

}  // namespace
}  // namespace gw::dnsd
