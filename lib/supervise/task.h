// A program that is run beside the service, for one thing: the helper, and the operator's commands.
//
// Belongs to its loop's thread. Gone with the object: with all of its group, without a callback.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/loop.h"
#include "os/process.h"

namespace gw::supervise {

class Task {
 public:
  struct Options {
    os::Spawn spawn;
    std::string input = {};  // its standard input
    // What it writes to standard output, as it comes; nothing: that is ours.
    std::function<void(std::string_view)> output = nullptr;
    bool errors = false;  // what it writes to standard error, too
    std::chrono::milliseconds timeout = std::chrono::minutes(30);  // 0: none
    // Once it has ended and all its output was read. The task may be destroyed in it.
    std::function<void(const os::Exit&)> done = nullptr;
  };
  static Result<std::unique_ptr<Task>> start(os::Loop& loop, Options options);

  pid_t pid() const { return child_.pid(); }
  // What the kernel refused of its sandbox.
  const std::vector<os::RefusedCall>& refused() const { return child_.refused(); }
  bool over() const { return exit_.has_value(); }

 private:
  Task(os::Child child, Options options) : child_(std::move(child)), options_(std::move(options)) {}
  void read();
  void ended();
  void finish();

  os::Child child_;
  Options options_;
  os::Fd output_;
  os::Loop::Watch output_watch_;
  os::Loop::Watch end_watch_;
  os::Loop::Timer timer_;
  std::optional<os::Exit> exit_;
};

// `sh -c COMMAND` with more variables in its environment.
os::Spawn shell_command(const std::string& command, const std::vector<std::string>& variables);

}  // namespace gw::supervise
