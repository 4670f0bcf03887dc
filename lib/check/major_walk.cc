#include "check/major_walk.h"

#include <fmt/format.h>

#include "module/semver.h"

namespace gw::check {
namespace {

std::string_view major_of(const mod::ModulePath& path) {
  const auto parts = mod::split_path_version(path.text());
  return parts && !parts->major.empty() ? parts->major.substr(2) : "1";
}

// The path after the major of `version`: of `x/y` and v17.0.0+incompatible `x/y/v18`.
std::optional<mod::ModulePath> path_after(const mod::ModulePath& path,
                                          const std::optional<std::string>& version) {
  const auto v = version ? mod::parse_semver(*version) : std::nullopt;
  const auto parts = mod::split_path_version(path.text());
  // Only a path without a suffix has releases of another major than its own.
  if (!v || !parts || !parts->major.empty() || !v->incompatible) {
    return path.next_major();
  }
  auto own = mod::ModulePath::parse(fmt::format("{}/v{}", parts->prefix, v->major));
  if (!own) return std::nullopt;  // longer than any path may be
  return own->next_major();
}

}  // namespace

MajorWalk::MajorWalk(mod::ModulePath path, const std::optional<std::string>& known)
    : path_(std::move(path)), next_(path_after(path_, known)) {}

std::vector<mod::ModulePath> MajorWalk::next_round() {
  if (passed_ && next_) {
    const auto after = path_after(path_, passed_);
    if (after && mod::compare_number(major_of(*after), major_of(*next_)) > 0) {
      next_ = after;
      missing_ = 0;
    }
  }
  passed_.reset();
  if (missing_ >= kMostMissing) next_.reset();
  std::vector<mod::ModulePath> paths;
  for (unsigned i = 0; i < step_ && next_ && asked_ < kMostAsked; ++i, ++asked_) {
    paths.push_back(*next_);
    next_ = next_->next_major();
  }
  step_ *= 2;
  return paths;
}

}  // namespace gw::check
