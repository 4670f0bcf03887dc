#include "base/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "base/text.h"

using namespace gw;

TEST_CASE("base64 takes the canonical spelling only") {
  struct {
    std::string bytes, text;
  } cases[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
               {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {std::string("\x00\xff\xfe", 3), "AP/+"}};
  for (auto& c : cases) {
    CHECK(encode_base64(c.bytes) == c.text);
    CHECK(decode_base64(c.text) == c.bytes);
  }
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm 9v",
                          "Zm9v\n", "Zm-_", "=AAA"}) {
    INFO(bad);
    CHECK_FALSE(decode_base64(bad));
  }
}

TEST_CASE("hex") {
  CHECK(encode_hex(std::string_view("\x00\xab", 2)) == "00ab");
  CHECK(decode_hex("00aB") == std::string("\x00\xab", 2));
  CHECK_FALSE(decode_hex("0"));
  CHECK_FALSE(decode_hex("0g"));
}

TEST_CASE("a reader fails at its end and consumes nothing then") {
  ByteReader r(std::string_view("\x01\x02\x03\x04\x05", 5));
  CHECK(r.u16() == 0x0102);
  CHECK_FALSE(r.u32());
  CHECK(r.remaining() == 3);
  CHECK(r.bytes(2) == std::string_view("\x03\x04"));
  CHECK(r.u8() == 5);
  CHECK_FALSE(r.u8());
  CHECK(r.bytes(0) == std::string_view());
}

TEST_CASE("decimal is canonical") {
  CHECK(parse_decimal("0") == 0U);
  CHECK(parse_decimal("18446744073709551615") == UINT64_MAX);
  for (const char* bad : {"", "00", "01", "+5", "-5", " 5", "5 ", "18446744073709551616", "1e3"}) {
    INFO(bad);
    CHECK_FALSE(parse_decimal(bad));
  }
}

TEST_CASE("UTF-8") {
  CHECK(is_utf8("plain \xe2\x80\x94 \xf0\x9f\x98\x80 \xc3\xa4"));
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x28\xa1", "\x80"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("quoted text is printable whatever it holds") {
  CHECK(quoted("a\"b\\c\n\x7f\xff") == "\"a\\\"b\\\\c\\x0a\\x7f\\xff\"");
  CHECK(quoted("abcdef", 3) == "\"abc\"...");
}

TEST_CASE("all is written, or the first error is told") {
  const int file = ::memfd_create("bytes", MFD_CLOEXEC);
  const std::string bytes(300'000, 'x');
  CHECK(write_all(file, bytes) == 0);
  CHECK(write_all(file, "") == 0);
  CHECK(::lseek(file, 0, SEEK_END) == 300'000);
  ::close(file);

  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  CHECK(write_all(ends[1], bytes) == EAGAIN);  // a pipe takes 64 KiB
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(write_all(-1, "x") == EBADF);
}
