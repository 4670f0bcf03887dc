// Zips written by hand, so that every field of every header can be wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gw::test {

struct ZipEntry {
  std::string name = {};
  std::string content = {};
  bool deflate = false;
  // What the headers say instead of the truth.
  std::optional<std::uint32_t> size = {}, packed_size = {}, crc = {};
  std::optional<std::uint16_t> method = {};
  std::uint16_t flags = 0;
  std::uint16_t made_by = 20;    // MS-DOS, 2.0, as Go writes it
  std::uint32_t attributes = 0;  // the Unix mode << 16 when made_by is 3 << 8
  std::string packed_tail = {};  // bytes after the packed content, counted as packed
  std::string extra = {};        // of the directory's header
  std::optional<std::string> local_name = {};
  std::optional<std::uint32_t> offset = {};  // of the local header
};

struct ZipEnd {
  std::optional<std::uint16_t> count = {};
  std::string before = {};  // the archive
  std::string after = {};   // the end record
  std::string comment = {};
  bool zip64 = false;  // a zip64 end record, and 0xffff... in the plain one
  std::uint64_t count64_more = 0;
};

std::string make_zip(const std::vector<ZipEntry>& entries, const ZipEnd& end = {});

// A zip64 extra field with these values.
std::string zip64_extra(const std::vector<std::uint64_t>& values);

}  // namespace gw::test
