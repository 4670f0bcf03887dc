#include "build/cache.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/bytes.h"
#include "base/crypto.h"

namespace gw::build {

namespace {

constexpr std::string_view kLock = ".lock";
constexpr const char* kWork = "work";

// The directory that the path's elements lead to, each made if need be; the last element stays.
Result<std::pair<os::Dir, std::string>> make_parents(const os::Dir& top, const std::string& path) {
  GW_TRY(os::Dir at, top.open_dir("."));
  std::string_view rest = path;
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    GW_TRY(os::Dir next, at.make_dir(std::string(rest.substr(0, slash)), 0755));
    at = std::move(next);
    rest.remove_prefix(slash + 1);
  }
  return std::pair(std::move(at), std::string(rest));
}

Status write_cache_file(const os::Dir& top, const std::string& path, std::string_view text) {
  GW_TRY(const auto made, make_parents(top, path));
  GW_TRY(os::NewFile file, made.first.new_file(0644));
  GW_CHECK(file.write(text));
  return file.replace(made.second);
}

// What a killed call left: its lock is free. The lock's file goes last, so that nobody believes in
// half a directory.
void sweep(const os::Dir& work) {
  const auto entries = work.list();
  if (!entries) return;
  for (const os::Dir::Entry& entry : *entries) {
    if (!entry.name.ends_with(kLock)) continue;
    const auto lock = work.lock(entry.name);
    if (!lock) continue;
    const std::string name = entry.name.substr(0, entry.name.size() - kLock.size());
    if (work.remove_tree(name)) (void)work.unlink(entry.name);
  }
}

}  // namespace

WorkDirectory::WorkDirectory(WorkDirectory&& o) noexcept
    : parent_(std::move(o.parent_)),
      lock_(std::move(o.lock_)),
      name_(std::exchange(o.name_, {})),
      path_(std::move(o.path_)),
      number_lock_(std::move(o.number_lock_)),
      number_(o.number_) {}

WorkDirectory::~WorkDirectory() {
  if (name_.empty()) return;
  // What cannot be removed now is swept by the next call.
  if (parent_.remove_tree(name_)) (void)parent_.unlink(name_ + std::string(kLock));
}

Result<Cache> Cache::open(const std::string& path) {
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed) return io_error(fmt::format("making the cache {}: {}", path, failed.message()));
  const std::string real = std::filesystem::canonical(path, failed).string();
  if (failed) return io_error(fmt::format("the cache {}: {}", path, failed.message()));
  GW_TRY(os::Dir dir, os::Dir::open(real));
  for (const char* name :
       {"download", "sumdb", "first-seen", "toolchains", "std", "packages", "logs", kWork}) {
    auto made = dir.make_dir(name, 0755);
    if (!made) return std::move(made).error().in("the cache " + real);
  }
  return Cache(real, std::move(dir));
}

Result<std::string> Cache::sums(const std::string& log_name) const {
  const std::string path = "sumdb/" + log_name;
  GW_TRY(auto made, make_parents(dir_, path));
  GW_TRY(const os::Dir dir, made.first.make_dir(made.second, 0755));
  return fmt::format("{}/{}", path_, path);
}

Result<WorkDirectory> Cache::make_work(bool second) const {
  auto made = new_work(second);
  return made ? std::move(made) : std::move(made).error().in("the cache " + path_);
}

Result<WorkDirectory> Cache::new_work(bool second) const {
  GW_TRY(os::Dir work, dir_.open_dir(kWork));
  sweep(work);
  const std::string name = encode_hex(random_bytes(8));
  GW_TRY(os::Fd lock, work.lock(name + std::string(kLock)));
  GW_TRY(const os::Dir dir, work.make_dir(name, 0755));
  WorkDirectory out(std::move(work), std::move(lock), name,
                    fmt::format("{}/{}/{}", path_, kWork, name));
  const unsigned first = second ? 1 : 0;
  out.number_ = first;
  for (unsigned number = first; number < kNumbers; number += 2) {
    auto taken = dir_.lock(fmt::format("number-{}", number));
    if (!taken) continue;
    out.number_lock_ = *std::move(taken);
    out.number_ = number;
    break;
  }
  return out;
}

Result<std::string> Cache::keep_log(const Key& key, std::string_view text) const {
  std::string path = "logs/" + format_key(key);
  path.back() = '.';  // its last slash
  path += "log";
  if (Status kept = write_cache_file(dir_, path, text); !kept) {
    return std::move(kept).error().in("the cache " + path_);
  }
  return fmt::format("{}/{}", path_, path);
}

}  // namespace gw::build
