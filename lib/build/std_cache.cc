#include "build/std_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/text.h"
#include "build/kept_packages.h"

namespace gw::build {

std::string StdCache::name(const Target& target) const {
  return fmt::format("{}-{}-{}", toolchain_, target.goos, target.goarch);
}

Status StdCache::copy_to(const os::Dir& to, const Target& target) const {
  return KeptPackages(directory_, name(target)).copy_to(to);
}

Result<std::set<std::string>> StdCache::names(const Target& target) const {
  return KeptPackages(directory_, name(target)).names();
}

Status StdCache::add_from(const os::Dir& from, const Target& target) const {
  GW_CHECK(KeptPackages(directory_, name(target)).add_from(from, {}));
  GW_TRY(const os::Dir top, os::Dir::open(directory_));
  return sweep(top);
}

// The least recently used ones go.
Status StdCache::sweep(const os::Dir& top) const {
  GW_TRY(const auto entries, top.list());
  std::vector<std::pair<std::int64_t, std::string>> kept;
  for (const os::Dir::Entry& entry : entries) {
    if (!entry.is_directory) continue;
    struct stat info {};
    const std::string manifest = fmt::format("{}/{}", entry.name, kPackagesManifest);
    const bool has = ::fstatat(top.fd(), manifest.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    kept.emplace_back(has ? info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec : 0,
                      entry.name);
  }
  std::sort(kept.begin(), kept.end());
  for (std::size_t i = 0; i + kMaxKept < kept.size(); ++i) {
    const auto lock = top.lock(kept[i].second + ".lock");
    if (!lock) continue;
    GW_CHECK(top.remove_tree(kept[i].second));
    GW_CHECK(top.unlink(kept[i].second + ".lock"));
  }
  return {};
}

std::vector<std::string> std_packages(std::string_view output) {
  std::vector<std::string> out;
  std::string_view before;
  while (!output.empty()) {
    const std::string_view line = take_line(output);
    if (before == "#" && line.starts_with("# ")) {
      const std::string_view package = line.substr(2);
      const std::string_view first = package.substr(0, package.find('/'));
      const bool plain = std::all_of(package.begin(), package.end(), [](char c) {
        return is_alnum(c) || c == '/' || c == '_' || c == '-';
      });
      // A dot in the first element is a module's; no module is without.
      if (plain && first != "vendor" && !first.starts_with('-') && !first.empty()) {
        out.emplace_back(package);
      }
    }
    before = line;
  }
  return out;
}

}  // namespace gw::build
