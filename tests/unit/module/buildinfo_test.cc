#include "module/buildinfo.h"

#include <catch2/catch.hpp>

#include "module/go_string.h"
#include "module/image.h"
#include "support/module/program_builder.h"

using namespace gw;
using namespace gw::mod;
using gw::test::framed;
using gw::test::Program;

namespace {

BuildInfo read(const std::string& program) {
  auto info = read_build_info(MemorySource(program));
  INFO((info ? std::string() : info.error().message));
  REQUIRE(info);
  return *info;
}

Error refused(const std::string& program) {
  auto info = read_build_info(MemorySource(program));
  REQUIRE(!info);
  return info.error();
}

void check_ordinary(const std::string& program, std::string_view version) {
  const BuildInfo info = read(program);
  CHECK(info.go_version == version);
  CHECK(info.path == "a.b/c");
  REQUIRE(info.main);
  CHECK(info.main->module == BuildInfo::Module{"a.b/c", "v1.2.3", "h1:x="});
  CHECK(info.deps.empty());
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

constexpr std::string_view kText =
    "path\texample.com/m/cmd\n"
    "mod\texample.com/m\tv1.0.0\th1:1=\n"
    "dep\texample.com/a\tv0.1.0\th1:2=\n"
    "dep\texample.com/b\tv0.2.0\n"
    "=>\texample.com/c\tv0.3.0\th1:3=\n"
    "dep\texample.com/d\tv0.4.0\t\n"
    "build\t-compiler=gc\n"
    "build\tCGO_CFLAGS=\n"
    "build\t-ldflags=\"-X 'main.x=a b'\\t\\\"\"\n"
    "build\t\"odd key\"=`raw`\n"
    "build\tGOOS=linux\n";

}  // namespace

TEST_CASE("the modules' text, parsed and written again") {
  const auto info = parse_build_info(kText);
  REQUIRE(info);
  CHECK(info->path == "example.com/m/cmd");
  CHECK(info->main->module.version == "v1.0.0");
  REQUIRE(info->deps.size() == 3);
  CHECK(!info->deps[0].replace);
  CHECK(info->deps[1].module == BuildInfo::Module{"example.com/b", "v0.2.0", ""});
  CHECK(info->deps[1].replace == BuildInfo::Module{"example.com/c", "v0.3.0", "h1:3="});
  CHECK(info->deps[2].module.sum.empty());
  REQUIRE(info->settings.size() == 5);
  CHECK(*info->find_setting("-ldflags") == "-X 'main.x=a b'\t\"");
  CHECK(info->find_setting("CGO_CFLAGS")->empty());
  CHECK(*info->find_setting("odd key") == "raw");
  CHECK(info->find_setting("GOARCH") == nullptr);
  const std::string text = format_build_info(*info);
  const auto both = parse_build_info("dep\ta\tv1\th1:a=\n=>\tb\tv2\th1:b=\n");
  CHECK(parse_build_info(format_build_info(*both)).value() == *both);
  CHECK(parse_build_info(text).value() == *info);
  CHECK(has(text, "build\t\"odd key\"=raw\n"));
  CHECK(has(text, "build\t-ldflags=\"-X 'main.x=a b'\\t\\\"\"\n"));
  CHECK(has(text, "dep\texample.com/b\tv0.2.0\n=>\texample.com/c\tv0.3.0\th1:3=\n"));
}

TEST_CASE("what Go skips, and what it refuses") {
  const BuildInfo nothing;
  CHECK(parse_build_info("").value() == nothing);
  CHECK(parse_build_info("\n\nfuture\tline\n").value() == nothing);
  CHECK(parse_build_info("path\tx").value() == nothing);  // no line feed
  CHECK(parse_build_info("build\ta=b=c\n")->settings[0].value == "b=c");
  for (const char* bad :
       {"mod\tx\n", "mod\ta\tb\tc\td\n", "dep\tx\n", "=>\ta\tb\tc\n", "mod\ta\tb\n=>\ta\tb\n",
        "dep\ta\tb\n=>\ta\tb\tc\n=>\ta\tb\tc\n", "build\t\n", "build\tx\n", "build\t=x\n",
        "build\ta b=c\n", "build\ta=b c\n", "build\t\"a\n", "build\t\"a\"\n", "build\t\"a\"x\n",
        "build\ta=\"b\n", "build\ta=\"b\"c\n", "build\ta=\"\\q\"\n"}) {
    INFO(bad);
    const auto info = parse_build_info(bad);
    REQUIRE(!info);
    CHECK(info.error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("Go's string literals") {
  CHECK(unquote_go(R"("a\n\t\x41\101\u00e4\U0001f600\\\"")") ==
        "a\n\tAA\xc3\xa4\xf0\x9f\x98\x80\\\"");
  CHECK(unquote_go("\"\xff\"") == "\xef\xbf\xbd");
  CHECK(unquote_go("`a\\n\r\"`") == "a\\n\"");
  for (const char* bad :
       {"", "\"", "`", "a", "'a'", "\"a", "\"a\"b", "\"a\nb\"", R"("\q")", R"("\')", R"("\')",
        R"("\400")", R"("\18")", R"("\x4")", R"("\ud800")", R"("\U00110000")", R"("\")"}) {
    INFO(bad);
    CHECK(!unquote_go(bad));
  }
  CHECK(quoted_prefix("\"a\\\"b\"c") == "\"a\\\"b\"");
  CHECK(quoted_prefix("`a`b`") == "`a`");
  CHECK(quoted_prefix("\"a").empty());
  CHECK(quote_go("a\"\\\n\x01\x7f\xff\xc3\xa4\xc2\xad\xf0\x9f\x98\x80\xf3\xa0\x80\x81") ==
        "\"a\\\"\\\\\\n\\x01\\x7f\\xff\xc3\xa4\\u00ad\xf0\x9f\x98\x80\\U000e0001\"");
}

TEST_CASE("build info in every format, width, byte order and dialect") {
  for (const std::size_t word : {4U, 8U}) {
    for (const bool pointers : {false, true}) {
      for (const bool section : {false, true}) {
        for (const bool big_endian : {false, true}) {
          const Program p{
              .word = word, .big_endian = big_endian, .pointers = pointers, .section = section};
          INFO(word << " " << pointers << " " << section << " " << big_endian);
          check_ordinary(test::make_elf(p), "go1.17.13");
          check_ordinary(test::make_macho(p), "go1.17.13");
          check_ordinary(test::make_fat_macho(test::make_macho(p), false), "go1.17.13");
          check_ordinary(test::make_fat_macho(test::make_macho(p), true), "go1.17.13");
        }
      }
      Program p{.word = word, .pointers = pointers};
      check_ordinary(test::make_pe(p), "go1.17.13");
      p.big_endian = true;
      check_ordinary(test::make_plan9(p), "go1.17.13");
      check_ordinary(test::make_xcoff(p), "go1.17.13");
    }
  }
}

TEST_CASE("the magic bytes are looked for at multiples of 16, far into the data") {
  const std::string magic = "\xff Go buildinf:";
  Program p{.section = false, .padding = 1'000'000 / 16 * 16};
  p.decoy = "1234567" + magic;
  check_ordinary(test::make_elf(p), "go1.17.13");
  p.padding += 8;
  CHECK(refused(test::make_elf(p)).kind == ErrorKind::kNotFound);
}

TEST_CASE("programs without modules, and programs of others") {
  for (const bool pointers : {false, true}) {
    const Program p{.pointers = pointers, .version = "go1.21.0 X:loopvar", .modules = ""};
    CHECK(read(test::make_elf(p)).go_version == "go1.21.0 X:loopvar");
    CHECK(read(test::make_elf(p)).path.empty());
    Program unframed = p;
    unframed.modules = "path\ta.b/c\n";
    CHECK(read(test::make_elf(unframed)).path.empty());
    Program no_version = p;
    no_version.version = "";
    CHECK(refused(test::make_elf(no_version)).kind == ErrorKind::kNotFound);
  }
  CHECK(refused(test::make_elf({.version = "go1.21\npath\tx"})).kind == ErrorKind::kUntrusted);
  for (const std::string& program : {std::string(),
                                     std::string("\x7f"
                                                 "ELF"),
                                     std::string(100, '\0'), std::string("#!/bin/sh\nexit 0\n"),
                                     std::string("\xca\xfe\xba\xbe\0\0\0\x34 a class of Java", 24),
                                     std::string("MZ") + std::string(100, '\0')}) {
    CHECK(refused(program).kind == ErrorKind::kNotFound);
  }
  std::string other = test::make_elf({.section = false});
  other[other.find(" Go buildinf:")] = '-';
  CHECK(refused(other).kind == ErrorKind::kNotFound);
}

TEST_CASE("sizes are bounded before they are believed") {
  const std::string good = test::make_elf({});
  const std::size_t header = good.find("\xff Go buildinf:");
  // Lengths as varints: of 2^63, of eleven bytes, beyond the end.
  for (const std::string& length :
       {std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), std::string(11, '\xff'),
        std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), std::string("\xff\x7f")}) {
    std::string bad = good;
    bad.replace(header + 32, length.size(), length);
    CHECK(refused(bad).kind == ErrorKind::kUntrusted);
  }
  Program large{.version = "go1.26.8",
                .modules = framed("path\t" + std::string(5U << 20U, 'x') + "\n")};
  CHECK(has(refused(test::make_elf(large)).message, "too long"));
  large.pointers = true;
  CHECK(has(refused(test::make_elf(large)).message, "too long"));
  std::string odd = test::make_elf({.pointers = true});
  odd[odd.find("\xff Go buildinf:") + 14] = 3;
  CHECK(has(refused(odd).message, "odd pointers"));
}

TEST_CASE("a damaged program gives an error or an answer, whatever is damaged") {
  for (const bool pointers : {false, true}) {
    for (const std::string& good :
         {test::make_elf({.pointers = pointers}), test::make_elf({.word = 4, .big_endian = true}),
          test::make_pe({.pointers = pointers}), test::make_macho({.pointers = pointers}),
          test::make_xcoff({.big_endian = true, .pointers = pointers}),
          test::make_plan9({.big_endian = true, .pointers = pointers})}) {
      for (std::size_t n = 0; n < good.size(); n += 3) {
        (void)read_build_info(MemorySource(std::string_view(good).substr(0, n)));
      }
      int answers = 0;
      for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char value : {'\0', '\x01', '\x7f', '\xff'}) {
          std::string bad = good;
          bad[i] = value;
          const auto info = read_build_info(MemorySource(bad));
          answers += info ? 1 : 0;
          if (!info) CHECK(info.error().kind != ErrorKind::kInternal);
        }
      }
      CHECK(answers > 0);
    }
  }
}

TEST_CASE("hostile headers") {
  const auto with = [](std::string program, std::size_t at, std::uint64_t value,
                       std::size_t bytes) {
    return program.replace(at, bytes, test::number(value, bytes, false));
  };
  const std::string elf = test::make_elf({});
  CHECK(has(refused(with(elf, 54, 57, 2)).message, "program headers"));
  CHECK(has(refused(with(elf, 58, 65, 2)).message, "section headers"));
  CHECK(has(refused(with(elf, 62, 3, 2)).message, "section names out of place"));
  CHECK(has(refused(with(elf, 32, ~0ULL, 8)).message, "too early"));
  CHECK(has(refused(with(elf, 56, 0xffff, 2)).message, "too early"));
  CHECK(has(refused(with(elf, 40, ~0ULL - 10, 8)).message, "too early"));
  CHECK(has(refused(with(elf, 4, 3, 1)).message, "unknown kind"));
  const std::string macho = test::make_macho({});
  CHECK(has(refused(with(macho, 20, 0x7fffffff, 4)).message, "load commands too long"));
  CHECK(has(refused(with(macho, 16, 0x7fffffff, 4)).message, "a load command is too long"));
  CHECK(has(refused(with(macho, 36, 0, 4)).message, "a load command is too long"));
  CHECK(has(refused(with(macho, 32 + 64, 1, 4)).message, "more sections than bytes"));
  CHECK(refused(test::make_fat_macho("not a Mach-O file", false)).kind == ErrorKind::kUntrusted);
  const std::string pe = test::make_pe({});
  CHECK(has(refused(with(pe, 0x3c, 0xffffffff, 4)).message, "too early"));
  CHECK(has(refused(with(pe, 0x80 + 20, 0xffff, 2)).message, "optional header too long"));
  // Data at the end of the address space.
  std::string far = test::make_elf({.section = false});
  far = with(far, 64 + 56 + 16, ~0ULL - 7, 8);
  CHECK(has(refused(far).message, "beyond the end of memory"));
}
