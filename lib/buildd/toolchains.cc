#include "buildd/toolchains.h"

#include <fmt/format.h>

#include <algorithm>

#include "module/goversion.h"

namespace gw::buildd {

namespace {

constexpr std::chrono::minutes kKept{1};
constexpr std::string_view kNewestGo = "latest";

// The minor before the newest one's is still supported by Go's authors.
std::uint32_t oldest_supported(const std::vector<std::string>& versions) {
  const auto newest = mod::parse_go_version(versions.front());
  return newest && newest->minor > 0 ? newest->minor - 1 : 0;
}

}  // namespace

Toolchains::Toolchains(Source source, Range range, const Clock& clock, ToolchainGate* gate)
    : source_(std::move(source)), range_(std::move(range)), clock_(clock), gate_(gate) {}

// One asks; those who come meanwhile have what was there before, or else the same answer.
Result<std::vector<std::string>> Toolchains::all() {
  {
    const MutexLock lock(mutex_);
    const bool fresh = read_at_ && clock_.mono() - *read_at_ < kKept;
    if (fresh || (reading_ && !versions_.empty())) return versions_;
    if (reading_) {
      const auto before = answer_;
      while (answer_ == before) read_.wait(mutex_);
      return *answer_;
    }
    reading_ = true;
  }
  auto versions = source_.versions();
  if (versions && versions->empty()) versions = not_found_error("there is no Go toolchain");
  const MutexLock lock(mutex_);
  reading_ = false;
  // What was there a while ago most likely is: nobody else waits for who does not answer.
  if (versions || !versions_.empty()) read_at_ = clock_.mono();
  if (versions) versions_ = *versions;
  if (!versions && !versions_.empty()) versions = versions_;
  answer_ = std::make_shared<const Result<std::vector<std::string>>>(std::move(versions));
  read_.notify_all();
  return *answer_;
}

Result<std::vector<std::string>> Toolchains::offered() {
  GW_TRY(auto versions, all());
  const auto oldest = mod::parse_go_version(range_.oldest);
  const auto before = mod::parse_go_version(range_.before);
  const std::uint32_t minor = oldest_supported(versions);
  std::erase_if(versions, [&](const std::string& text) {
    const auto version = mod::parse_go_version(text);
    if (!version || (before && !(*version < *before))) return true;
    if (gate_ != nullptr) {
      const auto tried = gate_->find(text);
      if (tried && !tried->passed) return true;
    }
    return oldest ? *version < *oldest : version->minor < minor;
  });
  return versions;
}

Result<std::string> Toolchains::resolve(std::string_view query) {
  GW_TRY(const auto versions, offered());
  const std::string prefix(
      query.substr(0, query.size() - std::min(query.size(), kNewestGo.size())));
  const auto fits = [&](const std::string& version) {
    return query == kNewestGo || version.starts_with(prefix) || version + "." == prefix;
  };
  const auto passed = [&](const std::string& version) {
    return fits(version) && gate_->find(version).has_value();
  };
  auto found =
      gate_ == nullptr ? versions.end() : std::find_if(versions.begin(), versions.end(), passed);
  if (found == versions.end()) found = std::find_if(versions.begin(), versions.end(), fits);
  if (found != versions.end()) return *found;
  return not_found_error(fmt::format("no Go version for {} is offered here", query));
}

Status Toolchains::check(std::string_view version) {
  GW_TRY(const auto versions, offered());
  if (std::find(versions.begin(), versions.end(), version) != versions.end()) return {};
  return not_found_error(fmt::format("{} is not offered here", version),
                         fmt::format("the newest is {}", versions.empty() ? "" : versions.front()));
}

bool Toolchains::is_supported(std::string_view version) {
  const auto versions = all();
  const auto parsed = mod::parse_go_version(version);
  return versions && parsed && parsed->minor >= oldest_supported(*versions);
}

std::vector<std::string> Toolchains::untried() {
  std::vector<std::string> out;
  const auto versions = offered();
  // Once, those that failed under an earlier process: another one may be in their place by now. The
  // same ones cost no build.
  if (gate_ != nullptr && !looked_again_.exchange(true)) {
    for (const ToolchainGate::Tried& tried : gate_->all()) {
      if (!tried.passed) out.push_back(tried.go_version);
    }
  }
  if (gate_ == nullptr || !versions) return out;
  std::optional<std::uint32_t> minor;
  for (const std::string& text : *versions) {
    const auto version = mod::parse_go_version(text);
    if (!version || minor == version->minor) continue;
    minor = version->minor;
    if (!gate_->find(text)) out.push_back(text);
  }
  return out;
}

Result<build::Toolchain> Toolchains::get(const std::string& version) {
  std::shared_ptr<Ready> ready;
  {
    const MutexLock lock(mutex_);
    auto& entry = ready_[version];
    if (!entry) entry = std::make_shared<Ready>(clock_);
    ready = entry;
  }
  const MutexLock lock(ready->mutex);
  if (ready->toolchain) {
    build::Toolchain known = *ready->toolchain;
    known.in_use = ready->in_use.lock();
    if (known.in_use) return known;
    // One that is not ours may have been replaced in its place.
    if (!ready->in_cache && !known.kept_as.empty() && ready->kept.of(known) == known.kept_as) {
      return known;
    }
  }
  GW_TRY(build::Toolchain made, source_.make(version));
  if (made.kept_as.empty()) made.kept_as = ready->kept.of(made);
  // Whatever it builds from here on was built twice by it before, the same both times.
  if (gate_ != nullptr) GW_CHECK(gate_->pass(made));
  ready->in_use = made.in_use;
  ready->in_cache = made.in_use != nullptr;
  ready->toolchain = made;
  ready->toolchain->in_use.reset();
  return made;
}

}  // namespace gw::buildd
