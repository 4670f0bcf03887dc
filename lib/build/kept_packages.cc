#include "build/kept_packages.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <map>
#include <optional>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"

namespace gw::build {

namespace {

constexpr std::size_t kMaxManifest = std::size_t{8} << 20U;
constexpr std::uint64_t kMaxEntry = std::uint64_t{256} << 20U;
constexpr std::size_t kHex = 64;
constexpr std::size_t kFields = 5;

struct KeptEntry {
  std::string hash;
  std::uint64_t pack = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};
using Manifest = std::map<std::string, KeptEntry, std::less<>>;  // by name

// "HASH-a", "HASH-d".
bool is_entry(std::string_view name) {
  const auto is_hex = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); };
  return name.size() == kHex + 2 && (name.ends_with("-a") || name.ends_with("-d")) &&
         std::all_of(name.begin(), name.begin() + kHex, is_hex);
}

std::string path_of(std::string_view name) { return fmt::format("{}/{}", name.substr(0, 2), name); }

std::string pack_name(std::uint64_t number) { return fmt::format("pack-{}", number); }

std::optional<std::pair<std::string, KeptEntry>> parse_line(std::string_view line) {
  const auto words = split_words(line);
  if (words.size() != kFields || words[0].size() != kHex || !is_entry(words[1])) return {};
  const auto pack = parse_decimal(words[2]);
  const auto offset = parse_decimal(words[3]);
  const auto size = parse_decimal(words[4]);
  if (!pack || !offset || !size || *size > kMaxEntry) return {};
  return std::pair(std::string(words[1]), KeptEntry{std::string(words[0]), *pack, *offset, *size});
}

Result<Manifest> read_manifest(const os::Dir& dir) {
  auto text = dir.read_file(kPackagesManifest, kMaxManifest);
  if (!text && text.error().kind == ErrorKind::kNotFound) return Manifest();
  if (!text) return std::move(text).error();
  Manifest out;
  std::string_view rest = *text;
  while (!rest.empty()) {
    auto entry = parse_line(take_line(rest));
    if (!entry) return untrusted_error(std::string(kPackagesManifest) + ": malformed");
    out.insert(*std::move(entry));
  }
  return out;
}

std::string format_manifest(const Manifest& manifest) {
  std::string out;
  for (const auto& [name, e] : manifest) {
    out += fmt::format("{} {} {} {} {}\n", e.hash, name, e.pack, e.offset, e.size);
  }
  return out;
}

// Packs that are open, each once.
class Packs {
 public:
  explicit Packs(const os::Dir& dir) : dir_(dir) {}
  // kNotFound also where the pack is too short.
  Result<std::string> read(const KeptEntry& entry) {
    auto at = open_.find(entry.pack);
    if (at == open_.end()) {
      GW_TRY(os::Fd fd, dir_.open_file(pack_name(entry.pack), O_RDONLY));
      at = open_.emplace(entry.pack, std::move(fd)).first;
    }
    std::string out(entry.size, '\0');
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(at->second.get(), out.data() + done, out.size() - done,
                                static_cast<off_t>(entry.offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno_error(pack_name(entry.pack), errno);
      if (n == 0) return not_found_error(pack_name(entry.pack) + ": too short");
      done += static_cast<std::size_t>(n);
    }
    return out;
  }

 private:
  const os::Dir& dir_;
  std::map<std::uint64_t, os::Fd> open_;
};

// Into a build cache that nobody else has. Not durable: it lives as long as a build does.
Status write_entry(const os::Dir& group, const std::string& name, std::string_view content) {
  auto fd = group.open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (!fd && fd.error().kind == ErrorKind::kUsage) return {};  // is there
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
  Packs packs(*dir);
  std::optional<os::Dir> group;
  std::string group_name;
  for (const auto& [name, entry] : *manifest) {
    if (!name.starts_with(group_name) || !group) {
      group_name = name.substr(0, 2);
      GW_TRY(group, to.make_dir(group_name, 0755));
    }
    GW_TRY(const auto known, group->find(name));
    if (known) continue;
    const auto content = packs.read(entry);
    if (!content) return unread(content.error(), pack_name(entry.pack));
    if (encode_hex(as_bytes(sha256(*content))) != entry.hash) return changed(pack_name(entry.pack));
    GW_CHECK(write_entry(*group, name, *content));
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
  for (const auto& [name, entry] : manifest) out.insert(name);
  return out;
}

Status KeptPackages::add_from(const os::Dir& from, const std::set<std::string>& without) const {
  GW_TRY(const os::Dir top, os::Dir::open(directory_));
  const auto lock = top.lock(name_ + ".lock");
  if (!lock) return {};
  // Without an index it is what a crash left, or of another form.
  GW_TRY(os::Dir dir, top.make_dir(name_, 0755));
  GW_TRY(const auto index, dir.find(kPackagesManifest));
  if (!index) {
    GW_CHECK(top.remove_tree(name_));
    GW_TRY(dir, top.make_dir(name_, 0755));
  }
  GW_TRY(Manifest manifest, read_manifest(dir));
  GW_TRY(const auto entries, list_entries(from));
  KeptEntry next;
  for (const auto& [name, entry] : manifest) next.pack = std::max(next.pack, entry.pack + 1);
  std::optional<os::NewFile> pack;
  for (const std::string& name : entries) {
    if (manifest.contains(name) || without.contains(name)) continue;
    GW_TRY(const std::string content, from.read_file(path_of(name), kMaxEntry));
    if (!pack) {
      GW_TRY(os::NewFile file, dir.new_file(0644));
      pack.emplace(std::move(file));
    }
    GW_CHECK(pack->write(content));
    next.hash = encode_hex(as_bytes(sha256(content)));
    next.size = content.size();
    manifest.emplace(name, next);
    next.offset += next.size;
  }
  if (!pack) return {};
  // It is on the disk before anything names it, in the place of one that nothing names.
  GW_CHECK(pack->replace(pack_name(next.pack)));
  GW_TRY(os::NewFile file, dir.new_file(0644));
  GW_CHECK(file.write(format_manifest(manifest)));
  return file.replace(kPackagesManifest);
}

Status move_entries(const os::Dir& from, const os::Dir& to) {
  GW_TRY(const auto entries, list_entries(from));
  std::string group;
  std::optional<os::Dir> source;
  std::optional<os::Dir> target;
  for (const std::string& name : entries) {
    if (!name.starts_with(group) || !source) {
      group = name.substr(0, 2);
      GW_TRY(source, from.open_dir(group));
      GW_TRY(target, to.make_dir(group, 0755));
    }
    if (::renameat2(source->fd(), name.c_str(), target->fd(), name.c_str(), RENAME_NOREPLACE) !=
            0 &&
        errno != EEXIST) {
      return errno_error("moving " + name, errno);
    }
  }
  return {};
}

std::string kept_module_name(const Key& key, std::string_view toolchain) {
  // Paths of modules are longer than names of files may be.
  const Hash hash = sha256(fmt::format("{}@{}", key.module, key.version));
  return fmt::format("{}-{}-{}-{}", toolchain, key.target.goos, key.target.goarch,
                     encode_hex(as_bytes(hash)).substr(0, 32));
}

}  // namespace gw::build
