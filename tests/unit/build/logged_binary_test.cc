#include "build/logged_binary.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/crypto.h"
#include "build/key.h"
#include "module/gzip.h"

using gw::ErrorKind;
using gw::build::check_logged;
using gw::build::LoggedBinary;
using gw::build::unpack_logged;

TEST_CASE("logged binary: the bytes of the record and no others") {
  const std::string bytes(100'000, 'b');
  const std::string sum = gw::build::format_binary_sum(gw::sha256(bytes));
  const LoggedBinary logged(bytes.size(), sum);
  const std::string packed = gw::mod::gzip(bytes);
  REQUIRE(check_logged(bytes, logged));
  CHECK(unpack_logged(packed, logged).value() == bytes);
  CHECK(packed.size() <= max_packed_size(logged));

  std::string other = bytes;
  other.back() = 'c';
  const auto differs = check_logged(other, logged);
  REQUIRE_FALSE(differs);
  CHECK(differs.error().kind == ErrorKind::kUntrusted);
  CHECK(differs.error().message.find(sum) != std::string::npos);
  CHECK(check_logged(bytes + "b", logged).error().kind == ErrorKind::kUntrusted);
  for (const std::string& bad :
       {gw::mod::gzip(other), gw::mod::gzip(bytes + "b"), gw::mod::gzip(bytes.substr(1)),
        packed.substr(0, packed.size() - 1), std::string("no gzip"), std::string()}) {
    const auto unpacked = unpack_logged(bad, logged);
    REQUIRE_FALSE(unpacked);
    CHECK(unpacked.error().kind == ErrorKind::kUntrusted);
  }
}
