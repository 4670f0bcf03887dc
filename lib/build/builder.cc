#include "build/builder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "build/forwarder.h"
#include "build/includes.h"
#include "build/kept_packages.h"
#include "build/toolchain_hash.h"

namespace gw::build {

namespace {

constexpr std::size_t kMaxSum = 256;

bool is_good(const GoRan& ran) {
  return ran.exit.ok() && ran.end == os::Ran::End::kExited && !ran.found;
}

std::string command_line(const std::vector<std::string>& arguments) {
  std::string out = "$";
  for (const std::string& argument : arguments) {
    const bool plain = argument.find_first_of(" *") == std::string::npos;
    out += plain ? " " + argument : fmt::format(" '{}'", argument);
  }
  return out + "\n";
}

bool says_disk_full(std::string_view output) {
  return output.find(": no space left on device\n") != std::string_view::npos;
}

// Packages of the standard library, also those that it has of others.
std::size_t std_count(std::string_view commands) {
  const auto planned = planned_packages(commands);
  return static_cast<std::size_t>(
      std::count_if(planned.begin(), planned.end(), [](std::string_view package) {
        const std::string_view first = package.substr(0, package.find('/'));
        return first.find('.') == std::string_view::npos;
      }));
}

// The one file below, at most one directory down: of another system it is in OS_ARCH/.
Result<os::Fd> find_file(const os::Dir& dir, int depth) {
  GW_TRY(const auto entries, dir.list(2));
  if (entries.size() != 1)
    return internal_error("a build that left another number of files than 1");
  const os::Dir::Entry& entry = entries[0];
  if (!entry.is_directory) return dir.open_file(entry.name, O_RDONLY);
  if (depth == 0) return internal_error("a build that left its binary too deep");
  GW_TRY(const os::Dir below, dir.open_dir(entry.name));
  return find_file(below, depth - 1);
}

// Older go commands compile all of it before they find out.
Status check_linker(const Target& target) {
  if (!needs_cgo(target)) return {};
  return failure(
      {Reason::kCgoPlatform,
       format_target(target) + " requires external (cgo) linking, but cgo is not enabled"});
}

void add_to_log(std::string_view command, const GoRan& ran, std::string& log) {
  log.append(command).append(ran.output);
  if (ran.output_cut) log += fmt::format("\n[cut after {} bytes]\n", ran.output.size());
  if (ran.found) log += fmt::format("\n[{}]\n", ran.found->line);
}

}  // namespace

bool may_share_builder(const Key& a, const Key& b) {
  return a.module == b.module && a.version == b.version && a.go_version == b.go_version;
}

Result<std::unique_ptr<Builder>> Builder::make(const Cache& cache, ModuleStore& store,
                                               const Toolchain& toolchain, Options options,
                                               const os::Stop& stop) {
  GW_TRY(WorkDirectory work, cache.make_work(options.again));
  static_assert(Cache::kNumbers == kBuildUsers);
  const RunnerOptions how{options.sandbox, options.limits, kFirstBuildUser + work.number(),
                          options.groups};
  GW_TRY(GoRunner runner, GoRunner::make(how, toolchain, work.path(), stop));
  Parts parts{std::move(work), std::move(runner)};
  if (!options.own_library) {
    parts.kept_as = toolchain.kept_as.empty() ? kept_name(toolchain, &stop) : toolchain.kept_as;
  }
  if (!parts.kept_as.empty()) parts.std.emplace(cache.standard_library(), parts.kept_as);
  return std::unique_ptr<Builder>(new Builder(cache, store, std::move(parts), std::move(options)));
}

// The way of one build.
Result<Product> Builder::build(const Key& key) {
  GW_CHECK(check_key(key));
  remarks_.clear();
  std::string log = format_key(key) + "\n";
  Status done = check_linker(key.target);
  if (!done) log += done.error().message + "\n";
  // Every module that it needs is in its module cache from here on, verified.
  if (done) done = fetch(key, log);
  // A binary is there: made by the toolchain from those modules and nothing else.
  if (done) done = compile(key, log);
  std::optional<os::Fd> binary;
  if (done) {
    auto found = find_binary();
    if (found) {
      binary = *std::move(found);
    } else {
      done = std::move(found).error();
    }
  }
  // It is of this module and version, with these settings.
  if (done) {
    const auto source = mod::FdSource::of(binary->get());
    done = source ? check_binary(*source, key) : Status(source.error());
  }
  // What it took is there for the module's other commands; the binary is good without.
  if (done) {
    if (const Status kept = keep_packages(key); !kept) {
      log += fmt::format("\n[compiled packages are not kept: {}]\n", kept.error().message);
    }
  }
  GW_TRY(std::string path, cache_.keep_log(key, log));
  if (done) {
    return Product(*std::move(binary), std::move(path), {remarks_.begin(), remarks_.end()});
  }
  Error error = std::move(done).error();
  if (const auto* known = dynamic_cast<const BuildFailure*>(error.detail.get())) {
    error.detail = std::make_shared<BuildFailure>(known->reason, path);
  }
  return error;
}

// A go command that did not end by itself says nothing about the module.
Status Builder::check_ran(const GoRan& ran, const Key& key, bool searched) const {
  if (ran.found) return failure(*ran.found);
  if (ran.disk_full || says_disk_full(ran.output)) {
    return unavailable_error(fmt::format("the disk of {} is full: builds leave {} MB of it free",
                                         cache_.path(), kReserveBytes / 1'000'000),
                             "make room there, or build where there is some");
  }
  if (ran.exit.signal != 0) {
    return unavailable_error("the go command " + os::exit_text(ran.exit));
  }
  if (ran.exit.ok()) return {};
  auto found = find_reason(ran.output, key.module, [this](std::string_view directory) {
    return has_cgo(runner_.host_path(directory));
  });
  // Whether some proxy has such a module today does not matter: no go.mod names it.
  if (searched && found.reason == Reason::kDependencyGone) found.reason = Reason::kUntidy;
  return failure(std::move(found));
}

// What was verified is what our reader of zips saw: the go command's must have seen the same, or
// something in between could be built that no sum is of.
Status Builder::check_zips(const Forwarder& forwarder) const {
  GW_TRY(const os::Dir dir, os::Dir::open_without_links(runner_.download_directory()));
  for (const Forwarder::Zip& zip : forwarder.zips()) {
    GW_TRY(const std::string path,
           mod::format_proxy_path({mod::ProxyRequest::Kind::kZip, zip.module, zip.version}));
    auto own = dir.read_file(path + "hash", kMaxSum);
    if (!own) return std::move(own).error().in("what the go command unpacked");
    if (*own == zip.sum) continue;
    return untrusted_error(fmt::format("{}@{}: the go command sees a zip with the sum {}, not {}",
                                       zip.module, zip.version, quoted(*own), zip.sum));
  }
  return {};
}

// Whoever reads the log must see what nobody but us knows.
void Builder::remark(const Forwarder& forwarder) {
  for (const Forwarder::Zip& zip : forwarder.zips()) {
    SumRemark said = store_.sums().remark(zip.module);
    if (said.text.empty()) continue;
    said.text = fmt::format("{}@{} {}: {}", zip.module, zip.version, zip.sum, said.text);
    remarks_.insert(std::move(said));
  }
}

// `commands`: those that a build would run.
Status Builder::check_sources(std::string_view commands) const {
  for (const std::string& seen : assembled_directories(commands)) {
    const std::string path = runner_.host_path(seen);
    if (!path.starts_with(runner_.module_directory() + "/")) continue;  // the toolchain's own
    GW_TRY(const os::Dir dir, os::Dir::open_without_links(path));
    const auto checked = check_includes(dir);
    if (checked) continue;
    if (checked.error().kind != ErrorKind::kNotFound) return checked.error().in(path);
    return failure({Reason::kAssembler,
                    fmt::format("{}/{}", path.substr(runner_.module_directory().size() + 1),
                                checked.error().message)});
  }
  return {};
}

Status Builder::fetch(const Key& key, std::string& log) {
  GW_CHECK(in_cache(take_packages(key)));
  progress(fmt::format("fetching what {} needs", key.package()));
  Forwarder forwarder(store_, key.module, key.version);
  GW_TRY(const GoRan ran, runner_.fetch(key, forwarder));
  forwarder.stop();
  remark(forwarder);
  for (const SumRemark& said : remarks_) log += fmt::format("# {}\n", said.text);
  if (is_good(ran)) {
    GW_CHECK(check_zips(forwarder));
    GW_CHECK(check_sources(ran.output));
    packages_ = planned_packages(ran.output).size();
    return compile_std(key, ran.output, log);
  }
  // The commands that would have run are of no interest, what went wrong is.
  log += command_line(fetch_arguments(key)) + ran.output;
  if (auto error = forwarder.error()) return *std::move(error);
  return check_ran(ran, key, forwarder.searched());
}

// ---- compiled packages ----

// What cannot be read or written there names no place of its own.
Status Builder::in_cache(Status done) const {
  if (done || done.error().kind != ErrorKind::kIo) return done;
  return std::move(done).error().in("the cache " + cache_.path());
}

// Of a toolchain whose content is not known nothing is kept: it may be another one tomorrow.
Status Builder::take_packages(const Key& key) const {
  if (!std_) return {};
  GW_TRY(const os::Dir cache, runner_.build_cache(key, false));
  GW_CHECK(std_->copy_to(cache, key.target));
  if (!options_.again) {
    GW_CHECK(KeptPackages(cache_.packages(), kept_module_name(key, kept_as_)).copy_to(cache));
  }
  return runner_.give(cache);
}

Status Builder::keep_packages(const Key& key) const {
  if (!std_ || options_.again) return {};
  GW_TRY(const os::Dir cache, runner_.build_cache(key, false));
  GW_TRY(const auto library, std_->names(key.target));
  return KeptPackages(cache_.packages(), kept_module_name(key, kept_as_)).add_from(cache, library);
}

std::unique_ptr<CompileProgress> Builder::details(std::string what, std::size_t packages) const {
  if (!options_.details) return nullptr;
  return std::make_unique<CompileProgress>(std::move(what), packages, options_.details);
}

// Compiles what is not kept yet, apart from the module, and keeps it. `commands`: those that the
// build would run. What goes wrong with the compiler here goes wrong there, too, and is told there.
Status Builder::compile_std(const Key& key, std::string_view commands, std::string& log) {
  if (!std_) return {};
  const std::vector<std::string> packages = std_packages(commands);
  if (packages.empty()) return {};
  const std::string what = fmt::format("the standard library for {}", format_target(key.target));
  progress("compiling " + what);
  const std::size_t planned = std_count(commands);
  const auto shown = details(what, planned);
  GW_TRY(const os::Dir apart, runner_.build_cache(key, true));
  GW_CHECK(in_cache(std_->copy_to(apart, key.target)));
  GW_CHECK(runner_.give(apart));
  GW_TRY(const GoRan ran, runner_.compile_std(key, packages, shown.get()));
  if (ran.found) {
    add_to_log(command_line(std_arguments(packages)), ran, log);
    return check_ran(ran, key, false);
  }
  if (!is_good(ran)) return {};
  packages_ -= planned;
  GW_CHECK(in_cache(std_->add_from(apart, key.target)));
  // The build takes what was compiled just now, not a copy of what was kept of it.
  GW_TRY(const os::Dir cache, runner_.build_cache(key, false));
  GW_CHECK(move_entries(apart, cache));
  return runner_.give(cache);
}

Status Builder::compile(const Key& key, std::string& log) {
  const std::string what = fmt::format("{} for {}", key.package(), format_target(key.target));
  progress("compiling " + what);
  const auto shown = details(what, packages_);
  GW_TRY(const GoRan ran, runner_.build(key, shown.get()));
  add_to_log(command_line(build_arguments(key)), ran, log);
  return check_ran(ran, key, false);
}

Result<os::Fd> Builder::find_binary() const {
  GW_TRY(const os::Dir dir, os::Dir::open_without_links(runner_.output_directory()));
  return find_file(dir, 1);
}

}  // namespace gw::build
