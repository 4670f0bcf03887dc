#include "supervise/task.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/bytes.h"

extern char** environ;

namespace gw::supervise {
namespace {

// A file in memory that begins with `text`.
Result<os::Fd> memory_file(const std::string& text) {
  os::Fd fd(::memfd_create("input", MFD_CLOEXEC));
  if (!fd) return errno_error("making a file in memory", errno);
  if (const int error = write_all(fd.get(), text); error != 0) {
    return errno_error("writing a file in memory", error);
  }
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return errno_error("a file in memory", errno);
  return fd;
}

}  // namespace

Result<std::unique_ptr<Task>> Task::start(os::Loop& loop, Options options) {
  GW_TRY(const os::Fd input, memory_file(options.input));
  options.spawn.descriptors.push_back({input.get(), 0});
  std::array<int, 2> ends{-1, -1};
  os::Fd output;
  os::Fd write_end;
  if (options.output) {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("making a pipe", errno);
    output = os::Fd(ends[0]);
    write_end = os::Fd(ends[1]);
    if (::fcntl(output.get(), F_SETFL, O_NONBLOCK) != 0) return errno_error("a pipe", errno);
    options.spawn.descriptors.push_back({write_end.get(), 1});
    if (options.errors) options.spawn.descriptors.push_back({write_end.get(), 2});
  }
  options.spawn.group = os::ProcessGroup::kOwn;
  options.spawn.death_signal = SIGKILL;
  GW_TRY(os::Child child, os::spawn(std::move(options.spawn)));
  write_end.reset();
  std::unique_ptr<Task> task(new Task(std::move(child), std::move(options)));
  Task* self = task.get();
  task->output_ = std::move(output);
  if (task->output_) {
    GW_TRY(task->output_watch_,
           loop.watch(task->output_.get(), EPOLLIN, [self](std::uint32_t) { self->read(); }));
  }
  GW_TRY(task->end_watch_,
         loop.watch(task->child_.pidfd(), EPOLLIN, [self](std::uint32_t) { self->ended(); }));
  GW_TRY(task->timer_, loop.timer([self](os::Loop::Timer::Why) {
    (void)self->child_.signal_group(SIGKILL);  // ended() sees it
  }));
  if (task->options_.timeout.count() > 0) GW_CHECK(task->timer_.after(task->options_.timeout));
  return task;
}

void Task::read() {
  std::array<char, 65536> buffer{};
  const ssize_t n = ::read(output_.get(), buffer.data(), buffer.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n > 0) {
    // A copy: it may destroy this.
    const auto take = options_.output;
    take({buffer.data(), static_cast<std::size_t>(n)});
    return;
  }
  output_watch_.end();
  output_.reset();
  if (exit_) finish();
}

void Task::ended() {
  end_watch_.end();
  auto exit = child_.reap();
  exit_ = exit ? *exit : os::Exit{.signal = SIGKILL};
  if (!output_) finish();
}

void Task::finish() {
  const auto done = std::move(options_.done);
  const os::Exit exit = *exit_;
  if (done) done(exit);
}

os::Spawn shell_command(const std::string& command, const std::vector<std::string>& variables) {
  os::Spawn spawn;
  spawn.argv = {"/bin/sh", "-c", command};
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    // Of two of a name many a program takes the first.
    const std::string_view old = *entry;
    const std::string_view name = old.substr(0, old.find('=') + 1);
    const bool again =
        !name.empty() && std::any_of(variables.begin(), variables.end(),
                                     [&](const auto& v) { return v.starts_with(name); });
    if (!again) environment.emplace_back(old);
  }
  environment.insert(environment.end(), variables.begin(), variables.end());
  spawn.environment = std::move(environment);
  return spawn;
}

}  // namespace gw::supervise
