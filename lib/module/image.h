// Executable files of every system that Go builds for, as far as build info needs them: which bytes
// of the file lie at which address, and where the data begins.
//
// One reader a format, each in its own file. They read headers only, bound every count and size
// before they believe it, and check nothing that is not needed: a program that does not run may
// pass. Sources: Go's debug/elf, debug/pe, debug/macho, debug/plan9obj, internal/xcoff and
// debug/buildinfo.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "module/byte_source.h"

namespace gw::mod {

struct Image {
  struct Region {
    std::uint64_t address = 0;
    std::uint64_t offset = 0;  // in the file
    std::uint64_t size = 0;    // bytes in the file
  };
  std::vector<Region> regions;
  // Where Go's linker puts build info: a section for it, or else the first writable data. No size:
  // there is no such place.
  std::uint64_t data_address = 0;
  std::uint64_t data_size = 0;
};

// What the first bytes say. kNotFound: none of these formats. kUntrusted: malformed. Of a fat
// Mach-O file the first architecture counts, as for the go command.
Result<Image> read_image(const ByteSource& source);

// Preconditions of all: the file begins with the format's magic. `base`: where in the source the
// image begins (inside of a fat file); regions count from the source's begin.
Result<Image> read_elf(const ByteSource& source);
Result<Image> read_pe(const ByteSource& source);
Result<Image> read_macho(const ByteSource& source, std::uint64_t base);
Result<Image> read_fat_macho(const ByteSource& source);
Result<Image> read_plan9(const ByteSource& source);
Result<Image> read_xcoff(const ByteSource& source);

// A header's fields, by offset and width. What lies beyond its end is 0: whoever reads has checked
// the size.
class Fields {
 public:
  Fields(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::uint64_t get(std::size_t offset, std::size_t width) const;
  std::uint16_t u16(std::size_t offset) const { return static_cast<std::uint16_t>(get(offset, 2)); }
  std::uint32_t u32(std::size_t offset) const { return static_cast<std::uint32_t>(get(offset, 4)); }
  std::uint64_t u64(std::size_t offset) const { return get(offset, 8); }
  // A name in a field of `width` bytes, ended by a zero or the field's end.
  std::string_view name(std::size_t offset, std::size_t width) const;
  Fields from(std::size_t offset) const;
  std::size_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool big_endian_;
};

}  // namespace gw::mod
