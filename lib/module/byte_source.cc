#include "module/byte_source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gw::mod {

Result<std::string> ByteSource::read_exactly(std::uint64_t offset, std::size_t n) const {
  if (offset > size() || n > size() - offset) return untrusted_error("ends too early");
  std::string out(n, '\0');
  GW_TRY(const std::size_t got, read_at(offset, out.data(), n));
  if (got != n) return untrusted_error("ends too early");
  return out;
}

Result<std::size_t> MemorySource::read_at(std::uint64_t offset, char* out, std::size_t n) const {
  if (offset >= bytes_.size()) return std::size_t{0};
  const std::size_t count = std::min<std::size_t>(n, bytes_.size() - offset);
  std::memcpy(out, bytes_.data() + offset, count);
  return count;
}

Result<FdSource> FdSource::of(int fd) {
  struct stat st {};
  if (fstat(fd, &st) != 0) return errno_error("fstat", errno);
  if (!S_ISREG(st.st_mode)) return io_error("not a regular file");
  return FdSource(fd, static_cast<std::uint64_t>(st.st_size));
}

Result<std::size_t> FdSource::read_at(std::uint64_t offset, char* out, std::size_t n) const {
  if (offset >= size_) return std::size_t{0};
  n = std::min<std::uint64_t>(n, size_ - offset);
  std::size_t done = 0;
  while (done < n) {
    const ssize_t got = pread(fd_, out + done, n - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error("pread", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace gw::mod
