// ELF: Linux, the BSDs, Solaris. The two widths differ in the places of the fields only.
//
// Files with more than 65,279 sections (their number stands elsewhere then) count as files without
// sections; Go's linker makes no such.

#include "module/image.h"

namespace gw::mod {

namespace {

constexpr std::uint64_t kMaxNamesBytes = 1UL << 20U;
constexpr std::string_view kSection = ".go.buildinfo";

struct Layout {
  std::size_t word;  // bytes of an address
  std::size_t header, program, section;
  std::size_t phoff, shoff, phentsize;                        // of the header
  std::size_t p_flags, p_offset, p_vaddr, p_filesz, p_memsz;  // of a program header
  std::size_t sh_addr, sh_offset, sh_size;                    // of a section header
};
constexpr Layout kElf32 = {4, 52, 32, 40, 28, 32, 42, 24, 4, 8, 16, 20, 12, 16, 20};
constexpr Layout kElf64 = {8, 64, 56, 64, 32, 40, 54, 4, 8, 16, 32, 40, 16, 24, 32};

class Elf {
 public:
  Elf(const ByteSource& source, const Layout& layout, bool big_endian)
      : source_(source), l_(layout), big_endian_(big_endian) {}

  Result<Image> read() {
    GW_TRY(const std::string bytes, source_.read_exactly(0, l_.header));
    const Fields header(bytes, big_endian_);
    const Fields counts = header.from(l_.phentsize);  // e_phentsize, e_phnum, e_shentsize, ...
    GW_CHECK(read_programs(header.get(l_.phoff, l_.word), counts.u16(0), counts.u16(2)));
    GW_CHECK(
        read_sections(header.get(l_.shoff, l_.word), counts.u16(4), counts.u16(6), counts.u16(8)));
    return std::move(image_);
  }

 private:
  Status read_programs(std::uint64_t offset, std::size_t size, std::size_t count) {
    constexpr std::uint32_t kLoad = 1;
    constexpr std::uint32_t kExecute = 1;
    constexpr std::uint32_t kWrite = 2;
    if (count == 0) return {};
    if (size != l_.program) return untrusted_error("program headers of an unknown size");
    GW_TRY(const std::string table, source_.read_exactly(offset, size * count));
    for (std::size_t i = 0; i < count; ++i) {
      const Fields program = Fields(table, big_endian_).from(i * size);
      if (program.u32(0) != kLoad) continue;
      const Image::Region region{program.get(l_.p_vaddr, l_.word),
                                 program.get(l_.p_offset, l_.word),
                                 program.get(l_.p_filesz, l_.word)};
      image_.regions.push_back(region);
      if (image_.data_size == 0 && (program.u32(l_.p_flags) & (kExecute | kWrite)) == kWrite) {
        image_.data_address = region.address;
        image_.data_size = program.get(l_.p_memsz, l_.word);
      }
    }
    return {};
  }

  // The section made for build info, when the program was not stripped of its sections.
  Status read_sections(std::uint64_t offset, std::size_t size, std::size_t count,
                       std::size_t names_index) {
    if (count == 0 || offset == 0) return {};
    if (size != l_.section) return untrusted_error("section headers of an unknown size");
    if (names_index >= count) return untrusted_error("section names out of place");
    GW_TRY(const std::string table, source_.read_exactly(offset, size * count));
    const auto section = [&](std::size_t i) { return Fields(table, big_endian_).from(i * size); };
    const Fields names = section(names_index);
    const std::uint64_t names_size = names.get(l_.sh_size, l_.word);
    if (names_size > kMaxNamesBytes) return untrusted_error("section names too long");
    GW_TRY(const std::string text,
           source_.read_exactly(names.get(l_.sh_offset, l_.word), names_size));
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t at = section(i).u32(0);
      if (Fields(text, false).name(at, kSection.size() + 1) != kSection) continue;
      image_.data_address = section(i).get(l_.sh_addr, l_.word);
      image_.data_size = section(i).get(l_.sh_size, l_.word);
      return {};
    }
    return {};
  }

  const ByteSource& source_;
  const Layout& l_;
  bool big_endian_;
  Image image_;
};

}  // namespace

Result<Image> read_elf(const ByteSource& source) {
  GW_TRY(const std::string ident, source.read_exactly(0, 6));
  const char width = ident[4];
  const char order = ident[5];
  if ((width != 1 && width != 2) || (order != 1 && order != 2)) {
    return untrusted_error("ELF file of an unknown kind");
  }
  auto image = Elf(source, width == 1 ? kElf32 : kElf64, order == 2).read();
  if (!image) return std::move(image).error().in("ELF file");
  return image;
}

}  // namespace gw::mod
