#include "module/image.h"

#include <catch2/catch.hpp>

#include "support/module/program_builder.h"

using namespace gw;
using namespace gw::mod;
using gw::test::Program;

namespace {

constexpr std::string_view kMagic = "\xff Go buildinf:";

struct Row {
  const char* name;
  std::string program;
  Result<Image> (*read)(const ByteSource&);  // the format's own reader
  std::size_t at = Program().padding;        // where in the data build info begins
};

Result<Image> read_thin_macho(const ByteSource& source) { return read_macho(source, 0); }

// A program of every format, of the widths and byte orders that it has.
std::vector<Row> programs() {
  std::vector<Row> rows;
  for (const std::size_t word : {4U, 8U}) {
    for (const bool section : {false, true}) {
      for (const bool big_endian : {false, true}) {
        const Program p{.word = word, .big_endian = big_endian, .section = section};
        const std::size_t at = section ? 0 : p.padding;
        rows.push_back({"elf", test::make_elf(p), read_elf, at});
        const std::string thin = test::make_macho(p);
        rows.push_back({"macho", thin, read_thin_macho, at});
        rows.push_back({"fat macho", test::make_fat_macho(thin, false), read_fat_macho, at});
        rows.push_back({"wide fat macho", test::make_fat_macho(thin, true), read_fat_macho, at});
      }
    }
    rows.push_back({"pe", test::make_pe({.word = word}), read_pe});
    const Program big{.word = word, .big_endian = true};
    rows.push_back({"plan9", test::make_plan9(big), read_plan9});
    rows.push_back({"xcoff", test::make_xcoff(big), read_xcoff});
  }
  return rows;
}

// The bytes of the file that lie at the data's addresses.
std::string data_of(const Image& image, std::string_view program) {
  for (const Image::Region& region : image.regions) {
    const std::uint64_t into = image.data_address - region.address;
    if (image.data_address < region.address || into >= region.size) continue;
    const std::uint64_t size = std::min(image.data_size, region.size - into);
    if (region.offset + into > program.size()) return {};
    return std::string(program.substr(region.offset + into, size));
  }
  return {};
}

}  // namespace

TEST_CASE("each format's reader finds the data, and the first bytes find the reader") {
  for (const Row& row : programs()) {
    CAPTURE(row.name);
    const MemorySource source(row.program);
    const auto image = row.read(source);
    REQUIRE(image);
    CHECK(data_of(*image, row.program).find(kMagic) == row.at);
    const auto same = read_image(source);
    REQUIRE(same);
    CHECK(same->data_address == image->data_address);
    CHECK(same->data_size == image->data_size);
    CHECK(same->regions.size() == image->regions.size());
  }
}

TEST_CASE("a header that is cut short is malformed, and no header another thing") {
  for (const Row& row : programs()) {
    CAPTURE(row.name);
    const MemorySource cut(std::string_view(row.program).substr(0, 18));
    CHECK(row.read(cut).error().kind == ErrorKind::kUntrusted);
    CHECK(read_image(cut).error().kind == ErrorKind::kUntrusted);
    const MemorySource stub(std::string_view(row.program).substr(0, 15));
    CHECK(read_image(stub).error().kind == ErrorKind::kNotFound);
  }
  for (const std::string& other :
       {std::string(), std::string("#!/bin/sh\nexec true\n"), std::string(64, '\0'),
        std::string("\x7f"
                    "ELG") +
            std::string(64, '\0')}) {
    CHECK(read_image(MemorySource(other)).error().kind == ErrorKind::kNotFound);
  }
}

TEST_CASE("fields are read by offset, width and byte order, and are 0 beyond the end") {
  const std::string_view bytes("\x01\x02\x03\x04\x05\x06\x07\x08name\0x", 14);
  const Fields big(bytes, true);
  const Fields little(bytes, false);
  CHECK(big.u16(0) == 0x0102);
  CHECK(little.u16(0) == 0x0201);
  CHECK(big.u32(2) == 0x03040506);
  CHECK(little.u64(0) == 0x0807060504030201);
  CHECK(big.from(4).u16(0) == 0x0506);
  CHECK(big.name(8, 6) == "name");
  CHECK(big.name(8, 2) == "na");
  CHECK(big.u64(7) == 0);
  CHECK(big.u16(13) == 0);
  CHECK(big.u16(SIZE_MAX) == 0);
  CHECK(big.name(15, 1).empty());
  CHECK(big.from(99).size() == 0);
}
