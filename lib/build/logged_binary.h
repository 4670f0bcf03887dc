// A binary's bytes, compared with what a log's record says of them: the one place where that is
// done.
//
// No state; any thread. Source: the record's form, tlog/build_log.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tlog/build_log.h"

namespace gw::build {

// What a record says. The view's bytes are the record's.
struct LoggedBinary {
  explicit LoggedBinary(const tlog::BuildRecord& record) : size(record.size), sum(record.sum) {}
  LoggedBinary(std::uint64_t bytes, std::string_view its_sum) : size(bytes), sum(its_sum) {}
  std::uint64_t size = 0;  // uncompressed bytes
  std::string_view sum;
};

// The most bytes that the packed file can have.
std::uint64_t max_packed_size(const LoggedBinary& logged);

// `bytes`: uncompressed. kUntrusted, with both sizes and sums, when they are others.
Status check_logged(std::string_view bytes, const LoggedBinary& logged);

// The uncompressed bytes, never more of them than the record says. kUntrusted as above, and for
// what is no gzip file.
Result<std::string> unpack_logged(std::string_view packed, const LoggedBinary& logged);

}  // namespace gw::build
