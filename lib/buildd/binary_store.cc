#include "buildd/binary_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "base/bytes.h"
#include "build/key.h"
#include "module/gzip.h"
#include "os/unfinished.h"

namespace gw::buildd {

namespace {

constexpr std::string_view kPart = ".part";
constexpr std::string_view kPacked = ".gz";
constexpr std::chrono::hours kFresh{1};
// A use is noted when the last that was is older: so much earlier than it was at most.
constexpr std::chrono::minutes kNotedEvery{5};

std::string part_name() { return encode_hex(random_bytes(8)) + std::string(kPart); }

// Reads the file from its start, piece by piece.
template <typename Take>
Status read_all(int fd, Take take) {
  std::string buffer(std::size_t{1} << 20U, '\0');
  off_t at = 0;
  while (true) {
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading a binary", errno);
    if (n == 0) return {};
    at += n;
    GW_CHECK(take(std::string_view(buffer).substr(0, static_cast<std::size_t>(n))));
  }
}

}  // namespace

Result<BinaryStore> BinaryStore::open(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) return io_error(fmt::format("making {}: {}", path, failed.message()));
  GW_TRY(os::Dir dir, os::Dir::open(path));
  GW_TRY(const auto entries, dir.list());
  for (const os::Dir::Entry& entry : entries) {
    const bool part = entry.name.ends_with(kPart) || os::is_unfinished(entry.name);
    if (part) GW_CHECK(dir.unlink(entry.name));
  }
  return BinaryStore(std::move(dir), path);
}

Result<BinaryStore> BinaryStore::open_read(const std::string& path) {
  GW_TRY(os::Dir dir, os::Dir::open(path));
  return BinaryStore(std::move(dir), path);
}

Result<StoredBinary> BinaryStore::add(const build::Product& product) const {
  const std::string part = part_name();
  GW_TRY(const build::Saved saved, product.save(dir_, part));
  return finish(part, saved);
}

Result<StoredBinary> BinaryStore::add(std::string_view bytes) const {
  const std::string part = part_name();
  GW_TRY(os::NewFile file, dir_.new_file(0755));
  GW_CHECK(file.write(bytes));
  GW_CHECK(file.replace(part));
  return finish(part, {bytes.size(), sha256(bytes)});
}

// From here on the bytes are on the disk, under a name that the next start removes.
Result<StoredBinary> BinaryStore::finish(const std::string& part, const build::Saved& saved) const {
  StoredBinary out;
  out.sum = build::format_binary_sum(saved.sha256);
  out.size = saved.size;
  out.sha256 = saved.sha256;
  GW_CHECK(dir_.rename(part, out.sum));
  return pack(std::move(out));
}

Result<StoredBinary> BinaryStore::pack(StoredBinary binary) const {
  GW_TRY(const os::Fd fd, dir_.open_file(binary.sum, O_RDONLY));
  GW_TRY(os::NewFile file, dir_.new_file(0644));
  Sha256 hash;
  mod::GzipWriter gzip([&](std::string_view piece) {
    hash.update(piece);
    binary.packed_size += piece.size();
    return file.write(piece);
  });
  GW_CHECK(read_all(fd.get(), [&](std::string_view piece) { return gzip.add(piece); }));
  GW_CHECK(gzip.finish());
  binary.packed_sha256 = hash.finish();
  // Makes the other name durable, too: it is in the same directory.
  GW_CHECK(file.replace(binary.sum + std::string(kPacked)));
  return binary;
}

Result<os::Fd> BinaryStore::open_quietly(std::string_view sum) const {
  return dir_.open_file(std::string(sum), O_RDONLY);
}

Result<std::string> BinaryStore::use(std::string_view sum, bool packed, WallTime now) const {
  const std::string name = fmt::format("{}{}", sum, packed ? kPacked : "");
  GW_TRY(const auto found, dir_.find(name));
  if (!found || !S_ISREG(found->st_mode)) return not_found_error(name + ": not kept any more");
  if (to_unix(now) - found->st_mtime >= std::chrono::seconds(kNotedEvery).count()) {
    const timespec time{to_unix(now), 0};
    const timespec times[2] = {time, time};
    // Only the order of removal depends on it.
    (void)::utimensat(dir_.fd(), name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  }
  return fmt::format("{}/{}", path_, name);
}

Result<std::optional<build::Saved>> BinaryStore::look(const std::string& name) const {
  const std::optional<build::Saved> none;
  auto fd = dir_.open_file(name, O_RDONLY);
  if (!fd && fd.error().kind == ErrorKind::kNotFound) return none;
  if (!fd) return std::move(fd).error();
  build::Saved out;
  Sha256 hash;
  GW_CHECK(read_all(fd->get(), [&](std::string_view piece) -> Status {
    hash.update(piece);
    out.size += piece.size();
    return {};
  }));
  out.sha256 = hash.finish();
  return std::optional(out);
}

Status BinaryStore::remove(const std::string& name) const { return dir_.unlink(name); }

Result<std::uint64_t> BinaryStore::evict(std::uint64_t max_bytes, WallTime now) const {
  struct Kept {
    std::string name;
    std::int64_t used;
    std::uint64_t size;
  };
  std::vector<Kept> kept;
  std::uint64_t total = 0;
  GW_TRY(const auto entries, dir_.list());
  for (const os::Dir::Entry& entry : entries) {
    GW_TRY(const auto found, dir_.find(entry.name));
    if (!found || !S_ISREG(found->st_mode) || entry.name.ends_with(kPart)) continue;
    const auto size = static_cast<std::uint64_t>(found->st_size);
    kept.push_back({entry.name, found->st_mtime, size});
    total += size;
  }
  std::sort(kept.begin(), kept.end(), [](const Kept& a, const Kept& b) { return a.used < b.used; });
  const std::int64_t stays = std::chrono::seconds(kFresh + kNotedEvery).count();
  for (const Kept& file : kept) {
    if (total <= max_bytes || to_unix(now) - file.used < stays) break;
    GW_CHECK(dir_.unlink(file.name));
    total -= file.size;
  }
  return total;
}

}  // namespace gw::buildd
