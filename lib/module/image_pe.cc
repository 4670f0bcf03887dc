// PE: Windows. Addresses of sections are relative to the image's base, which differs in place and
// width between PE32 and PE32+.
#include "module/image.h"

namespace gw::mod {

namespace {

constexpr std::size_t kDosBytes = 64;
constexpr std::size_t kCoffBytes = 24;  // with the "PE\0\0" before it
constexpr std::size_t kSectionBytes = 40;
constexpr std::size_t kMaxOptionalBytes = 4096;

bool is_writable_data(std::uint32_t characteristics) {
  constexpr std::uint32_t kAlign32 = 0x00600000;
  constexpr std::uint32_t kDataReadWrite = 0xc0000040;
  return (characteristics & ~kAlign32) == kDataReadWrite;
}

Result<Image> read(const ByteSource& source) {
  GW_TRY(const std::string dos, source.read_exactly(0, kDosBytes));
  const std::uint64_t start = Fields(dos, false).u32(0x3c);
  GW_TRY(const std::string coff_bytes, source.read_exactly(start, kCoffBytes));
  if (!coff_bytes.starts_with(std::string_view("PE\0\0", 4))) {
    return not_found_error("a DOS program, not a Windows one");
  }
  const Fields coff(coff_bytes, false);
  const std::size_t count = coff.u16(6);
  const std::size_t optional_size = coff.u16(20);
  if (optional_size > kMaxOptionalBytes) return untrusted_error("optional header too long");
  GW_TRY(const std::string optional_bytes, source.read_exactly(start + kCoffBytes, optional_size));
  const Fields optional(optional_bytes, false);
  std::uint64_t base = 0;
  if (optional.u16(0) == 0x10b) base = optional.u32(28);
  if (optional.u16(0) == 0x20b) base = optional.u64(24);

  GW_TRY(const std::string table,
         source.read_exactly(start + kCoffBytes + optional_size, count * kSectionBytes));
  Image image;
  for (std::size_t i = 0; i < count; ++i) {
    const Fields section = Fields(table, false).from(i * kSectionBytes);
    const std::uint32_t virtual_address = section.u32(12);
    const std::uint32_t raw_size = section.u32(16);
    const std::uint64_t address = base + virtual_address;
    image.regions.push_back({address, section.u32(20), raw_size});
    if (image.data_size == 0 && virtual_address != 0 && raw_size != 0 &&
        is_writable_data(section.u32(36))) {
      image.data_address = address;
      image.data_size = section.u32(8);
    }
  }
  return image;
}

}  // namespace

Result<Image> read_pe(const ByteSource& source) {
  auto image = read(source);
  if (!image) return std::move(image).error().in("PE file");
  return image;
}

}  // namespace gw::mod
