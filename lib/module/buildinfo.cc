// Where the text is in a program; what it says is in buildinfo_text.cc.
//
// At a multiple of 16 in the data stands a header of 32 bytes: 14 magic ones, the size of a
// pointer, and flags. Flag 2: two strings follow the header, each after its length as a varint.
// Otherwise two pointers to string headers (pointer, length), in the byte order of flag 1.
#include "module/buildinfo.h"

#include <algorithm>

#include "base/text.h"
#include "module/image.h"

namespace gw::mod {

namespace {

constexpr std::string_view kMagic = "\xff Go buildinf:";
constexpr std::size_t kAlign = 16;
constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kChunkBytes = 64UL << 10U;  // a multiple of kAlign
constexpr std::size_t kMaxVersionTextBytes = 4UL << 10U;
constexpr std::size_t kMaxModulesTextBytes = 4UL << 20U;
constexpr std::size_t kFrameBytes = 16;  // of random bytes around the modules' text

Error no_build_info() { return not_found_error("no Go build information"); }

// The program's memory, as far as it is in the file.
class Memory {
 public:
  Memory(const ByteSource& source, const Image& image) : source_(source), image_(image) {}

  // Up to `n` bytes at `address`, fewer at the end of what is mapped together with it.
  Result<std::string> read(std::uint64_t address, std::size_t n) const {
    for (const Image::Region& region : image_.regions) {
      if (address < region.address || address - region.address >= region.size) continue;
      const std::uint64_t skip = address - region.address;
      if (region.offset > source_.size() || skip > source_.size() - region.offset) break;
      std::string out(std::min<std::uint64_t>(n, region.size - skip), '\0');
      GW_TRY(const std::size_t got, source_.read_at(region.offset + skip, out.data(), out.size()));
      out.resize(got);
      return out;
    }
    return std::string();
  }

  Result<std::string> read_exactly(std::uint64_t address, std::size_t n) const {
    GW_TRY(std::string out, read(address, n));
    if (out.size() != n) return untrusted_error("build information ends too early");
    return out;
  }

 private:
  const ByteSource& source_;
  const Image& image_;
};

// The first place at a multiple of 16 with the magic bytes and room for a header.
Result<std::uint64_t> find_header(const Memory& memory, const Image& image) {
  const std::uint64_t end = image.data_address + image.data_size;
  if (end < image.data_address || image.data_address > ~std::uint64_t{0} - kAlign) {
    return untrusted_error("data beyond the end of memory");
  }
  std::uint64_t at = (image.data_address + kAlign - 1) / kAlign * kAlign;
  while (at < end && end - at >= kHeaderBytes) {
    GW_TRY(const std::string chunk,
           memory.read(at, std::min<std::uint64_t>(kChunkBytes, end - at)));
    for (std::size_t i = 0; i + kMagic.size() <= chunk.size(); i += kAlign) {
      if (std::string_view(chunk).substr(i, kMagic.size()) != kMagic) continue;
      if (end - at - i < kHeaderBytes) return no_build_info();
      return at + i;
    }
    if (chunk.size() < kChunkBytes) break;
    at += chunk.size();
  }
  return no_build_info();
}

struct Texts {
  std::string version, modules;
};

// LEB128, as Go's binary.Uvarint; `address` moves behind it.
Result<std::uint64_t> read_varint(const Memory& memory, std::uint64_t& address) {
  GW_TRY(const std::string bytes, memory.read(address, 10));
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint64_t b = static_cast<unsigned char>(bytes[i]);
    if (i == 9 && b > 1) break;
    value |= (b & 0x7fU) << (7 * i);
    if (b < 0x80) {
      address += i + 1;
      return value;
    }
  }
  return untrusted_error("malformed length in build information");
}

Result<std::string> read_inline(const Memory& memory, std::uint64_t& address, std::size_t max) {
  GW_TRY(const std::uint64_t length, read_varint(memory, address));
  if (length > max) return untrusted_error("build information too long");
  GW_TRY(std::string out, memory.read_exactly(address, length));
  address += length;
  return out;
}

// A Go string by the address of its header; empty where that does not lead to bytes of the file, as
// it does in a program without modules, whose string is all zeros.
Result<std::string> read_pointed(const Memory& memory, std::uint64_t address, std::size_t word,
                                 bool big_endian, std::size_t max) {
  GW_TRY(const std::string bytes, memory.read(address, 2 * word));
  if (bytes.size() != 2 * word) return std::string();
  const Fields header(bytes, big_endian);
  const std::uint64_t length = header.get(word, word);
  if (length > max) return untrusted_error("build information too long");
  GW_TRY(std::string out, memory.read(header.get(0, word), length));
  if (out.size() != length) out.clear();
  return out;
}

Result<Texts> read_texts(const Memory& memory, std::uint64_t address) {
  constexpr unsigned kBigEndian = 1;
  constexpr unsigned kInline = 2;
  GW_TRY(const std::string header, memory.read_exactly(address, kHeaderBytes));
  const std::size_t word = static_cast<unsigned char>(header[14]);
  const unsigned flags = static_cast<unsigned char>(header[15]);
  Texts out;
  if ((flags & kInline) != 0) {
    address += kHeaderBytes;
    GW_TRY(out.version, read_inline(memory, address, kMaxVersionTextBytes));
    GW_TRY(out.modules, read_inline(memory, address, kMaxModulesTextBytes));
    return out;
  }
  if (word != 4 && word != 8) return untrusted_error("build information with odd pointers");
  const bool big_endian = (flags & kBigEndian) != 0;
  const Fields fields(header, big_endian);
  GW_TRY(out.version,
         read_pointed(memory, fields.get(16, word), word, big_endian, kMaxVersionTextBytes));
  GW_TRY(out.modules,
         read_pointed(memory, fields.get(16 + word, word), word, big_endian, kMaxModulesTextBytes));
  return out;
}

// Without the frame that the go command puts around it; a text without a frame is none.
std::string_view unframed(std::string_view text) {
  if (text.size() < 2 * kFrameBytes + 1 || text[text.size() - kFrameBytes - 1] != '\n') return {};
  return text.substr(kFrameBytes, text.size() - 2 * kFrameBytes);
}

}  // namespace

const std::string* BuildInfo::find_setting(std::string_view key) const {
  const auto it = std::find_if(settings.begin(), settings.end(),
                               [&](const Setting& s) { return s.key == key; });
  return it == settings.end() ? nullptr : &it->value;
}

Result<BuildInfo> read_build_info(const ByteSource& program) {
  GW_TRY(const Image image, read_image(program));
  if (image.data_size == 0) return no_build_info();
  const Memory memory(program, image);
  GW_TRY(const std::uint64_t address, find_header(memory, image));
  GW_TRY(Texts texts, read_texts(memory, address));
  if (texts.version.empty()) return no_build_info();
  if (std::any_of(texts.version.begin(), texts.version.end(), is_control)) {
    return untrusted_error("control characters in the Go version");
  }
  GW_TRY(BuildInfo info, parse_build_info(unframed(texts.modules)));
  info.go_version = std::move(texts.version);
  return info;
}

}  // namespace gw::mod
