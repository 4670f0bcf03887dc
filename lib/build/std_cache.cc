#include "build/std_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"

namespace gw::build {

namespace {

constexpr const char* kManifest = "manifest";
constexpr std::size_t kMaxManifest = std::size_t{8} << 20U;
constexpr std::size_t kMaxEntry = std::size_t{256} << 20U;
constexpr std::size_t kHex = 64;

using Manifest = std::map<std::string, std::string, std::less<>>;  // name to hash

std::string directory_name(const Key& key) {
  return fmt::format("{}-{}-{}", key.go_version, key.target.goos, key.target.goarch);
}

// "HASH-a", "HASH-d".
bool is_entry(std::string_view name) {
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  return name.size() == kHex + 2 && (name.ends_with("-a") || name.ends_with("-d")) &&
         std::all_of(name.begin(), name.begin() + kHex, is_hex);
}

std::string path_of(std::string_view name) { return fmt::format("{}/{}", name.substr(0, 2), name); }

Result<Manifest> read_manifest(const os::Dir& dir) {
  auto text = dir.read_file(kManifest, kMaxManifest);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Manifest();
  if (!text) return std::move(text).error();
  Manifest out;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    const bool good =
        line.size() > kHex + 1 && line[kHex] == ' ' && is_entry(line.substr(kHex + 1));
    if (!good) return untrusted_error(std::string(kManifest) + ": malformed");
    out.emplace(line.substr(kHex + 1), line.substr(0, kHex));
  }
  return out;
}

std::string format_manifest(const Manifest& manifest) {
  std::string out;
  for (const auto& [name, hash] : manifest) out += fmt::format("{} {}\n", hash, name);
  return out;
}

// Not durable yet, and not atomic: nothing believes it before the manifest names it.
Status write_entry(const os::Dir& dir, const std::string& name, std::string_view content,
                   int exclusive) {
  GW_TRY(const os::Dir below, dir.make_dir(name.substr(0, 2), 0755));
  auto fd = below.open_file(name, O_WRONLY | O_CREAT | O_TRUNC | exclusive, 0644);
  if (!fd && exclusive != 0 && fd.error().kind == ErrorKind::kUsage) return {};  // is there
  if (!fd) return std::move(fd).error();
  while (!content.empty()) {
    const ssize_t n = ::write(fd->get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("writing " + name, errno);
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

// Names of the entries in a build cache.
Result<std::vector<std::string>> list_entries(const os::Dir& cache) {
  std::vector<std::string> out;
  GW_TRY(const auto groups, cache.list());
  for (const os::Dir::Entry& group : groups) {
    if (!group.is_directory || group.name.size() != 2) continue;
    GW_TRY(const os::Dir dir, cache.open_dir(group.name));
    GW_TRY(const auto entries, dir.list());
    for (const os::Dir::Entry& entry : entries) {
      const bool plain = !entry.is_directory && !entry.is_link && is_entry(entry.name);
      if (plain && entry.name.starts_with(group.name)) out.push_back(entry.name);
    }
  }
  return out;
}

}  // namespace

Status StdCache::copy_to(const os::Dir& to, const Key& key) const {
  GW_TRY(const os::Dir top, os::Dir::open(directory_));
  const std::string name = directory_name(key);
  const auto dir = top.open_dir(name);
  if (!dir && dir.error().kind == ErrorKind::kNotFound) return {};
  if (!dir) return dir.error();
  const auto changed = [&](const std::string& what) {
    return untrusted_error(
        fmt::format("{}/{}/{}: was changed since it was kept", directory_, name, what),
        fmt::format("remove {}/{}, to compile it anew", directory_, name));
  };
  const auto manifest = read_manifest(*dir);
  if (!manifest) return changed(kManifest);
  for (const auto& [entry, hash] : *manifest) {
    const auto content = dir->read_file(path_of(entry), kMaxEntry);
    if (!content || encode_hex(as_bytes(sha256(*content))) != hash) return changed(path_of(entry));
    GW_CHECK(write_entry(to, entry, *content, O_EXCL));
  }
  // What was used last is kept longest.
  ::utimensat(dir->fd(), kManifest, nullptr, AT_SYMLINK_NOFOLLOW);
  return {};
}

Status StdCache::add_from(const os::Dir& from, const Key& key) const {
  GW_TRY(const os::Dir top, os::Dir::open(directory_));
  const std::string name = directory_name(key);
  const auto lock = top.lock(name + ".lock");
  if (!lock) return {};
  GW_TRY(const os::Dir dir, top.make_dir(name, 0755));
  GW_TRY(Manifest manifest, read_manifest(dir));
  GW_TRY(const auto entries, list_entries(from));
  for (const std::string& entry : entries) {
    if (manifest.contains(entry)) continue;
    GW_TRY(const std::string content, from.read_file(path_of(entry), kMaxEntry));
    GW_CHECK(write_entry(dir, entry, content, 0));
    manifest.emplace(entry, encode_hex(as_bytes(sha256(content))));
  }
  // The entries are on the disk before anything names them.
  if (::syncfs(dir.fd()) != 0) return errno_error("syncfs", errno);
  GW_TRY(os::NewFile file, dir.new_file(0644));
  GW_CHECK(file.write(format_manifest(manifest)));
  GW_CHECK(file.replace(kManifest));
  return sweep(top);
}

// The least recently used ones go.
Status StdCache::sweep(const os::Dir& top) const {
  GW_TRY(const auto entries, top.list());
  std::vector<std::pair<std::int64_t, std::string>> kept;
  for (const os::Dir::Entry& entry : entries) {
    if (!entry.is_directory) continue;
    struct stat info {};
    const std::string manifest = fmt::format("{}/{}", entry.name, kManifest);
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
