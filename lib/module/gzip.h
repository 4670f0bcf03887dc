// gzip (RFC 1952) with a header that says nothing of the day or the machine, so that the same bytes
// in are the same bytes out: no name, no time, one level for all.
//
// Belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gw::mod {

// Packs what it is given, piece by piece, into `take`, whose errors are passed on.
class GzipWriter {
 public:
  using Take = std::function<Status(std::string_view)>;
  explicit GzipWriter(Take take);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  Status add(std::string_view bytes);
  // Once, at the end.
  Status finish();

 private:
  struct Impl;
  Status run(std::string_view bytes, bool last);
  std::unique_ptr<Impl> impl_;
};

// Unpacks a stream that arrives in pieces, of one member or several one behind the other, as Go's
// compress/gzip reads it: what comes before a fault has been given to `take`.
class GzipReader {
 public:
  // False: no more is wanted.
  using Take = std::function<bool(std::string_view)>;
  GzipReader();
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // False when `take` said so. kUntrusted: not gzip from here on, or a wrong checksum.
  Result<bool> add(std::string_view packed, const Take& take);
  // Whether all that came is whole members.
  bool complete() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string gzip(std::string_view bytes);
// One member and nothing behind it. kUntrusted: not gzip, cut short, wrong checksum, or more than
// `max_bytes` when unpacked.
Result<std::string> gunzip(std::string_view packed, std::size_t max_bytes);

}  // namespace gw::mod
