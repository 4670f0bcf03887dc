#include "store/packed_version.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

using namespace gw::store;

namespace {

std::string pack(std::string_view version) {
  std::string out;
  append_packed_version(out, version);
  return out;
}

}  // namespace

TEST_CASE("packed versions come back exactly and are as short as said") {
  struct Case {
    std::string version;
    std::size_t size;
    bool pseudo;
  };
  const std::vector<Case> cases = {
      {"v0.0.0", 4, false},
      {"v1.2.3", 4, false},
      {"v1.127.128", 5, false},
      {"v2.0.0+incompatible", 4, false},
      {"v4294967295.0.0", 8, false},
      {"v4294967296.0.0", 17, false},  // text
      {"v20230101.1.2", 7, false},
      {"v0.0.0-20190501004415-9ce7a6920f09", 16, true},
      {"v0.0.0-20190501004415-9ce7a6920f09+incompatible", 16, true},
      {"v1.0.3-0.20250322232337-35a7c28c31ee", 16, true},
      {"v0.4.4-0.20230509120429-e17291421738", 16, true},
      {"v0.0.0-00010101000000-000000000000", 16, true},
      {"v0.0.0-99999999999999-ffffffffffff", 16, true},
      {"v0.0.0-20190501004415-9CE7A6920F09", 36, false},  // upper case: text
      {"v2.0.0-rc.1.0.20240223092044-1e7978e83f63", 43, false},
      {"v1.2.3-pre", 12, false},
      {"v01.2.3", 9, false},
      {"v1.2", 6, false},
      {"v1.2.3.4", 10, false},
      {"v1.2.3+meta", 13, false},
      {"v0.0.1-go1.26.8.linux-amd64", 29, false},
      {"", 2, false},
      {"v", 3, false},
      {"v1.2.3-0.", 11, false},
      {std::string("v1\0.2", 5), 7, false},
      {std::string(300, 'x'), 303, false},
  };
  std::set<std::string> seen;
  for (const Case& c : cases) {
    INFO(c.version);
    const std::string packed = pack(c.version);
    CHECK(packed.size() == c.size);
    CHECK(unpack_version(packed) == c.version);
    CHECK(packed_is_pseudo(packed) == c.pseudo);
    CHECK(seen.insert(packed).second);
    // Self-delimiting: what follows stays.
    const std::string more = packed + "rest";
    std::string_view in = more;
    CHECK(read_packed_version(in) == packed);
    CHECK(in == "rest");
    // Every prefix is refused.
    for (std::size_t n = 0; n < packed.size(); ++n) {
      std::string_view cut = std::string_view(packed).substr(0, n);
      CHECK_FALSE(read_packed_version(cut));
    }
  }
}

TEST_CASE("packing is one to one on random versions") {
  std::mt19937_64 random(7);  // NOLINT: the same for each run
  const auto number = [&] { return std::to_string(random() >> (random() % 64)); };
  for (int i = 0; i < 20000; ++i) {
    std::string v = "v" + number() + "." + number() + "." + number();
    if (random() % 2 == 0) {
      std::string time;
      for (int k = 0; k < 14; ++k) time.push_back(static_cast<char>('0' + random() % 10));
      std::string commit;
      for (int k = 0; k < 12; ++k) commit.push_back("0123456789abcdef"[random() % 16]);
      v += std::string(random() % 2 == 0 ? "-0." : "-") + time + "-" + commit;
    }
    if (random() % 4 == 0) v += "+incompatible";
    if (random() % 8 == 0) v[random() % v.size()] = "x.-+0"[random() % 5];
    const std::string packed = pack(v);
    REQUIRE(unpack_version(packed) == v);
    REQUIRE(packed.size() <= v.size() + 3);
  }
}

TEST_CASE("malformed packed versions are refused") {
  for (const std::string& bytes : {std::string("\x04\x01\x01\x01", 4), std::string("\x10", 1),
                                   std::string("\x10\x01x", 3), std::string("\x21\x00\x00\x00", 4),
                                   std::string("\x01\x80\x00\x00\x00", 5),  // over-long varint
                                   std::string("\x00\x05"
                                               "abc",
                                               5)}) {
    CHECK_FALSE(unpack_version(bytes));
  }
  // A time beyond 14 digits is never written.
  std::string late = pack("v0.0.0-99999999999999-ffffffffffff");
  late[4] = '\xff';
  CHECK_FALSE(unpack_version(late));
}

TEST_CASE("varints") {
  for (const std::uint64_t v : {0UL, 1UL, 127UL, 128UL, 16383UL, 16384UL, 71'848'828UL, ~0UL}) {
    std::string out;
    append_varint(out, v);
    std::string_view in = out;
    CHECK(read_varint(in) == v);
    CHECK(in.empty());
    // With more behind it, which is read otherwise.
    const std::string longer = out + "\x01\x80\xff something";
    in = longer;
    CHECK(read_varint(in) == v);
    CHECK(in == std::string_view(longer).substr(out.size()));
  }
  for (const std::string& bytes : {std::string(), std::string("\x80"), std::string("\x80\x00", 2),
                                   std::string(10, '\xff'), std::string(9, '\xff') + "\x02"}) {
    std::string_view in = bytes;
    CHECK_FALSE(read_varint(in));
    CHECK(in.size() == bytes.size());
  }
  for (const std::string& bytes :
       {std::string("\x80\x00 something", 12), std::string("\xff\x80\x80\x00 something", 14),
        std::string(9, '\xff') + "\x02 something", std::string(20, '\xff')}) {
    std::string_view in = bytes;
    CHECK_FALSE(read_varint(in));
    CHECK(in.size() == bytes.size());
  }
}
