// Programs of every format with nothing in them but build info, written by hand: also in the format
// of Go 1.13 to 1.17, whose compilers Debian no longer has.
#pragma once

#include <cstdint>
#include <string>

namespace gw::test {

// The modules' text in the go command's frame.
std::string framed(const std::string& text);

// What one wants, and what may be wrong with it.
struct Program {
  std::size_t word = 8;  // bytes of a pointer
  bool big_endian = false;
  bool pointers = false;  // the format before Go 1.18
  bool section = true;    // a section for it, or else found in the data
  std::string version = "go1.17.13";
  std::string modules = framed("path\ta.b/c\nmod\ta.b/c\tv1.2.3\th1:x=\n");  // framed already
  std::size_t padding = 48;  // bytes of data before it
  std::string decoy = {};    // at the beginning of that padding
};

// The data at `address`: the header and all that it leads to.
std::string build_data(const Program& p, std::uint64_t address);

std::string make_elf(const Program& p);
std::string make_pe(const Program& p);  // little-endian only, never a section
std::string make_macho(const Program& p);
std::string make_fat_macho(const std::string& thin, bool wide);
std::string make_plan9(const Program& p);  // pointers are big-endian
std::string make_xcoff(const Program& p);

// A number in `bytes` bytes.
std::string number(std::uint64_t value, std::size_t bytes, bool big_endian);

}  // namespace gw::test
