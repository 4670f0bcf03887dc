#include "module/image.h"

#include <algorithm>

namespace gw::mod {

namespace {

constexpr std::size_t kIdentBytes = 16;

bool is_plan9_magic(std::uint32_t magic) {
  return magic == 0x1eb || magic == 0x8a97 || magic == 0x647;  // 386, amd64, arm
}

}  // namespace

Result<Image> read_image(const ByteSource& source) {
  std::string ident(kIdentBytes, '\0');
  GW_TRY(const std::size_t got, source.read_at(0, ident.data(), ident.size()));
  const std::uint32_t magic = Fields(ident, true).u32(0);
  if (got == kIdentBytes) {
    if (ident.starts_with("\x7f"
                          "ELF"))
      return read_elf(source);
    if (ident.starts_with("MZ")) return read_pe(source);
    if (magic == 0xfeedface || magic == 0xfeedfacf || magic == 0xcefaedfe || magic == 0xcffaedfe) {
      return read_macho(source, 0);
    }
    if (magic == 0xcafebabe || magic == 0xcafebabf) return read_fat_macho(source);
    if (magic >> 16U == 0x01df || magic >> 16U == 0x01f7) return read_xcoff(source);
    if (is_plan9_magic(magic)) return read_plan9(source);
  }
  return not_found_error("not an executable file of a known format");
}

std::uint64_t Fields::get(std::size_t offset, std::size_t width) const {
  if (offset > bytes_.size() || width > bytes_.size() - offset) return 0;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const std::size_t at = offset + (big_endian_ ? i : width - 1 - i);
    value = value << 8U | static_cast<unsigned char>(bytes_[at]);
  }
  return value;
}

std::string_view Fields::name(std::size_t offset, std::size_t width) const {
  if (offset > bytes_.size()) return {};
  const std::string_view field = bytes_.substr(offset, width);
  return field.substr(0, field.find('\0'));
}

Fields Fields::from(std::size_t offset) const {
  return {bytes_.substr(std::min(offset, bytes_.size())), big_endian_};
}

}  // namespace gw::mod
