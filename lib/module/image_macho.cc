// Mach-O: macOS and iOS; and fat files, which hold one Mach-O file for each architecture.

#include "module/image.h"

namespace gw::mod {

namespace {

constexpr std::uint32_t kMaxCommandBytes = 1UL << 20U;
// A Java class begins with a fat file's magic; its version, 45 and more, stands in the count's
// place.
constexpr std::uint32_t kMaxArchitectures = 40;

struct MachOLayout {
  std::uint32_t segment_command;
  std::size_t word, header, segment, section;
  std::size_t protection;    // of a segment: maxprot, initprot, nsects
  std::size_t section_size;  // of a section
};
constexpr MachOLayout kMachO32 = {0x01, 4, 28, 56, 68, 40, 36};
constexpr MachOLayout kMachO64 = {0x19, 8, 32, 72, 80, 56, 40};

constexpr std::size_t kSegmentAddress = 24;  // vmaddr, vmsize, fileoff, filesize
constexpr std::size_t kSectionAddress = 32;
constexpr std::uint32_t kReadWrite = 3;

class MachO {
 public:
  MachO(const MachOLayout& layout, std::uint64_t base) : l_(layout), base_(base) {}

  Status add_segment(const Fields& command) {
    if (command.size() < l_.segment) return untrusted_error("a segment is too short");
    const auto word = [&](std::size_t i) {
      return command.get(kSegmentAddress + i * l_.word, l_.word);
    };
    const std::uint64_t address = word(0);
    const std::uint64_t file_size = word(3);
    const std::uint64_t count = command.u32(l_.protection + 8);
    if (count > (command.size() - l_.segment) / l_.section) {
      return untrusted_error("a segment has more sections than bytes");
    }
    if (command.name(8, 16) != "__PAGEZERO") {
      image_.regions.push_back({address, base_ + word(2), file_size});
    }
    if (image_.data_size == 0 && address != 0 && file_size != 0 &&
        command.u32(l_.protection) == kReadWrite && command.u32(l_.protection + 4) == kReadWrite) {
      image_.data_address = address;
      image_.data_size = word(1);
    }
    for (std::size_t i = 0; i < count && !found_; ++i) {
      const Fields section = command.from(l_.segment + i * l_.section);
      if (section.name(0, 16) != "__go_buildinfo") continue;
      found_ = true;
      section_address_ = section.get(kSectionAddress, l_.word);
      section_size_ = section.get(l_.section_size, l_.word);
    }
    return {};
  }

  Image finish() {
    if (found_) {
      image_.data_address = section_address_;
      image_.data_size = section_size_;
    }
    return std::move(image_);
  }

 private:
  const MachOLayout& l_;
  std::uint64_t base_;
  Image image_;
  bool found_ = false;
  std::uint64_t section_address_ = 0;
  std::uint64_t section_size_ = 0;
};

Result<Image> read(const ByteSource& source, std::uint64_t base) {
  GW_TRY(const std::string magic_bytes, source.read_exactly(base, 4));
  const std::uint32_t magic = Fields(magic_bytes, true).u32(0);
  const bool big_endian = magic == 0xfeedface || magic == 0xfeedfacf;
  const bool narrow = magic == 0xfeedface || magic == 0xcefaedfe;
  if (!big_endian && !narrow && magic != 0xcffaedfe) return untrusted_error("wrong magic number");
  const MachOLayout& l = narrow ? kMachO32 : kMachO64;
  GW_TRY(const std::string header_bytes, source.read_exactly(base, l.header));
  const Fields header(header_bytes, big_endian);
  const std::uint32_t count = header.u32(16);
  const std::uint32_t bytes = header.u32(20);
  if (bytes > kMaxCommandBytes) return untrusted_error("load commands too long");
  GW_TRY(const std::string commands, source.read_exactly(base + l.header, bytes));

  MachO image(l, base);
  std::string_view rest = commands;
  for (std::uint32_t i = 0; i < count; ++i) {
    const Fields command(rest, big_endian);
    const std::uint32_t size = command.u32(4);
    if (size < 8 || size > rest.size()) return untrusted_error("a load command is too long");
    if (command.u32(0) == l.segment_command) {
      GW_CHECK(image.add_segment(Fields(rest.substr(0, size), big_endian)));
    }
    rest.remove_prefix(size);
  }
  return image.finish();
}

}  // namespace

Result<Image> read_macho(const ByteSource& source, std::uint64_t base) {
  auto image = read(source, base);
  if (!image) return std::move(image).error().in("Mach-O file");
  return image;
}

Result<Image> read_fat_macho(const ByteSource& source) {
  GW_TRY(const std::string bytes, source.read_exactly(0, 8));
  const Fields header(bytes, true);
  const std::uint32_t count = header.u32(4);
  if (count == 0 || count > kMaxArchitectures) {
    return not_found_error("not an executable file of a known format");
  }
  const bool wide = header.u32(0) == 0xcafebabf;
  auto first = source.read_exactly(8, wide ? 32 : 20);
  if (!first) return std::move(first).error().in("fat Mach-O file");
  return read_macho(source, Fields(*first, true).get(8, wide ? 8 : 4));
}

}  // namespace gw::mod
