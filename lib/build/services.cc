#include "build/services.h"

#include <optional>
#include <utility>

#include "build/agreement.h"
#include "os/thread.h"

namespace gw::build {

Result<FirstAnswer> first_answer(const Services& services,
                                 const std::function<Result<ProvenBuild>(BuildService&)>& ask,
                                 const Warn& warn) {
  const std::size_t may_fail = services.all.size() - services.wanted;
  std::optional<Error> first;
  for (std::size_t i = 0;; ++i) {
    auto found = ask(*services.all[i]);
    if (found) return FirstAnswer{*std::move(found), i};
    const ErrorKind kind = found.error().kind;
    if (!first) first = found.error();
    // What is wrong with the call is for all. One service may not have what another one has.
    if (kind == ErrorKind::kUntrusted || kind == ErrorKind::kUsage) return found.error();
    if (i >= may_fail) return kind == ErrorKind::kNotFound ? *first : found.error();
    warn(found.error().in("asking " + services.all[i]->name()).message);
  }
}

Result<Agreed> agree(const Services& services, const FirstAnswer& first, const Warn& warn) {
  const auto& all = services.all;
  std::vector<ServiceAnswer> answers;
  answers.reserve(all.size());
  for (const auto& service : all) answers.push_back({service->name(), first.build});
  os::run_on_threads(all.size(), [&](std::size_t i) {
    if (i != first.by) answers[i].build = all[i]->find(first.build.key());
  });
  GW_TRY(Agreement agreement, find_agreement(answers, services.wanted));
  for (const std::string& warning : agreement.warnings) warn(warning);
  Agreed out{std::move(agreement.build), {}};
  for (const std::size_t i : agreement.by) out.by.push_back(all[i].get());
  return out;
}

Result<std::string> fetch_agreed(const Agreed& agreed) {
  for (std::size_t i = 0;; ++i) {
    auto bytes = agreed.by[i]->fetch(agreed.build);
    if (bytes || i + 1 == agreed.by.size()) return bytes;
    if (bytes.error().kind == ErrorKind::kUntrusted) {
      return std::move(bytes).error().in(agreed.by[i]->name());
    }
  }
}

}  // namespace gw::build
