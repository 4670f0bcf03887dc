#include "build/key.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"

using namespace gw;
using namespace gw::build;

namespace {

Key age() {
  return {.module = "filippo.io/age",
          .version = "v1.2.1",
          .dir = "/cmd/age",
          .target = {"linux", "amd64"},
          .go_version = "go1.26.8"};
}

}  // namespace

TEST_CASE("a key as text") {
  Key key = age();
  CHECK(format_key(key) == "filippo.io/age@v1.2.1/cmd/age/linux-amd64-go1.26.8/");
  CHECK(key.package() == "filippo.io/age/cmd/age");
  CHECK(check_key(key));
  key.stripped = true;
  key.dir = "/";
  CHECK(format_key(key) == "filippo.io/age@v1.2.1/linux-amd64-go1.26.8-stripped/");
  CHECK(key.package() == "filippo.io/age");
  CHECK(check_key(key));
}

TEST_CASE("keys that no log could have are refused") {
  const auto refused = [](auto change) {
    Key key = age();
    change(key);
    const auto s = check_key(key);
    return !s && s.error().kind == ErrorKind::kUsage;
  };
  CHECK(refused([](Key& k) { k.module = "age"; }));
  CHECK(refused([](Key& k) { k.module = "filippo.io/age/v1"; }));
  CHECK(refused([](Key& k) { k.module = "../filippo.io/age"; }));
  CHECK(refused([](Key& k) { k.version = "v1.2"; }));
  CHECK(refused([](Key& k) { k.version = "latest"; }));
  CHECK(refused([](Key& k) { k.version = "v2.0.0"; }));
  CHECK(refused([](Key& k) { k.dir = "/..."; }));
  CHECK(refused([](Key& k) { k.dir = "/../x"; }));
  CHECK(refused([](Key& k) { k.dir = "cmd"; }));
  CHECK(refused([](Key& k) { k.dir = ""; }));
  CHECK(refused([](Key& k) { k.target.goos = "linux-x"; }));
  CHECK(refused([](Key& k) { k.go_version = "go1.22"; }));
}

TEST_CASE("a toolchain has one spelling") {
  for (const char* good : {"go1.13", "go1.20", "go1.20.14", "go1.21.0", "go1.26.8", "go1.27rc1",
                           "go1.21rc2", "go1.14beta1"}) {
    INFO(good);
    CHECK(check_go_version(good));
  }
  for (const char* bad : {"", "go1.22", "go1.20.0", "go1.12", "go1.12.9", "1.26.8", "go1.26.8-x",
                          "go2.1", "go1.26.08", "latest", "go1.26.8/", "go1.26.8 "}) {
    INFO(bad);
    CHECK(!check_go_version(bad));
  }
}

TEST_CASE("what a binary is called") {
  Key key = age();
  CHECK(binary_name(key) == "age-v1.2.1-go1.26.8");
  CHECK(binary_name_with_target(key) == "age-v1.2.1-linux-amd64-go1.26.8");
  key.target = {"windows", "arm64"};
  key.stripped = true;
  CHECK(binary_name(key) == "age-v1.2.1-go1.26.8-stripped.exe");
  key.dir = "/";
  key.module = "example.org/mail/v2";
  CHECK(binary_name_with_target(key) == "v2-v1.2.1-windows-arm64-go1.26.8-stripped.exe");
}

TEST_CASE("a binary's sum is twenty bytes in base64url behind a zero") {
  // Of a record that a log of this kind has: its sum in hex and back.
  CHECK(format_binary_sum(Hash{}) == "0AAAAAAAAAAAAAAAAAAAAAAAAAAA");
  Hash hash{};
  hash.fill(0xff);
  CHECK(format_binary_sum(hash) == "0__________________________8");
  hash = sha256("");
  CHECK(encode_hex(as_bytes(hash)).starts_with("e3b0c442"));
  CHECK(format_binary_sum(hash) == "047DEQpj8HBSa-_TImW-5JCeuQeQ");
}
