#include "dnsd/zone_key_in_use.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "dns/presentation.h"
#include "support/dnsd/temp_dir.h"

namespace gw::dnsd {
namespace {

const std::string kZone = *dns::parse_name("example.org.");

struct KeyLab {
  TempDir dir;
  const std::string file = dir.file("key");
  SigningContext signing{{.cache_bytes = 1 << 20}};
  Epochs epochs;
  ZoneKeyInUse key{signing, kZone, file};

  std::uint16_t new_key() const {
    std::filesystem::remove(file);
    std::filesystem::remove(public_key_file(file));
    auto made = ZoneKey::create(kZone, 15, file, from_unix(1));
    REQUIRE(made);
    return made->tag();
  }
};

TEST_CASE("the first key is in use at once, another one waits until it is announced") {
  KeyLab lab;
  CHECK(lab.key.load().error().kind == ErrorKind::kUsage);  // no file
  CHECK(lab.key.get() == nullptr);
  lab.new_key();
  CHECK(lab.key.load().value() == false);
  const auto first = lab.key.get();
  const dns::KeyId first_id = lab.key.next_id();
  CHECK(lab.key.next() == first);
  CHECK(lab.key.load().value() == false);  // the same file
  CHECK_FALSE(lab.key.waiting());

  lab.new_key();
  CHECK(lab.key.load().value() == true);
  CHECK(lab.key.waiting());
  CHECK(lab.key.get() == first);
  const auto second = lab.key.next();
  CHECK(second->identity() != first->identity());
  CHECK(lab.key.next_id() != first_id);
  const dns::KeyId second_id = lab.key.next_id();
  CHECK(lab.key.load().value() == true);  // read again: still the one that waits
  CHECK(lab.key.next_id() == second_id);

  lab.key.adopt(lab.epochs);
  CHECK(lab.key.get() == second);
  CHECK(lab.key.next_id() == second_id);
  CHECK_FALSE(lab.key.waiting());
}

TEST_CASE("a key that waited and is not wanted leaves the old one in use") {
  KeyLab lab;
  lab.new_key();
  REQUIRE(lab.key.load());
  const auto first = lab.key.get();
  const dns::KeyId first_id = lab.key.next_id();
  lab.new_key();
  REQUIRE(lab.key.load());
  lab.key.discard();
  CHECK_FALSE(lab.key.waiting());
  CHECK(lab.key.next_id() == first_id);
  lab.key.adopt(lab.epochs);  // there is nothing to adopt
  CHECK(lab.key.get() == first);
  std::filesystem::remove(lab.file);
  CHECK_FALSE(lab.key.load());
  CHECK(lab.key.get() == first);
}

}  // namespace
}  // namespace gw::dnsd
