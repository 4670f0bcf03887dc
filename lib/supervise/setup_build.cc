// A first binary that is built here.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "build/builder.h"
#include "module/byte_source.h"
#include "os/file.h"
#include "os/process.h"
#include "supervise/paths.h"
#include "supervise/setup_parts.h"
#include "supervise/unnamed_user.h"

namespace gw::supervise {
namespace {

// A new directory for one build, the builder's own; it goes with the object.
class BuildPlace {
 public:
  static Result<BuildPlace> make(const os::Dir& dir, const std::string& directory,
                                 const std::optional<os::User>& builder) {
    BuildPlace out(dir, fmt::format(".gwtool-build-{}", encode_hex(random_bytes(8))));
    GW_TRY(const os::Dir home, dir.make_dir(out.name_, kBuildersOnly));
    out.path_ = fmt::format("{}/{}", os::real_path(directory), out.name_);
    if (!builder) return out;
    if (::fchown(home.fd(), builder->identity.uid, builder->identity.gid) != 0) {
      return errno_error("the builder's directory", errno);
    }
    GW_CHECK(check_reachable(*builder, os::real_path(directory)));
    return out;
  }
  BuildPlace(BuildPlace&& other) noexcept
      : dir_(other.dir_), name_(std::exchange(other.name_, "")), path_(std::move(other.path_)) {}
  BuildPlace& operator=(BuildPlace&&) = delete;
  ~BuildPlace() {
    if (!name_.empty()) (void)dir_.remove_tree(name_);
  }

  const std::string& name() const { return name_; }
  const std::string& path() const { return path_; }

 private:
  static constexpr mode_t kBuildersOnly = 0700;
  BuildPlace(const os::Dir& dir, std::string name) : dir_(dir), name_(std::move(name)) {}

  const os::Dir& dir_;
  std::string name_;
  std::string path_;
};

Result<Built> build_in(const BuildPlace& place, const build::Key& key, const LocalBuilds& builds,
                       const std::string& ca_file, const std::optional<os::User>& builder) {
  os::Spawn spawn;
  const std::string cache =
      builder && builds.cache.empty() ? place.path() + "/cache" : builds.cache;
  spawn.argv = build_words(builds, key, ca_file, cache, place.path() + "/out/");
  spawn.file = "/proc/self/exe";
  spawn.group = os::ProcessGroup::kOurs;
  spawn.death_signal = SIGTERM;
  spawn.no_new_privileges = true;
  if (builder) {
    spawn.identity = builder->identity;
    spawn.drop_capabilities = true;
    spawn.environment = build_environment(own_environment());
    spawn.directory = place.path();
  }
  os::RunOptions options;
  options.capture_output = true;
  options.errors_to_output = true;
  GW_TRY(const os::Ran ran, os::run(std::move(spawn), options));
  return parse_built(ran.output, ran.exit.signal == 0 ? ran.exit.code : 1, key);
}

// The builder's file into one of ours, as far as it is what the build said.
Status copy_built(int from, os::NewFile& to, const Built& built, const build::Key& key) {
  std::array<char, std::size_t{64} << 10U> buffer;
  Sha256 hash;
  std::uint64_t size = 0;
  while (true) {
    const ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading what was built", errno);
    if (n == 0) break;
    const std::string_view bytes(buffer.data(), static_cast<std::size_t>(n));
    size += bytes.size();
    if (size > built.size) break;
    hash.update(bytes);
    GW_CHECK(to.write(bytes));
  }
  if (size != built.size || build::format_binary_sum(hash.finish()) != built.sum) {
    return untrusted_error(build::binary_name(key) +
                           " is not what gwtool build says that it built");
  }
  GW_TRY(const mod::FdSource source, mod::FdSource::of(to.fd()));
  if (auto same = build::check_binary(source, key); !same) {
    return untrusted_error(same.error().message);
  }
  return {};
}

}  // namespace

Result<Installed> install_built(const build::Key& key, const LocalBuilds& builds,
                                const std::string& ca_file, const std::string& directory,
                                std::optional<os::User> builder) {
  GW_TRY(const os::Dir dir, os::Dir::open(directory));
  GW_TRY(Installed out, first_names(key, dir, directory));
  if (!builder && ::geteuid() == 0) {
    builder = unnamed_user(os::real_path(directory), {});
    if (!builder) {
      return usage_error("root builds nothing itself", "name another user with --builder-user");
    }
  }
  GW_TRY(const BuildPlace place, BuildPlace::make(dir, directory, builder));
  GW_TRY(const Built built, build_in(place, key, builds, ca_file, builder));
  const std::string made = fmt::format("{}/out/{}", place.name(), build::binary_name(key));
  GW_TRY(const os::Fd file, dir.open_file(made, O_RDONLY | O_NONBLOCK));
  GW_TRY(os::NewFile ours, dir.new_file(kFirstProgram));
  GW_CHECK(copy_built(file.get(), ours, built, key));
  GW_CHECK(ours.publish(out.file));
  GW_CHECK(link_first(dir, out, directory));
  out.sum = built.sum;
  return out;
}

}  // namespace gw::supervise
