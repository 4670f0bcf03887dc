// `h1:` hashes: what go.sum and the checksum database say about a module.
//
// The hash of a set of files is the SHA-256 of one line for each, `HEX-SHA256  NAME\n`, in the
// order of the names' bytes: how the files were packed does not count, their modes neither. Source:
// golang.org/x/mod/sumdb/dirhash (Hash1, HashDir). The hash of a zip is in module/zip.h.
//
// Cost: SHA-256, 1,400 MB/s with the processor's instructions for it and 310 without; a directory
// of 11,518 files and 215 MB: 0.3 s of CPU. Memory: a name and 32 bytes a file. No shared state; an
// object belongs to one thread at a time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"

namespace gw::mod {

// More files than any module has (a toolchain: 12,000): a bound on the memory that a foreign zip or
// directory takes.
inline constexpr std::size_t kMaxModuleFiles = 250'000;

// Files in any order. Names as in a zip: with the `MODULE@VERSION/` in front. The same name twice
// gives two lines, as in x/mod: whoever adds names from outside has refused that before.
class Hash1 {
 public:
  // kUntrusted for a name with a line feed, which would make two lines of one.
  Status add(std::string name, const Hash& content);
  // "h1:BASE64". The object is empty afterwards.
  std::string finish();

 private:
  std::vector<std::pair<std::string, Hash>> files_;
};

// The `/go.mod` line's hash, of the file's text.
std::string hash_gomod(std::string_view text);

// Of all files below the directory `dir` (an open descriptor, which stays the caller's), each as
// PREFIX/NAME; PREFIX is "MODULE@VERSION". Stricter than x/mod, which follows links: kUntrusted for
// whatever is neither a regular file nor a directory, and for more than kMaxModuleFiles.
// Precondition for a meaning: nobody changes the directory meanwhile.
Result<std::string> hash_directory(int dir, std::string_view prefix);

}  // namespace gw::mod
