// A zip archive's directory and contents, for module/zip.h, which says what a module's may hold.
//
// minizip reads the structure (end record, zip64, central and local headers, which it wants to
// agree); zlib inflates, in a loop of ours, because minizip stops in silence where a file is longer
// than declared. All sizes are bounded before they are believed. This and zip_archive.cc are the
// only door to minizip and zlib.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "module/byte_source.h"

namespace gw::mod {

struct ArchiveEntry {
  std::string name;        // as written: any bytes
  std::uint64_t size = 0;  // declared
  std::uint64_t packed_size = 0;
  std::uint32_t crc = 0;
  bool deflated = false;        // or stored: there is nothing else
  bool irregular = false;       // a link, a device, or what else its Unix mode says
  bool directory_mode = false;  // its Unix mode says so; the name's last "/" is what counts
  std::uint64_t position = 0;   // of its header in the directory, for minizip
  std::uint64_t number = 0;
};

// Belongs to one thread at a time. The source must outlive it.
class ZipArchive {
 public:
  // Reads the directory: at most `max_entries`, at most 64 MiB of names. kUntrusted for what is no
  // zip, for encrypted or otherwise packed entries, and when the entries have more packed bytes
  // than there are; kIo as the source.
  static Result<ZipArchive> open(const ByteSource& source, std::uint64_t max_entries);
  ZipArchive(ZipArchive&&) noexcept;
  ZipArchive& operator=(ZipArchive&&) noexcept;
  ~ZipArchive();

  const std::vector<ArchiveEntry>& entries() const { return entries_; }

  // Hands the entry's content on, piece by piece, until `take` fails. kUntrusted unless the content
  // has exactly the declared size and checksum and uses all of its packed bytes: the caller then
  // forgets what it was given.
  using Take = std::function<Status(std::string_view)>;
  Status read(const ArchiveEntry& entry, const Take& take);

 private:
  struct Impl;
  explicit ZipArchive(std::unique_ptr<Impl> impl);
  Status list(std::uint64_t max_entries);

  std::unique_ptr<Impl> impl_;
  std::vector<ArchiveEntry> entries_;
};

}  // namespace gw::mod
