// The names of a module zip's entries against each other: no two that some file system takes for
// one.
//
// A tree of path elements, keyed by their case-folded spelling: time is linear in the bytes of the
// names, however deep they are (x/mod's map of whole paths is quadratic in the depth), and memory
// is at most 150 bytes for each of half a million elements.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "module/dirhash.h"

namespace gw::mod {

class ZipNames {
 public:
  // At most so many files and directories.
  explicit ZipNames(std::size_t max = 2 * kMaxModuleFiles) : max_(max) {}

  // `name`: one that check_file_path() took. kUntrusted when another spelling of it, or of one of
  // its directories, was added before; when it was added as a file before; when it was or is a file
  // in one place and a directory in another. A directory may come again.
  Status add(std::string_view name, bool directory);

 private:
  struct Node {
    std::string spelling;
    bool directory;
    std::uint32_t id;
  };
  std::size_t max_;
  std::map<std::pair<std::uint32_t, std::string>, Node> nodes_;  // (parent, folded element)
};

}  // namespace gw::mod
