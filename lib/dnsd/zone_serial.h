// The zone's serial number, which must never go back (RFC 1982), kept beside the key.
//
// serial = max(tree size, last serial + 1): the tree's growth raises it, and so does every change
// that is not the tree's (key, name servers, TTLs, the rules). It is on disk before it is served,
// since a secondary that has seen it compares with it for ever. One thread at a time.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace gw::dnsd {

class ZoneSerial {
 public:
  // Reads FILE, or starts at none. kCorrupt when it is no such file: then the last serial is not
  // known, and the operator must say.
  static Result<ZoneSerial> load(const std::string& file);

  // Goes on to the serial of this tree size under these settings; false when neither changed, and
  // so it is the same as before.
  bool advance(std::uint64_t tree_size, const std::string& fingerprint);
  // Keeps it on disk. kIo.
  Status save() const;
  std::uint32_t current() const { return serial_; }
  bool known() const { return serial_ != 0; }

  static std::string file_beside(const std::string& key_file) { return key_file + ".serial"; }

 private:
  explicit ZoneSerial(std::string file) : file_(std::move(file)) {}

  std::string file_;
  std::uint32_t serial_ = 0;
  std::uint64_t tree_size_ = 0;
  std::string fingerprint_;
};

}  // namespace gw::dnsd
