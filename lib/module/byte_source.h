// Bytes that are read where they are wanted: a file or a piece of memory behind one small
// interface.
//
// Readers of archives and programs take one of these, so that nothing is mapped (a file that
// shrinks under a mapping ends the process), nothing is loaded whole, and tests need no files. A
// reader must expect fewer bytes than size() promised: files change.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::mod {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;
  // Up to `n` bytes from `offset` on, into `out`: fewer only where the bytes end. kIo. Any thread.
  virtual Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t n) const = 0;

  // Exactly `n` bytes; kUntrusted when there are not so many. The caller has bounded `n`.
  Result<std::string> read_exactly(std::uint64_t offset, std::size_t n) const;
};

// The memory must outlive it.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t n) const override;

 private:
  std::string_view bytes_;
};

// A regular file, by pread; its offset is neither used nor changed. The descriptor stays the
// caller's and must outlive this.
class FdSource final : public ByteSource {
 public:
  // kIo when it is not a regular file.
  static Result<FdSource> of(int fd);
  std::uint64_t size() const override { return size_; }
  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t n) const override;

 private:
  FdSource(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  int fd_;
  std::uint64_t size_;
};

}  // namespace gw::mod
