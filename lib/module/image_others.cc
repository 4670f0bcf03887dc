// Plan 9's a.out and AIX's XCOFF: simple formats, for the few who build for them. Both are
// big-endian whatever the processor is.
#include "module/image.h"

namespace gw::mod {

// The header and the text are loaded together, the data from the next page on. Those addresses
// count, and not, as in Go's debug/buildinfo, the file's offsets: by those the data begins wherever
// the text ends, and programs seem to have no build info when that is no multiple of 16.
Result<Image> read_plan9(const ByteSource& source) {
  constexpr std::uint32_t kWide = 0x8000;
  GW_TRY(const std::string bytes, source.read_exactly(0, 32));
  const Fields header(bytes, true);
  const bool wide = (header.u32(0) & kWide) != 0;
  const std::uint64_t page = wide ? 0x200000 : 0x1000;  // and where the first one is
  const std::uint64_t text_end = (wide ? 40U : 32U) + std::uint64_t{header.u32(4)};
  const std::uint64_t data_size = header.u32(8);
  Image image;
  image.data_address = (page + text_end + page - 1) / page * page;
  image.data_size = data_size;
  image.regions = {{page, 0, text_end}, {image.data_address, text_end, data_size}};
  return image;
}

Result<Image> read_xcoff(const ByteSource& source) {
  constexpr std::uint32_t kData = 0x40;
  GW_TRY(const std::string bytes, source.read_exactly(0, 24));
  const Fields header(bytes, true);
  const bool wide = header.u16(0) == 0x01f7;
  const std::size_t word = wide ? 8 : 4;
  const std::size_t section_bytes = wide ? 72 : 40;
  const std::size_t count = header.u16(2);
  // f_opthdr stands in the same place in both: after a symbol table's offset and number, or its
  // offset.
  const std::uint64_t table_offset = (wide ? 24U : 20U) + std::uint64_t{header.u16(16)};
  auto table = source.read_exactly(table_offset, count * section_bytes);
  if (!table) return std::move(table).error().in("XCOFF file");
  Image image;
  for (std::size_t i = 0; i < count; ++i) {
    const Fields section = Fields(*table, true).from(i * section_bytes);
    const std::uint64_t address = section.get(8 + word, word);
    const std::uint64_t size = section.get(8 + 2 * word, word);
    image.regions.push_back({address, section.get(8 + 3 * word, word), size});
    if (image.data_size == 0 && section.u32(wide ? 64 : 36) == kData) {
      image.data_address = address;
      image.data_size = size;
    }
  }
  return image;
}

}  // namespace gw::mod
