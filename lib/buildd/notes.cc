#include "buildd/notes.h"

#include <fmt/format.h>

#include "base/text.h"
#include "os/file.h"

namespace gw::buildd {

Notes::Notes(std::string file, std::string given)
    : file_(std::move(file)), given_(std::move(given)) {
  const auto kept = os::read_file(file_, kMaxBytes);
  text_ = kept && !trim(*kept).empty() ? std::string(trim(*kept)) : given_;
}

std::string Notes::text() const {
  const MutexLock lock(mutex_);
  return text_;
}

Status Notes::set(std::string text) {
  if (text.size() > kMaxBytes) {
    return usage_error(fmt::format("notes of more than {} bytes", kMaxBytes));
  }
  text = std::string(trim(text));
  const MutexLock lock(mutex_);
  GW_CHECK(os::write_file_atomic(file_, text, 0644));
  if (text.empty()) text = given_;
  text_ = std::move(text);
  return {};
}

}  // namespace gw::buildd
