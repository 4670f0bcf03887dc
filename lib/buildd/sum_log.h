// All records as lines of a plain file, beside the database: for people, for copies, and for the
// day on which a database cannot be read.
//
// It follows the ledger: what a crash kept from it is appended by the next start, and half a line
// is taken away first, as it is when a disk is full. A file that is not the ledger's is written
// anew. It is never read for anything else. Any thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "buildd/ledger.h"
#include "os/file.h"

namespace gw::buildd {

class SumLog {
 public:
  static Result<std::unique_ptr<SumLog>> open(const std::string& path, Ledger& ledger);
  // Appends what the ledger has more; durable when it returns.
  Status follow();

 private:
  SumLog(os::Fd fd, Ledger& ledger) : ledger_(ledger), fd_(std::move(fd)) {}
  Status check(const std::string& path);

  Ledger& ledger_;
  Mutex mutex_;
  os::Fd fd_ GW_GUARDED_BY(mutex_);
  std::uint64_t lines_ GW_GUARDED_BY(mutex_) = 0;
  off_t bytes_ GW_GUARDED_BY(mutex_) = 0;  // of those lines
};

}  // namespace gw::buildd
