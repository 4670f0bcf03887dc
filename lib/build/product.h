// A binary that was made: copied to its place, summed, and asked what it says of itself.
//
// One thread. Errors: kIo, and what the functions say.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/result.h"
#include "build/key.h"
#include "build/sums.h"
#include "module/byte_source.h"
#include "os/dir.h"
#include "os/file.h"

namespace gw::build {

struct Saved {
  std::uint64_t size = 0;
  Hash sha256{};
};

// A binary that is what its key says, as far as it says so itself. Gone with its Builder unless it
// was saved.
class Product {
 public:
  Product(os::Fd file, std::string log, std::vector<SumRemark> remarks)
      : file_(std::move(file)), log_(std::move(log)), remarks_(std::move(remarks)) {}
  // Copies it to that name, in the place of what has it; executable, durable. The sum is of the
  // bytes that were written.
  Result<Saved> save(const os::Dir& dir, const std::string& name) const;
  Result<Hash> hash() const;
  // The build log's path.
  const std::string& log() const { return log_; }
  // Modules in it that are not what the public checksum database says, "a.b/c@v1.0.0 h1:...: WHO".
  // The log has them, too.
  const std::vector<SumRemark>& remarks() const { return remarks_; }

 private:
  Result<Saved> read(const std::function<Status(std::string_view)>& take) const;
  os::Fd file_;
  std::string log_;
  std::vector<SumRemark> remarks_;
};

// Size and hash of a file, or of what comes through a pipe. kNotFound, kIo.
Result<Saved> sum_file(const std::string& path);

// What the binary says about itself against its key; the programs of js and wasip1 say nothing.
// kNotFound: it is of another module, which the directory belongs to; kInternal: anything else that
// is not as it was asked for.
Status check_binary(const mod::ByteSource& binary, const Key& key);

}  // namespace gw::build
