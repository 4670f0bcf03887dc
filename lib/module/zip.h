// Module zips: which are good ones, their `h1:` hash, and how they get onto a disk.
//
// A zip comes from a proxy, so nothing in it is believed: it must look exactly as the go command
// wants it (golang.org/x/mod/zip, CheckZip and Unzip), and where that looks away, this does not.
// - Module and version fit together (check_module_version()).
// - Every name begins with `MODULE@VERSION/`; the rest passes check_file_path().
// - No two names are equal under case folding, and none is a file here and a directory there.
// - go.mod lies in the root only, in lower case.
// - Zip and sum of the declared sizes: at most 500 MiB; go.mod and LICENSE: at most 16 MiB.
// - One to kMaxModuleFiles entries, no two in the same bytes (x/mod has no such limits).
// - Each file's content is as long as declared, has its checksum, uses all its packed bytes.
// - No encryption, no packing but deflate. A directory's entry is empty.
// - By their Unix modes no links or devices; x/mod would unpack them as files. Otherwise modes and
//   times are ignored.
//
// Errors: kUntrusted names the entry and what is wrong with it; kIo is the source's or the disk's.
// Cost of the Go toolchain (72 MB, 11,518 files, 215 MB of content), in CPU: opening 25 ms, hash()
// 0.95 s, which is 230 MB/s of content, nearly all inflating, unpack() 1.2 s; 9 MB of memory.
// Belongs to one thread at a time; the source must outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "module/byte_source.h"
#include "module/zip_archive.h"

namespace gw::mod {

inline constexpr std::uint64_t kMaxZipBytes = 500UL << 20U;         // packed, and unpacked
inline constexpr std::uint64_t kMaxSpecialFileBytes = 16UL << 20U;  // go.mod, LICENSE

// module.Check and a canonical version: a good path, `vX.Y.Z...`, and the major version that the
// path's suffix asks for. kUsage.
Status check_module_version(std::string_view module, std::string_view version);

// The sum (dirhash.HashZip) of a zip that may break all of the rules above but those of its bytes,
// of at most kMaxZipBytes packed and unpacked: whether it is the one that somebody published.
Result<std::string> hash_zip(const ByteSource& source);

class ModuleZip {
 public:
  struct File {
    std::string_view name;  // without the prefix; lives as long as the ModuleZip
    std::uint64_t size;
    std::size_t entry;
  };

  // Reads the directory and checks all that can be told from it. kUsage for a module or version
  // that cannot be.
  static Result<ModuleZip> open(const ByteSource& source, std::string_view module,
                                std::string_view version);

  // In the zip's order, without directories.
  const std::vector<File>& files() const { return files_; }

  // "h1:...", as in go.sum and in the checksum database (dirhash.HashZip). Reads everything.
  Result<std::string> hash();

  // Writes everything below the directory `dir` (an open descriptor, which stays the caller's) and
  // gives back the hash of what was written: the caller compares it before anything uses the
  // directory, and removes the directory after an error. Files get mode 0644, directories 0755,
  // less the umask. Preconditions: the directory is empty and nobody else writes there; even so no
  // link is followed and nothing overwritten. Making things durable (syncfs) is the caller's too.
  // `before_each`: asked before each file, may be null; its error ends it.
  Result<std::string> unpack(int dir, const std::function<Status()>& before_each = nullptr);

  // One file's content; kNotFound when there is none, kUntrusted when larger than `max_bytes`.
  Result<std::string> read(std::string_view name, std::uint64_t max_bytes);

 private:
  explicit ModuleZip(ZipArchive archive) : archive_(std::move(archive)) {}
  Status check(std::string_view prefix);
  Status check_file(const ArchiveEntry& entry, std::string_view name);
  Status read_entry(const ArchiveEntry& entry, const ZipArchive::Take& take);

  ZipArchive archive_;
  std::vector<File> files_;
  std::uint64_t total_ = 0;
};

}  // namespace gw::mod
