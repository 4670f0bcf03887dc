#include "buildd/log_keys.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::buildd;
using gw::testing::TempDir;

TEST_CASE("log keys: made, read again, never over another", "[log_keys]") {
  const TempDir dir;
  const std::string file = dir.file("key");
  const auto key = make_log_key("example.org", file).value();
  struct stat st {};
  REQUIRE(::stat(file.c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600);
  CHECK(load_log_key(file).value().verifier() == key.verifier());
  CHECK(make_log_key("example.org", file).error().kind == ErrorKind::kUsage);
  CHECK(make_log_key("a b", dir.file("other")).error().kind == ErrorKind::kUsage);
  CHECK_FALSE(os::file_exists(dir.file("other")));

  REQUIRE(::chmod(file.c_str(), 0640) == 0);
  CHECK(load_log_key(file).error().kind == ErrorKind::kUsage);
  CHECK(load_log_key(dir.file("none")).error().kind == ErrorKind::kUsage);
  REQUIRE(os::create_file(dir.file("bad"), "PRIVATE+KEY+x\n", 0600));
  CHECK(load_log_key(dir.file("bad")).error().kind == ErrorKind::kUsage);
}

TEST_CASE("log keys: the second dialect's is another one, always the same", "[log_keys]") {
  const auto key = tlog::SignerKey::parse(
                       "PRIVATE+KEY+gobuildtest+d0d3feb6+"
                       "AXgHf7lUluErzggs4KZ6pTjWBAs4ip1uGK1K12tiJy2M")
                       .value();
  CHECK(key.verifier().format() ==
        "gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF");
  const auto second = checkpoint_key(key).value();
  CHECK(second.verifier().name() == "gobuildtest/tlog");
  CHECK(second.verifier().public_key() != key.verifier().public_key());
  CHECK(second.verifier() == checkpoint_key(key).value().verifier());
}
