#include "support/module/program_builder.h"

namespace gw::test {

namespace {

constexpr std::uint64_t kAddress = 0x400000;
const std::string kMagic = "\xff Go buildinf:";

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<char>(value | 0x80U));
  out.push_back(static_cast<char>(value));
  return out;
}

// Appends numbers of one byte order.
class Writer {
 public:
  Writer(bool big_endian, std::size_t word) : big_endian_(big_endian), word_(word) {}
  Writer& u8(std::uint64_t v) { return put(v, 1); }
  Writer& u16(std::uint64_t v) { return put(v, 2); }
  Writer& u32(std::uint64_t v) { return put(v, 4); }
  Writer& word(std::uint64_t v) { return put(v, word_); }
  Writer& put(std::uint64_t v, std::size_t bytes) {
    out_ += number(v, bytes, big_endian_);
    return *this;
  }
  Writer& text(const std::string& s, std::size_t width) {
    out_ += s;
    out_.append(width - s.size(), '\0');
    return *this;
  }
  Writer& pad_to(std::size_t size) {
    if (out_.size() < size) out_.append(size - out_.size(), '\0');
    return *this;
  }
  const std::string& str() const { return out_; }

 private:
  bool big_endian_;
  std::size_t word_;
  std::string out_;
};

}  // namespace

std::string number(std::uint64_t value, std::size_t bytes, bool big_endian) {
  std::string out;
  for (std::size_t i = 0; i < bytes; ++i) {
    const std::size_t shift = 8 * (big_endian ? bytes - 1 - i : i);
    out.push_back(static_cast<char>((value >> shift) & 0xffU));
  }
  return out;
}

// infoStart and infoEnd of cmd/go/internal/modload.
std::string framed(const std::string& text) {
  return std::string("\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6", 16) +
         text + std::string("\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2", 16);
}

std::string build_data(const Program& p, std::uint64_t address) {
  Writer w(p.big_endian, p.word);
  w.text(p.decoy, p.padding).text(kMagic, kMagic.size());
  if (!p.pointers) {
    w.u8(8).u8(2).pad_to(p.padding + 32);
    return w.str() + varint(p.version.size()) + p.version + varint(p.modules.size()) + p.modules;
  }
  // The header; two string headers; two strings.
  const std::uint64_t headers = address + p.padding + 32;
  const std::uint64_t texts = headers + 4 * p.word;
  w.u8(p.word).u8(p.big_endian ? 1 : 0);
  w.word(headers).word(headers + 2 * p.word).pad_to(p.padding + 32);
  w.word(texts).word(p.version.size());
  w.word(texts + p.version.size()).word(p.modules.size());
  return w.str() + p.version + p.modules;
}

std::string make_elf(const Program& p) {
  const bool wide = p.word == 8;
  const std::size_t header = wide ? 64 : 52;
  const std::size_t program = wide ? 56 : 32;
  const std::size_t section = wide ? 64 : 40;
  const std::string names = std::string("\0.shstrtab\0.go.buildinfo\0", 25);
  const std::size_t data_at = 0x200;
  const std::string data = build_data(p, kAddress);
  const std::size_t names_at = data_at + data.size();
  const std::size_t sections_at = names_at + names.size();
  Writer w(p.big_endian, p.word);
  w.text(
       "\x7f"
       "ELF",
       4)
      .u8(wide ? 2 : 1)
      .u8(p.big_endian ? 2 : 1)
      .u8(1)
      .pad_to(16);
  w.u16(2).u16(62).u32(1).word(kAddress).word(header).word(p.section ? sections_at : 0).u32(0);
  w.u16(header).u16(program).u16(2).u16(section).u16(p.section ? 3 : 0).u16(p.section ? 1 : 0);
  const auto load = [&](unsigned flags, std::uint64_t offset, std::uint64_t address,
                        std::uint64_t size, std::uint64_t memory) {
    w.u32(1);
    if (wide) w.u32(flags);
    w.word(offset).word(address).word(address).word(size).word(memory);
    if (!wide) w.u32(flags);
    w.word(0x1000);
  };
  load(5, 0, 0x10000, data_at, data_at);
  load(6, data_at, kAddress, data.size(), data.size() + 0x1000);
  w.pad_to(data_at);
  std::string out = w.str() + data + names;
  if (!p.section) return out;
  Writer s(p.big_endian, p.word);
  const auto add = [&](std::uint32_t name, std::uint64_t address, std::uint64_t offset,
                       std::uint64_t size) {
    s.u32(name).u32(1).word(0).word(address).word(offset).word(size).u32(0).u32(0).word(0).word(0);
  };
  add(0, 0, 0, 0);
  add(1, 0, names_at, names.size());
  add(11, kAddress + p.padding, data_at + p.padding, data.size() - p.padding);
  return out + s.str();
}

std::string make_pe(const Program& p) {
  const bool wide = p.word == 8;
  const std::uint32_t rva = 0x1000;
  const std::string data = build_data(p, kAddress + rva);
  Writer w(false, p.word);
  w.text("MZ", 2).pad_to(0x3c).u32(0x80).pad_to(0x80).text("PE", 4);
  w.u16(0x8664).u16(2).u32(0).u32(0).u32(0).u16(wide ? 240 : 224).u16(0x22);
  const std::size_t optional = w.str().size();
  w.u16(wide ? 0x20b : 0x10b).pad_to(optional + (wide ? 24 : 28)).word(kAddress);
  w.pad_to(optional + (wide ? 240 : 224));
  const auto section = [&](const char* name, std::uint32_t address, std::uint32_t offset,
                           std::uint32_t size, std::uint32_t characteristics) {
    w.text(name, 8).u32(size).u32(address).u32(size).u32(offset).u32(0).u32(0).u32(0);
    w.u32(characteristics);
  };
  section(".text", 0x800, 0x200, 16, 0x60000020);
  section(".data", rva, 0x400, static_cast<std::uint32_t>(data.size()), 0xc0000040);
  w.pad_to(0x400);
  return w.str() + data;
}

std::string make_macho(const Program& p) {
  const bool wide = p.word == 8;
  const std::uint32_t segment = wide ? 72 : 56;
  const std::uint32_t section = wide ? 80 : 68;
  const std::uint32_t data_bytes = segment + (p.section ? section : 0);
  const std::string data = build_data(p, kAddress);
  const std::size_t data_at = 0x400;
  Writer w(p.big_endian, p.word);
  w.u32(wide ? 0xfeedfacf : 0xfeedface)
      .u32(7)
      .u32(3)
      .u32(2)
      .u32(3)
      .u32(2 * segment / 2 + 24 + data_bytes);
  w.u32(0);
  if (wide) w.u32(0);
  const auto add = [&](const char* name, std::uint32_t bytes, std::uint64_t address,
                       std::uint64_t offset, std::uint64_t size, unsigned protection,
                       unsigned sections) {
    w.u32(wide ? 0x19 : 1).u32(bytes).text(name, 16).word(address).word(size).word(offset);
    w.word(offset == 0 ? 0 : size).u32(protection).u32(protection).u32(sections).u32(0);
  };
  add("__PAGEZERO", segment, 0, 0, 0x1000, 0, 0);
  w.u32(0x2).u32(24).pad_to(w.str().size() + 16);  // a symbol table
  add("__DATA", data_bytes, kAddress, data_at, data.size(), 3, p.section ? 1 : 0);
  if (p.section) {
    const std::size_t begin = w.str().size();
    w.text("__go_buildinfo", 16).text("__DATA", 16).word(kAddress + p.padding);
    w.word(data.size() - p.padding).pad_to(begin + section);
  }
  w.pad_to(data_at);
  return w.str() + data;
}

std::string make_fat_macho(const std::string& thin, bool wide) {
  Writer w(true, wide ? 8 : 4);
  w.u32(wide ? 0xcafebabf : 0xcafebabe).u32(1);
  w.u32(7).u32(3).word(0x1000).word(thin.size()).u32(12).pad_to(0x1000);
  return w.str() + thin;
}

std::string make_plan9(const Program& p) {
  const bool wide = p.word == 8;
  const std::uint32_t text = 100;
  const std::string data = build_data(p, wide ? 0x400000 : 0x2000);
  Writer w(true, p.word);
  w.u32(wide ? 0x8a97 : 0x1eb).u32(text).u32(data.size()).u32(0).u32(0).u32(0x1020).u32(0).u32(0);
  w.pad_to((wide ? 40 : 32) + text);
  return w.str() + data;
}

std::string make_xcoff(const Program& p) {
  const bool wide = p.word == 8;
  const std::string data = build_data(p, kAddress);
  Writer w(true, p.word);
  w.u16(wide ? 0x1f7 : 0x1df).u16(2).u32(0).word(0);
  if (!wide) w.u32(0);
  w.u16(48).u16(2);
  if (wide) w.u32(0);
  w.pad_to(w.str().size() + 48);
  const auto section = [&](const char* name, std::uint64_t address, std::uint64_t size,
                           std::uint64_t offset, std::uint32_t flags) {
    w.text(name, 8).word(address).word(address).word(size).word(offset).word(0).word(0);
    w.put(0, wide ? 8 : 4).u32(flags);
    if (wide) w.u32(0);
  };
  section(".text", 0x1000, 16, 0x300, 0x20);
  section(".data", kAddress, data.size(), 0x400, 0x40);
  w.pad_to(0x400);
  return w.str() + data;
}

}  // namespace gw::test
