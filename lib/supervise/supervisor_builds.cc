// Builds that are made on this machine, and those that are asked for before they are due.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"
#include "supervise/paths.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::chrono::minutes kLongestBuild{90};
constexpr std::size_t kMaxBuildOutput = std::size_t{1} << 20;
constexpr const char* kBuilderHome = "build";  // in the supervisor's directory
constexpr const char* kBuilderOutput = "out";
constexpr const char* kBuilderCache = "cache";
constexpr mode_t kBuildersOwn = 0700;
constexpr mode_t kBuilderPasses = 0711;

}  // namespace

// The builder's own directory, in which the supervisor, as root too, follows no link.
Result<std::string> Supervisor::builder_directory() const {
  GW_TRY(const os::Dir home, directory_.make_dir(kBuilderHome, kBuildersOwn));
  if (builder_user_) {
    if (::fchmod(directory_.fd(), kBuilderPasses) != 0) {
      return errno_error(options_.directory, errno);
    }
    struct stat info {};
    if (::fstat(home.fd(), &info) != 0) return errno_error(kBuilderHome, errno);
    const os::Identity& builder = builder_user_->identity;
    if (info.st_uid != builder.uid && ::fchown(home.fd(), builder.uid, builder.gid) != 0) {
      return errno_error("the builder's directory", errno);
    }
  }
  GW_CHECK(home.remove_tree(kBuilderOutput));
  if (builder_user_) {
    // Of a builder that was another user nothing is given away, or could be read: it is fetched
    // anew.
    GW_TRY(const auto cache, home.find(kBuilderCache));
    if (cache && cache->st_uid != builder_user_->identity.uid) {
      GW_CHECK(home.remove_tree(kBuilderCache));
    }
  }
  const std::string path = os::real_path(options_.directory);
  if (builder_user_) GW_CHECK(check_reachable(*builder_user_, path));
  return fmt::format("{}/{}", path, kBuilderHome);
}

Result<std::unique_ptr<Task>> Supervisor::run_build(const build::Key& key) {
  build_output_.clear();
  built_.reset();
  GW_TRY(const std::string home, builder_directory());
  const LocalBuilds& local = options_.local;
  Task::Options task;
  task.spawn.argv =
      build_words(local, key, options_.sources.ca_file,
                  local.cache.empty() ? fmt::format("{}/{}", home, kBuilderCache) : local.cache,
                  fmt::format("{}/{}/", home, kBuilderOutput));
  task.spawn.file = "/proc/self/exe";
  task.spawn.no_new_privileges = true;
  task.spawn.directory = home;
  if (builder_user_) {
    task.spawn.identity = builder_user_->identity;
    task.spawn.drop_capabilities = true;
    task.spawn.environment = build_environment(own_environment());
  }
  task.timeout = kLongestBuild;
  task.errors = true;
  task.output = [this](std::string_view bytes) {
    build_output_ +=
        bytes.substr(0, kMaxBuildOutput - std::min(kMaxBuildOutput, build_output_.size()));
  };
  task.done = [this](const os::Exit& exit) { local_build_ended(exit); };
  log_.info("building", {{"version", key.version}, {"go", key.go_version}});
  prefetching_ = key;
  return Task::start(*loop_, std::move(task));
}

void Supervisor::start_local_build() {
  incoming_.reset();
  if (built_ && built_->key == wanted_->key) {
    if (auto taken = take_built(); taken) {
      happen(update::Event::kFetched);
      return;
    }
    built_.reset();  // somebody removed it
  }
  if (prefetch_ && prefetching_ == wanted_->key) {
    fetch_ = std::move(prefetch_);
    return;
  }
  prefetch_.reset();
  auto started = run_build(wanted_->key);
  if (!started) {
    fail_fetch(started.error());
    return;
  }
  fetch_ = *std::move(started);
}

// Before it is due, so that it only has to be put in its place then; and a service that has to
// build it does so now.
void Supervisor::prefetch(const update::Target& target) {
  build::Key key = identity_.key;
  key.version = target.version;
  key.go_version = target.go_version;
  if (prefetch_ || prefetching_ == key) return;
  prefetching_ = key;
  Result<std::unique_ptr<Task>> started = unavailable_error("");
  if (options_.local.wanted) {
    started = run_build(key);
  } else {
    Job job;
    job.kind = Job::Kind::kProve;
    job.sources = options_.sources;
    job.key = key;
    Task::Options task;
    task.output = [](std::string_view) {};  // it will be asked again, and looked at then
    task.done = [this](const os::Exit& exit) {
      prefetch_.reset();
      log_.info("prefetched", {{"version", prefetching_.version}, {"how", os::exit_text(exit)}});
      rest_soon();
    };
    started = start_helper(std::move(job), std::move(task), helper_user_);
  }
  if (started) {
    prefetch_ = *std::move(started);
  } else {
    log_.error("prefetch", started.error());
  }
}

void Supervisor::local_build_ended(const os::Exit& exit) {
  if (!fetch_) {
    prefetch_.reset();
    auto built = parse_built(build_output_, exit.signal == 0 ? exit.code : 1, prefetching_);
    if (built) {
      built_ = *std::move(built);
      log_.info("prefetched", {{"version", built_->key.version}, {"sum", built_->sum}});
    } else {
      log_.error("prefetch", built.error());  // it is tried again when it is due
    }
    std::string().swap(build_output_);
    rest_soon();
    return;
  }
  fetch_.reset();
  if (auto finished = finish_local_build(exit); !finished) {
    fail_fetch(finished.error());
    return;
  }
  happen(update::Event::kFetched);
}

Status Supervisor::finish_local_build(const os::Exit& exit) {
  if (exit.signal != 0) return unavailable_error("gwtool build " + os::exit_text(exit));
  GW_TRY(built_, parse_built(build_output_, exit.code, wanted_->key));
  std::string().swap(build_output_);
  return take_built();
}

// From the builder's directory, or from the file that somebody brought, which has to be the same:
// bytes of the sum that the build said, which say of themselves that they are it.
Status Supervisor::take_built() {
  GW_TRY(incoming_, installation_.receive(built_->key, built_->size, built_->sum));
  if (wanted_->source.empty()) {
    const std::string path =
        fmt::format("{}/{}/{}", kBuilderHome, kBuilderOutput, build::binary_name(built_->key));
    GW_TRY(const os::Fd file, directory_.open_file(path, O_RDONLY | O_NONBLOCK));
    GW_CHECK(take_bytes(file.get(), path));
  } else {
    GW_CHECK(read_source());
  }
  GW_CHECK(take_incoming(built_->sum));
  wanted_->built_here = true;
  log_.info("built", {{"file", wanted_->file}, {"sum", wanted_->sum}, {"size", built_->size}});
  built_.reset();
  const auto home = directory_.open_dir(kBuilderHome);
  if (home) (void)home->remove_tree(kBuilderOutput);
  return {};
}

}  // namespace gw::supervise
