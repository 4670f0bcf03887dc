#include "build/toolchain.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/bytes.h"
#include "base/text.h"
#include "build/cache_trim.h"
#include "build/go_command.h"
#include "build/key.h"
#include "build/toolchain_hash.h"
#include "module/goversion.h"
#include "module/zip.h"
#include "os/dir.h"

namespace gw::build {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxVersionFile = 4096;

Status copy_gomod(const os::Dir& dir) {
  GW_TRY(const std::string text,
         dir.read_file(std::string(kPackedGoMod), mod::kMaxSpecialFileBytes));
  GW_TRY(os::NewFile file, dir.new_file(0644));
  GW_CHECK(file.write(text));
  return file.publish(std::string(kGoMod));
}

// From the module's files to a toolchain that works.
Status finish_unpacking(const os::Dir& root) {
  std::vector<std::string> gomods;
  GW_CHECK(visit_files(
      root, [&](const os::Dir& dir, const std::string& base, const std::string& name) -> Status {
        if (base == kPackedGoMod) gomods.push_back(name);
        if (!is_program(name)) return {};
        if (::fchmodat(dir.fd(), base.c_str(), 0755, 0) != 0) {
          return errno_error("chmod " + name, errno);
        }
        return {};
      }));
  // src/go.mod is what the go command looks for to see that a toolchain is whole.
  std::stable_partition(gomods.begin(), gomods.end(),
                        [](const std::string& name) { return name != "src/_go.mod"; });
  for (const std::string& name : gomods) {
    const std::size_t slash = name.rfind('/');
    if (slash == std::string::npos) {
      GW_CHECK(copy_gomod(root));
      continue;
    }
    GW_TRY(const os::Dir dir, root.open_dir(name.substr(0, slash)));
    GW_CHECK(copy_gomod(dir));
  }
  return {};
}

struct ToolchainModule {
  std::string go_version;
  std::string platform;
  std::string module{mod::kToolchainModule};
  std::string version = fmt::format("v0.0.1-{}.{}", go_version, platform);
  std::string directory() const { return fmt::format("{}.{}", go_version, platform); }
  std::string name() const { return fmt::format("{}@{}", module, version); }
};

// Unpacks beside its place and renames: it is there whole, or not at all. Another process that was
// faster has made the same.
Status unpack(const ToolchainCache& cache, const os::Dir& parent, const ToolchainModule& m,
              const std::string& sum) {
  const std::string name = m.directory();
  GW_TRY(const os::Fd zip_file, cache.store.zip(m.module, m.version));
  GW_TRY(const auto source, mod::FdSource::of(zip_file.get()));
  GW_TRY(auto zip, mod::ModuleZip::open(source, m.module, m.version));
  const std::string part = fmt::format(".{}.{}", name, encode_hex(random_bytes(8)));
  // Or whoever trims the cache would take it for what nobody uses.
  const std::string part_lock = part + ".lock";
  GW_TRY(const os::Fd lock, parent.lock(part_lock));
  GW_TRY(const os::Dir dir, parent.make_dir(part, 0755));
  const auto fill = [&]() -> Status {
    GW_TRY(const std::string own, zip.unpack(dir.fd(), [&] { return check_going(cache.stop); }));
    if (own != sum) return untrusted_error(fmt::format("it has the sum {}, not {}", own, sum));
    GW_CHECK(finish_unpacking(dir));
    if (::syncfs(dir.fd()) != 0) return errno_error("syncfs", errno);
    return parent.rename_new(part, name);
  };
  auto filled = fill();
  if (filled) {
    GW_CHECK(parent.unlink(part_lock));
    return parent.sync();
  }
  GW_CHECK(parent.remove_tree(part));
  GW_CHECK(parent.unlink(part_lock));
  GW_TRY(const auto other, parent.find(name));
  if (other) return {};
  return std::move(filled).error().in("unpacking " + m.name());
}

}  // namespace

Result<Toolchain> module_toolchain(const ToolchainCache& cache, const std::string& go_version,
                                   std::string_view platform) {
  const ToolchainModule m{.go_version = go_version, .platform = std::string(platform)};
  const std::string name = m.directory();
  auto sum = cache.store.sums().zip_sum(m.module, m.version);
  if (!sum) return std::move(sum).error().in("toolchain " + name);
  GW_TRY(const os::Dir parent, os::Dir::open(cache.directory));
  GW_TRY(os::Fd lock, parent.lock_shared(name + ".lock"));
  auto in_use = std::make_shared<const os::Fd>(std::move(lock));
  touch_used(in_use->get());
  GW_TRY(const auto there, parent.find(name));
  if (!there) GW_CHECK(unpack(cache, parent, m, *sum));
  const std::string path = fs::path(cache.directory).lexically_normal() / name;
  GW_TRY(const os::Dir dir, parent.open_dir(name));
  auto own = hash_toolchain(dir.fd(), m.name(), cache.stop);
  if (!own) return std::move(own).error().in(path);
  if (*own != *sum) {
    return untrusted_error(
        fmt::format("{}: was changed since it was verified: it has the sum {}, not {}", path, *own,
                    *sum),
        "remove it, to unpack it anew");
  }
  return Toolchain{go_version, os::real_path(path), {}, go_version, std::move(in_use), *sum};
}

// ---- toolchains that are trusted as they are ----

namespace {

// Where the links in the first two levels lead: Debian keeps a GOROOT in two places.
void find_links(const fs::path& dir, int levels, std::set<std::string>& out) {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(dir, failed)) {
    if (entry.is_symlink(failed)) {
      const fs::path target = fs::canonical(entry.path(), failed);
      if (!failed) out.insert(target.string());
    } else if (levels > 1 && entry.is_directory(failed)) {
      find_links(entry.path(), levels - 1, out);
    }
  }
}

// Libraries for a go command that was linked dynamically, as distributions do.
void find_libraries(const std::string& goroot, std::set<std::string>& out) {
  constexpr std::size_t kHeaders = 8192;
  const os::Fd fd(::open((goroot + "/bin/go").c_str(), O_RDONLY | O_CLOEXEC));
  std::string head(kHeaders, '\0');
  const ssize_t n = ::read(fd.get(), head.data(), head.size());
  if (n <= 0) return;
  head.resize(static_cast<std::size_t>(n));
  if (head.find("/ld-") == std::string::npos) return;
  for (const char* path : {"/lib", "/lib64", "/usr/lib", "/usr/lib64"}) {
    std::error_code failed;
    if (fs::is_directory(path, failed)) out.insert(path);
  }
}

Result<std::string> read_version(const os::Dir& goroot) {
  GW_TRY(const std::string text, goroot.read_file("VERSION", kMaxVersionFile));
  return std::string(trim(std::string_view(text).substr(0, text.find('\n'))));
}

Result<Toolchain> open_goroot(const std::string& path, const std::string& wanted) {
  std::error_code failed;
  const fs::path goroot = fs::canonical(path, failed);
  if (failed) return usage_error(fmt::format("{}: {}", path, failed.message()));
  GW_TRY(const os::Dir dir, os::Dir::open(goroot));
  auto version = read_version(dir);
  if (!version || !fs::exists(goroot / "bin/go", failed)) {
    return usage_error(path + ": no Go toolchain: no VERSION file and bin/go in it");
  }
  if (auto s = check_go_version(*version); !s) return std::move(s).error().in(path);
  if (!wanted.empty() && wanted != *version) {
    return usage_error(fmt::format("{}: is {}, not {}", path, *version, wanted),
                       "leave --go out, or name that one");
  }
  if (auto text = dir.read_file("go.env", kMaxVersionFile); text) {
    if (auto s = check_go_env(*text); !s) return std::move(s).error().in(path);
  } else if (text.error().kind != ErrorKind::kNotFound) {
    return std::move(text).error().in(path);
  }
  std::set<std::string> others;
  find_links(goroot, 2, others);
  find_libraries(goroot, others);
  return Toolchain{*version, goroot, {others.begin(), others.end()}};
}

}  // namespace

Result<Toolchain> directory_toolchain(const std::string& directory, const std::string& go_version,
                                      std::string_view platform) {
  std::error_code failed;
  if (fs::exists(fs::path(directory) / "VERSION", failed))
    return open_goroot(directory, go_version);
  if (go_version.empty()) {
    return usage_error(directory + ": no Go toolchain", "if it holds several, say which with --go");
  }
  for (const std::string& name :
       {go_version, fmt::format("{}.{}", go_version, platform),
        fmt::format("{}@v0.0.1-{}.{}", "toolchain", go_version, platform)}) {
    const fs::path path = fs::path(directory) / name;
    if (fs::exists(path / "VERSION", failed)) return open_goroot(path, go_version);
  }
  return usage_error(fmt::format("{}: no toolchain {} in it", directory, go_version));
}

Result<Toolchain> local_toolchain(std::string_view path, const std::string& go_version) {
  while (!path.empty()) {
    const std::string_view dir = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(dir.size() + 1, path.size()));
    if (!dir.starts_with('/')) continue;
    std::error_code failed;
    const fs::path go = fs::canonical(fs::path(dir) / "go", failed);
    if (!failed) return open_goroot(go.parent_path().parent_path(), go_version);
  }
  return usage_error("no go command in PATH", "name a toolchain's directory with --toolchain DIR");
}

}  // namespace gw::build
