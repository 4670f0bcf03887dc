#include "build/kept_packages.h"

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

constexpr std::size_t kMaxManifest = std::size_t{8} << 20U;
constexpr std::size_t kMaxEntry = std::size_t{256} << 20U;
constexpr std::size_t kHex = 64;

using Manifest = std::map<std::string, std::string, std::less<>>;  // name to hash

// "HASH-a", "HASH-d".
bool is_entry(std::string_view name) {
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  return name.size() == kHex + 2 && (name.ends_with("-a") || name.ends_with("-d")) &&
         std::all_of(name.begin(), name.begin() + kHex, is_hex);
}

std::string path_of(std::string_view name) { return fmt::format("{}/{}", name.substr(0, 2), name); }

Result<Manifest> read_manifest(const os::Dir& dir) {
  auto text = dir.read_file(kPackagesManifest, kMaxManifest);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Manifest();
  if (!text) return std::move(text).error();
  Manifest out;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    const bool good =
        line.size() > kHex + 1 && line[kHex] == ' ' && is_entry(line.substr(kHex + 1));
    if (!good) return untrusted_error(std::string(kPackagesManifest) + ": malformed");
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

Status KeptPackages::copy_to(const os::Dir& to) const {
  GW_TRY(const os::Dir top, os::Dir::open(directory_));
  GW_TRY(const auto there, top.find(name_));
  if (!there) return {};
  // Nobody removes it meanwhile.
  GW_TRY(const os::Fd lock, top.lock_shared(name_ + ".lock"));
  const auto dir = top.open_dir(name_);
  if (!dir && dir.error().kind == ErrorKind::kNotFound) return {};
  if (!dir) return dir.error();
  const auto changed = [&](const std::string& what) {
    return untrusted_error(
        fmt::format("{}/{}/{}: was changed since it was kept", directory_, name_, what),
        fmt::format("remove {}/{}, to compile it anew", directory_, name_));
  };
  // What cannot be read now need not have been changed.
  const auto unread = [&](const Error& error, const std::string& what) {
    const bool edited = error.kind == ErrorKind::kNotFound || error.kind == ErrorKind::kUntrusted;
    return edited ? changed(what) : Error(error).in(fmt::format("{}/{}", directory_, name_));
  };
  const auto manifest = read_manifest(*dir);
  if (!manifest) return unread(manifest.error(), kPackagesManifest);
  for (const auto& [entry, hash] : *manifest) {
    const auto content = dir->read_file(path_of(entry), kMaxEntry);
    if (!content) return unread(content.error(), path_of(entry));
    if (encode_hex(as_bytes(sha256(*content))) != hash) return changed(path_of(entry));
    GW_CHECK(write_entry(to, entry, *content, O_EXCL));
  }
  // What was used last is kept longest.
  ::utimensat(dir->fd(), kPackagesManifest, nullptr, AT_SYMLINK_NOFOLLOW);
  return {};
}

Result<std::set<std::string>> KeptPackages::names() const {
  GW_TRY(const os::Dir top, os::Dir::open(directory_));
  std::set<std::string> out;
  const auto dir = top.open_dir(name_);
  if (!dir && dir.error().kind == ErrorKind::kNotFound) return out;
  if (!dir) return dir.error();
  GW_TRY(const Manifest manifest, read_manifest(*dir));
  for (const auto& [entry, hash] : manifest) out.insert(entry);
  return out;
}

Status KeptPackages::add_from(const os::Dir& from, const std::set<std::string>& without) const {
  GW_TRY(const os::Dir top, os::Dir::open(directory_));
  const auto lock = top.lock(name_ + ".lock");
  if (!lock) return {};
  GW_TRY(const os::Dir dir, top.make_dir(name_, 0755));
  GW_TRY(Manifest manifest, read_manifest(dir));
  GW_TRY(const auto entries, list_entries(from));
  bool more = false;
  for (const std::string& entry : entries) {
    if (manifest.contains(entry) || without.contains(entry)) continue;
    GW_TRY(const std::string content, from.read_file(path_of(entry), kMaxEntry));
    GW_CHECK(write_entry(dir, entry, content, 0));
    manifest.emplace(entry, encode_hex(as_bytes(sha256(content))));
    more = true;
  }
  if (!more) return {};
  // The entries are on the disk before anything names them.
  if (::syncfs(dir.fd()) != 0) return errno_error("syncfs", errno);
  GW_TRY(os::NewFile file, dir.new_file(0644));
  GW_CHECK(file.write(format_manifest(manifest)));
  return file.replace(kPackagesManifest);
}

std::string kept_module_name(const Key& key) {
  // Paths of modules are longer than names of files may be.
  const Hash hash = sha256(fmt::format("{}@{}", key.module, key.version));
  return fmt::format("{}-{}-{}-{}", key.go_version, key.target.goos, key.target.goarch,
                     encode_hex(as_bytes(hash)).substr(0, 32));
}

}  // namespace gw::build
