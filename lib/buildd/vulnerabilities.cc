#include "buildd/vulnerabilities.h"

namespace gw::buildd {

namespace {

constexpr std::chrono::hours kDocumentsLife{1};
constexpr std::chrono::minutes kAfterFailure{1};
constexpr std::size_t kMaxQuestions = 5000;
// Older than any version, so that no document is left out because it is fixed there.
constexpr std::string_view kOldestVersion = "v0.0.0-0";

}  // namespace

Vulnerabilities::Documents Vulnerabilities::of_module(const std::string& module) {
  const mod::Component oldest{module, std::string(kOldestVersion)};
  return of(module, {&oldest, 1});
}

Vulnerabilities::Documents Vulnerabilities::of(const std::string& name,
                                               std::span<const mod::Component> have) {
  const MonoTime now = clock_.mono();
  Documents known;
  {
    const MutexLock lock(mutex_);
    const auto found = kept_.find(name);
    if (found != kept_.end()) {
      known = found->second.documents;
      const Duration life = found->second.good ? Duration(kDocumentsLife) : Duration(kAfterFailure);
      if (now - found->second.at < life) return known;
    }
    if (failed_at_ && now - *failed_at_ < kAfterFailure) return known;
  }
  if (!asking_.try_lock()) return known;
  auto read = read_(have);
  asking_.unlock();
  const MutexLock lock(mutex_);
  if (kept_.size() >= kMaxQuestions) kept_.clear();
  if (!read) {
    logger_.error("reading the vulnerability database", read.error());
    // What is wrong with the answer to this question says nothing about others.
    if (read.error().kind == ErrorKind::kUnavailable) {
      failed_at_ = now;
    } else {
      kept_.insert_or_assign(name, Kept{now, known, false});
    }
    return known;
  }
  failed_at_.reset();
  known = std::make_shared<const std::vector<mod::Vulnerability>>(*std::move(read));
  kept_.insert_or_assign(name, Kept{now, known, true});
  return known;
}

}  // namespace gw::buildd
