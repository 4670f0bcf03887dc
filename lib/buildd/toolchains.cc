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

Toolchains::Toolchains(Source source, Range range, const Clock& clock)
    : source_(std::move(source)), range_(std::move(range)), clock_(clock) {}

Result<std::vector<std::string>> Toolchains::all() {
  {
    const MutexLock lock(mutex_);
    if (read_at_ && clock_.mono() - *read_at_ < kKept) return versions_;
  }
  auto versions = source_.versions();
  const MutexLock lock(mutex_);
  if (!versions) {
    // What was there a while ago most likely is.
    if (!versions_.empty()) return versions_;
    return versions;
  }
  if (versions->empty()) return not_found_error("there is no Go toolchain");
  versions_ = *versions;
  read_at_ = clock_.mono();
  return versions;
}

Result<std::vector<std::string>> Toolchains::offered() {
  GW_TRY(auto versions, all());
  const auto oldest = mod::parse_go_version(range_.oldest);
  const auto before = mod::parse_go_version(range_.before);
  const std::uint32_t minor = oldest_supported(versions);
  std::erase_if(versions, [&](const std::string& text) {
    const auto version = mod::parse_go_version(text);
    if (!version || (before && !(*version < *before))) return true;
    return oldest ? *version < *oldest : version->minor < minor;
  });
  return versions;
}

Result<std::string> Toolchains::resolve(std::string_view query) {
  GW_TRY(const auto versions, offered());
  const std::string prefix(
      query.substr(0, query.size() - std::min(query.size(), kNewestGo.size())));
  const auto found =
      std::find_if(versions.begin(), versions.end(), [&](const std::string& version) {
        return query == kNewestGo || version.starts_with(prefix) || version + "." == prefix;
      });
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

Result<build::Toolchain> Toolchains::get(const std::string& version) {
  std::shared_ptr<Ready> ready;
  {
    const MutexLock lock(mutex_);
    auto& entry = ready_[version];
    if (!entry) entry = std::make_shared<Ready>();
    ready = entry;
  }
  const MutexLock lock(ready->mutex);
  if (ready->toolchain) {
    build::Toolchain known = *ready->toolchain;
    known.in_use = ready->in_use.lock();
    if (known.in_use || !ready->in_cache) return known;
  }
  GW_TRY(build::Toolchain made, source_.make(version));
  ready->in_use = made.in_use;
  ready->in_cache = made.in_use != nullptr;
  ready->toolchain = made;
  ready->toolchain->in_use.reset();
  return made;
}

}  // namespace gw::buildd
