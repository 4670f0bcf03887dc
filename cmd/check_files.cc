// gwtool check gomod and check binary: what is newer than what a project requires, and than what a
// program was built of.
#include <memory>
#include <string>
#include <vector>

#include "check/gomod_file.h"
#include "check/program_file.h"
#include "check_group.h"

namespace gw::cmd {
namespace {

// What both have.
struct FileValues {
  ProveValues prove;
  bool major = false;
  RetractedValues retracted;
  std::string private_patterns;
  std::string platform = check::this_platform();
};

void add_file_options(Command& c, FileValues* v) {
  add_prove(c, &v->prove);
  c.add(flag_option("major", &v->major, "report later major versions (PATH/v2, ...) too"));
  add_retracted(c, &v->retracted);
  add_private(c, &v->private_patterns);
  c.add(text_option("platform", "GOOS-GOARCH", &v->platform,
                    "with --prove: whose record of the toolchain to prove")
            .default_text("this machine's")
            .check(check::check_platform));
}

Result<int> run_files(Context& ctx, const CheckValues& v, const std::string& command,
                      const FileValues& f, check::FoundFiles& found) {
  if (found.too_many) return check::too_many_modules();
  check::leave_out_private(found.modules, f.private_patterns);
  return run_check(ctx, v,
                   {.command = command,
                    .zone = f.prove.dns,
                    .prove = &f.prove,
                    .major = f.major,
                    .retracted = &f.retracted,
                    .platform = f.platform,
                    .files = found.files,
                    .ask = [&](check::Checker& checker) {
                      auto outcomes = checker.modules(found.modules);
                      for (auto& o : checker.toolchains(found.toolchains)) {
                        outcomes.push_back(std::move(o));
                      }
                      return outcomes;
                    }});
}

Command gomod_command(const std::shared_ptr<CheckValues>& v) {
  struct Values {
    FileValues files;
    bool all = false;
    std::vector<std::string> paths;
  };
  auto m = std::make_shared<Values>();
  Command c("gomod", "newer versions of what go.mod files require");
  c.doc =
      "Prints `PATH VERSION TIME (FILE:LINE)` for what is newer than a requirement, and `toolchain "
      "VERSION TIME (FILE:LINE)` for a newer Go than that of the `toolchain` line, or without one "
      "of the `go` line. What is replaced is noted, and what it is replaced with asked for.";
  add_file_options(c, &m->files);
  c.add(flag_option("all", &m->all, "indirect requirements, too"));
  c.add(positionals("FILE|DIR", &m->paths, false,
                    "go.mod files, or directories that have one (default the current one)"));
  c.run = [v, m](Context& ctx) -> Result<int> {
    if (m->paths.empty()) m->paths.emplace_back("go.mod");
    check::FoundFiles found = check::read_gomod_files(m->paths, m->all);
    return run_files(ctx, *v, "check gomod", m->files, found);
  };
  return c;
}

Command binary_command(const std::shared_ptr<CheckValues>& v) {
  struct Values {
    FileValues files;
    bool deps = false;
    bool running = false;
    std::vector<std::string> paths;
  };
  auto b = std::make_shared<Values>();
  Command c("binary", "newer versions of what Go programs were built of");
  c.doc =
      "Prints `PATH VERSION TIME (FILE)` for what is newer than a program's main module, and "
      "`toolchain VERSION TIME (FILE)` for a newer Go than it was built with, by the build "
      "information in it.";
  add_file_options(c, &b->files);
  c.add(flag_option("deps", &b->deps, "all modules that it was built of, not the main one alone"));
  c.add(flag_option("running", &b->running, "the programs of all running processes")
            .more("Those of other users are passed over unless we are root."));
  c.add(positionals("FILE|DIR", &b->paths, false,
                    "programs, or directories: the executable files beneath them"));
  c.rules.push_back([b]() -> Status {
    if (!b->paths.empty() || b->running) return {};
    return usage_error("no program is named", "name files or directories, or give --running");
  });
  c.run = [v, b](Context& ctx) -> Result<int> {
    check::FoundFiles found = check::read_programs(b->paths, b->deps);
    if (b->running) check::add_running("/proc", b->deps, found);
    return run_files(ctx, *v, "check binary", b->files, found);
  };
  return c;
}

}  // namespace

void add_check_files(Command& command, const std::shared_ptr<CheckValues>& v) {
  command.add(binary_command(v));
  command.add(gomod_command(v));
}

}  // namespace gw::cmd
