#include "check/program_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <utility>

#include "base/text.h"
#include "base/visible.h"
#include "module/byte_source.h"
#include "os/dir.h"
#include "os/file.h"

namespace gw::check {
namespace {

constexpr std::size_t kMostFiles = 1'000'000;  // that one directory is searched for

// A strange name in a program is no fault of whoever asks about it.
ModuleRequest noted(ModuleRequest request) {
  if (!request.problem) return request;
  request.asked = false;
  request.notes.push_back(
      fmt::format("{}: nothing is compared: {}", one_line(request.path), request.problem->message));
  request.problem.reset();
  return request;
}

Status add_used(const mod::BuildInfo::Used& used, FoundFile& about, FoundFiles& found) {
  ++about.modules;
  if (!used.replace) {
    return found.add(noted(module_request(used.module.path, used.module.version)), {about.file});
  }
  ++about.replaced;
  for (auto& request : replaced_requests(used.module.path, used.module.version, used.replace->path,
                                         used.replace->version)) {
    GW_CHECK(found.add(noted(std::move(request)), {about.file}));
  }
  return {};
}

// Finds each file once, whatever names it has.
class Reader {
 public:
  Reader(bool dependencies, FoundFiles& found) : dependencies_(dependencies), found_(found) {}

  // False for a file that was read before.
  Result<bool> read(const std::string& name, const os::Fd& fd) {
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) return errno_error("reading " + name, errno);
    if (seen_.contains({info.st_dev, info.st_ino})) return false;
    auto program = [&]() -> Result<mod::BuildInfo> {
      GW_TRY(const auto source, mod::FdSource::of(fd.get()));
      return mod::read_build_info(source);
    }();
    if (!program) {
      Error error = std::move(program).error();
      // Nothing was to be verified.
      if (error.kind == ErrorKind::kUntrusted) error.kind = ErrorKind::kCorrupt;
      return std::move(error).in(name);
    }
    GW_CHECK(add_program(name, *program, dependencies_, found_));
    seen_.emplace(info.st_dev, info.st_ino);
    return true;
  }

  void read_named(const std::string& path);
  void read_directory(const std::string& path);
  void read_process(const std::string& exe, FoundFile& about);

 private:
  bool dependencies_;
  FoundFiles& found_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

FoundFile failed(const std::string& file, Error error) {
  FoundFile about;
  about.file = file;
  about.what = "program";
  about.errors.push_back(std::move(error));
  return about;
}

void Reader::read_named(const std::string& path) {
  const auto fd = os::open_regular_file(path);
  const auto read_it = fd ? read(path, *fd) : Result<bool>(fd.error());
  if (!read_it) found_.files.push_back(failed(path, read_it.error()));
}

bool may_be_run(const os::Fd& fd) {
  constexpr mode_t kAnyX = 0111;
  struct stat info {};
  return ::fstat(fd.get(), &info) == 0 && (info.st_mode & kAnyX) != 0;
}

// Counts into `about` what was read.
void count(const Result<bool>& read, FoundFile& about) {
  if (read) {
    about.programs += *read ? 1 : 0;
  } else if (read.error().kind == ErrorKind::kUsage) {
    about.errors.push_back(read.error());  // too many modules
  } else if (read.error().kind != ErrorKind::kNotFound) {
    ++about.left_out;
  }
}

void Reader::read_directory(const std::string& path) {
  FoundFile about;
  about.file = path;
  about.what = "directory";
  std::vector<std::string> directories{path};
  while (!directories.empty() && about.errors.empty()) {
    const std::string at = std::move(directories.back());
    directories.pop_back();
    const auto entries = [&]() -> Result<std::vector<os::Dir::Entry>> {
      GW_TRY(const os::Dir dir, os::Dir::open(at));
      return dir.list();
    }();
    if (!entries) {
      if (at == path) about.errors.push_back(entries.error().in(path));
      ++about.left_out;
      continue;
    }
    for (const os::Dir::Entry& entry : *entries) {
      std::string name = fmt::format("{}{}{}", at, at.ends_with('/') ? "" : "/", entry.name);
      if (entry.is_directory && !entry.is_link) {
        directories.push_back(std::move(name));
        continue;
      }
      if (++about.among > kMostFiles) {
        about.errors.push_back(
            usage_error(fmt::format("{}: more than {} files", path, kMostFiles)));
        break;
      }
      const auto fd = os::open_regular_file(name);
      if (fd && may_be_run(*fd)) count(read(name, *fd), about);
      if (!fd && fd.error().kind == ErrorKind::kIo) ++about.left_out;
      if (!about.errors.empty()) break;
    }
  }
  found_.files.push_back(std::move(about));
}

void Reader::read_process(const std::string& exe, FoundFile& about) {
  const auto fd = os::open_regular_file(exe);
  if (!fd) {
    if (fd.error().kind == ErrorKind::kIo) ++about.left_out;  // another user's
    return;                                                   // the kernel's own, or it has ended
  }
  ++about.among;
  // Of the open file, which another process of that number cannot change.
  std::error_code unknown;
  const auto name =
      std::filesystem::read_symlink(fmt::format("/proc/self/fd/{}", fd->get()), unknown);
  count(read(unknown ? exe : name.string(), *fd), about);
}

}  // namespace

Status add_program(const std::string& file, const mod::BuildInfo& info, bool dependencies,
                   FoundFiles& found) {
  FoundFile about;
  about.file = file;
  about.what = "program";
  if (info.main) {
    about.module = info.main->module.path;
    about.version = info.main->module.version;
    GW_CHECK(add_used(*info.main, about, found));
  }
  if (dependencies) {
    for (const mod::BuildInfo::Used& dep : info.deps) GW_CHECK(add_used(dep, about, found));
  } else {
    about.left_out = info.deps.size();
  }
  ToolchainRequest toolchain = toolchain_request(info.go_version);
  about.go = toolchain.known;
  found.add(std::move(toolchain), {file});
  found.files.push_back(std::move(about));
  return {};
}

FoundFiles read_programs(const std::vector<std::string>& paths, bool dependencies) {
  FoundFiles found;
  Reader reader(dependencies, found);
  for (const std::string& path : paths) {
    if (os::is_directory(path)) {
      reader.read_directory(path);
    } else {
      reader.read_named(path);
    }
  }
  return found;
}

void add_running(const std::string& proc, bool dependencies, FoundFiles& found) {
  FoundFile about;
  about.file = proc;
  about.what = "processes";
  Reader reader(dependencies, found);
  const auto entries = [&]() -> Result<std::vector<os::Dir::Entry>> {
    GW_TRY(const os::Dir dir, os::Dir::open(proc));
    return dir.list();
  }();
  if (!entries) about.errors.push_back(entries.error().in(proc));
  for (std::size_t i = 0; entries && i < entries->size() && about.errors.empty(); ++i) {
    const std::string& name = (*entries)[i].name;
    if (all_digits(name)) reader.read_process(fmt::format("{}/{}/exe", proc, name), about);
  }
  found.files.push_back(std::move(about));
}

}  // namespace gw::check
