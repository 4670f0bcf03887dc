#include "dnsd/zone_key.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/crypto.h"
#include "dns/dnssec.h"
#include "dns/presentation.h"
#include "dnsd/zone_serial.h"
#include "os/file.h"
#include "support/dnsd/temp_dir.h"

namespace gw::dnsd {
namespace {

const std::string kKeyZone = *dns::parse_name("L.Example.org");

TEST_CASE("a key is made, kept and loaded, for both algorithms") {
  for (std::uint8_t algorithm : {13, 15}) {
    TempDir dir;
    const std::string file = dir.file("k.private");
    auto made = ZoneKey::create(kKeyZone, algorithm, file, from_unix(1'700'000'000));
    REQUIRE(made);
    CHECK(dns::format_name(made->zone()) == "l.example.org.");
    struct stat st {};
    REQUIRE(::stat(file.c_str(), &st) == 0);
    CHECK((st.st_mode & 0777) == 0600);
    CHECK(os::file_exists(dir.file("k.key")));
    auto loaded = ZoneKey::load(kKeyZone, file);
    REQUIRE(loaded);
    CHECK(loaded->dnskey() == made->dnskey());
    CHECK(loaded->tag() == dns::key_tag(made->dnskey()));
    CHECK(loaded->identity() == made->identity());
    CHECK(static_cast<unsigned char>(loaded->dnskey()[0]) == 1);  // 257
    CHECK(loaded->dnskey()[1] == 1);
    CHECK(loaded->ds_text().starts_with("l.example.org. IN DS "));

    auto signer = loaded->signer();
    REQUIRE(signer);
    std::string sig(64, '\0');
    REQUIRE((*signer)("message", reinterpret_cast<std::uint8_t*>(sig.data())));
    const std::string public_key = loaded->dnskey().substr(4);
    CHECK((algorithm == 13 ? p256_verify(public_key, "message", sig)
                           : ed25519_verify(public_key, "message", sig)));

    // Never over an existing file, and nothing is left behind.
    CHECK(ZoneKey::create(kKeyZone, algorithm, file, {}).error().kind == ErrorKind::kUsage);
    auto other = ZoneKey::create(kKeyZone, algorithm, dir.file("k"), {});  // k.key is there
    REQUIRE_FALSE(other);
    CHECK(other.error().kind == ErrorKind::kUsage);
    CHECK_FALSE(os::file_exists(dir.file("k")));
  }
}

TEST_CASE("a key that is not this zone's CSK is refused") {
  TempDir dir;
  const std::string file = dir.file("k");
  REQUIRE(ZoneKey::create(kKeyZone, 13, file, {}));
  const std::string private_text = *os::read_file(file, 4096);
  const std::string public_text = *os::read_file(file + ".key", 4096);

  auto fails_with = [&](std::string_view part) {
    auto key = ZoneKey::load(kKeyZone, file);
    REQUIRE_FALSE(key);
    INFO(key.error().message);
    CHECK(key.error().kind == ErrorKind::kUsage);
    CHECK(key.error().message.find(part) != std::string::npos);
  };
  auto put_public = [&](const std::string& text) {
    REQUIRE(os::write_file_atomic(file + ".key", text, 0644));
  };
  auto replaced = [&](std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
  };

  auto other_zone = ZoneKey::load(*dns::parse_name("example.net"), file);
  REQUIRE_FALSE(other_zone);
  CHECK(other_zone.error().message.find("l.example.org") != std::string::npos);

  put_public(replaced(public_text, " 257 ", " 256 "));
  fails_with("flags are 256");
  REQUIRE(ZoneKey::create(kKeyZone, 13, dir.file("other"), {}));
  put_public(*os::read_file(dir.file("other.key"), 4096));
  fails_with("not the public half");
  put_public("garbage");
  fails_with(file + ".key");
  std::filesystem::remove(file + ".key");
  CHECK(ZoneKey::load(kKeyZone, file));  // derived: a key that signs all
  put_public(public_text);
  CHECK(ZoneKey::load(kKeyZone, file));

  for (const std::string& bad :
       {std::string("Private-key-format: v1.3\n"), std::string(), std::string("\0\1\2", 3),
        replaced(private_text, "13 (", "8 ("),
        replaced(private_text, "PrivateKey: ", "PrivateKey: AAAA"), std::string(100'000, 'x')}) {
    REQUIRE(os::write_file_atomic(file, bad, 0600));
    auto key = ZoneKey::load(kKeyZone, file);
    REQUIRE_FALSE(key);
    // The secret is never quoted.
    CHECK(key.error().message.find("PrivateKey: ") == std::string::npos);
  }
  std::filesystem::remove(file);
  auto missing = ZoneKey::load(kKeyZone, file);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().kind == ErrorKind::kUsage);
  CHECK(missing.error().hint.find("serve-dns key new --zone L.Example.org --key " + file) !=
        std::string::npos);
}

TEST_CASE("a key that others may use, or that is no file, is refused, and nothing of it is told") {
  TempDir dir;
  const std::string file = dir.file("k");
  REQUIRE(ZoneKey::create(kKeyZone, 13, file, {}));
  for (const mode_t mode : {0600, 0640, 0400}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK(ZoneKey::load(kKeyZone, file));
  }
  for (const mode_t mode : {0666, 0644, 0660, 0604}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    auto key = ZoneKey::load(kKeyZone, file);
    REQUIRE_FALSE(key);
    CHECK(key.error().kind == ErrorKind::kUsage);
    CHECK(key.error().message.find("others may") != std::string::npos);
    CHECK(key.error().hint.find("chmod 600") != std::string::npos);
  }
  REQUIRE(::chmod(file.c_str(), 0600) == 0);

  // What root is led to by a link of the service's user, as the key and as its public half.
  const std::string shadow = dir.file("shadow");
  for (const std::string_view text :
       {"root:$y$j9T$hash:19000:0:99999:7:::\n", "root $y$j9T$hash\n",
        "Private-key-format: $y$j9T$hash\n", "Algorithm: $y$j9T$hash\n",
        "$y$j9T$hash. 60 IN DNSKEY 257 3 13 AAAA\n", "a. 60 IN TXT \"$y$j9T$hash\"\n"}) {
    INFO(text);
    REQUIRE(os::write_file_atomic(shadow, text, 0600));
    for (const std::string& link : {file, file + ".key"}) {
      std::filesystem::rename(link, dir.file("kept"));
      std::filesystem::create_symlink(shadow, link);
      auto key = ZoneKey::load(kKeyZone, file);
      REQUIRE_FALSE(key);
      CHECK(key.error().message.find("$y$") == std::string::npos);
      CHECK(key.error().hint.find("$y$") == std::string::npos);
      std::filesystem::remove(link);
      std::filesystem::rename(dir.file("kept"), link);
    }
  }
  for (const std::string& pipe : {file, file + ".key"}) {
    std::filesystem::rename(pipe, dir.file("kept"));
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(ZoneKey::load(kKeyZone, file).error().kind == ErrorKind::kUsage);
    std::filesystem::remove(pipe);
    std::filesystem::rename(dir.file("kept"), pipe);
  }
}

TEST_CASE("unknown algorithms and bad secrets") {
  TempDir dir;
  CHECK(ZoneKey::create(kKeyZone, 8, dir.file("k"), {}).error().kind == ErrorKind::kUsage);
  CHECK_FALSE(os::file_exists(dir.file("k")));
  CHECK(ZoneKey::from_secret(kKeyZone, 13, "short").error().kind == ErrorKind::kUsage);
  CHECK(ZoneKey::from_secret(kKeyZone, 13, std::string(32, '\0')).error().kind ==
        ErrorKind::kUsage);
}

// On to the serial of this tree and these settings, kept if it is a new one.
Status update(ZoneSerial& serial, std::uint64_t tree_size, const std::string& settings) {
  return serial.advance(tree_size, settings) ? serial.save() : Status();
}

TEST_CASE("the serial never goes back") {
  TempDir dir;
  const std::string file = ZoneSerial::file_beside(dir.file("k"));
  auto load = [&] { return *ZoneSerial::load(file); };
  {
    auto serial = load();
    CHECK_FALSE(serial.known());
    CHECK(serial.advance(5000, "a"));
    CHECK_FALSE(os::file_exists(file));  // nothing is kept that was not said to be
    REQUIRE(serial.save());
    CHECK(serial.current() == 5000);
    CHECK_FALSE(serial.advance(5000, "a"));
    CHECK(serial.current() == 5000);
    REQUIRE(update(serial, 5000, "b"));  // a setting
    CHECK(serial.current() == 5001);
  }
  {
    auto serial = load();
    CHECK(serial.current() == 5001);
    REQUIRE(update(serial, 5000, "b"));
    CHECK(serial.current() == 5001);
    REQUIRE(update(serial, 5001, "b"));  // the tree grew to a number that was used
    CHECK(serial.current() == 5002);
    REQUIRE(update(serial, 7458, "b"));
    CHECK(serial.current() == 7458);
    REQUIRE(update(serial, 10, "b"));  // another database
    CHECK(serial.current() == 7459);
  }
  REQUIRE(os::write_file_atomic(file, "serial 4294967295\ntree 1\nsettings x\n", 0644));
  auto serial = load();
  REQUIRE(update(serial, 2, "x"));
  CHECK(serial.current() == 1);  // RFC 1982: after the largest one

  for (std::string_view bad :
       {"", "serial 1\n", "serial x\ntree 1\nsettings y\n",
        "serial 4294967296\ntree 1\nsettings y\n", "serial 1\ntree 1\nsettings y\nmore\n",
        "serial 1\ntree 1\nsettings y"}) {
    REQUIRE(os::write_file_atomic(file, bad, 0644));
    CHECK(ZoneSerial::load(file).error().kind == ErrorKind::kCorrupt);
  }
}

TEST_CASE("a serial that cannot be kept is served all the same, and said") {
  TempDir dir;
  auto serial = *ZoneSerial::load(dir.file("no/such/dir/serial"));
  CHECK(update(serial, 7, "a").error().kind == ErrorKind::kIo);
  CHECK(serial.current() == 7);
}

}  // namespace
}  // namespace gw::dnsd
