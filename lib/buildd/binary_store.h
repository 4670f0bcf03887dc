// The binaries of a build service as files, named after their content: SUM and SUM.gz.
//
// A file is there whole and on the disk, or not at all. They are a cache: what has not been asked
// for for long is removed when there are too many, and built again when somebody asks. When a file
// was last asked for is its time of modification, moved at most once an hour.
//
// Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/result.h"
#include "build/builder.h"
#include "os/dir.h"

namespace gw::buildd {

struct StoredBinary {
  std::string sum;  // as records have it
  std::uint64_t size = 0;
  Hash sha256{};
  std::uint64_t packed_size = 0;
  Hash packed_sha256{};
};

class BinaryStore {
 public:
  // The directory is made if need be; what a crash left half done is removed.
  static Result<BinaryStore> open(const std::string& path);
  // Of another process's directory: nothing is removed, and add() is not for use.
  static Result<BinaryStore> open_read(const std::string& path);

  // Both files are durable when it returns.
  Result<StoredBinary> add(const build::Product& product) const;
  Result<StoredBinary> add(std::string_view bytes) const;

  // Its path, and that it is asked for now. kNotFound: it is not kept.
  Result<std::string> use(std::string_view sum, bool packed, WallTime now) const;

  // Its bytes, as if nobody asked for them. kNotFound: it is not kept.
  Result<os::Fd> open_quietly(std::string_view sum) const;
  // The bytes that a file has now, all of them read; nothing when it is not kept. `name`: the sum,
  // or that and .gz.
  Result<std::optional<build::Saved>> look(const std::string& name) const;
  Status remove(const std::string& name) const;

  // Removes what was not asked for for the longest time until all that is left has at most this
  // many bytes, but nothing that was asked for within the last hour. Returns what is left.
  Result<std::uint64_t> evict(std::uint64_t max_bytes, WallTime now) const;

 private:
  BinaryStore(os::Dir dir, std::string path) : dir_(std::move(dir)), path_(std::move(path)) {}
  Result<StoredBinary> finish(const std::string& part, const build::Saved& saved) const;
  Result<StoredBinary> pack(StoredBinary binary) const;
  os::Dir dir_;
  std::string path_;
};

}  // namespace gw::buildd
