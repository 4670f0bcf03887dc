// Another program that runs beside a test: its first line of output is read, and it ends when its
// standard input does, or is killed.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "os/file.h"
#include "os/signals.h"

namespace gw::test {

class ChildProcess {
 public:
  explicit ChildProcess(std::vector<std::string> argv) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) std::abort();
    std::vector<char*> args;
    for (std::string& a : argv) args.push_back(a.data());
    args.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      os::reset_signals_for_child();
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execvp(args[0], args.data());
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    in_ = os::Fd(in[1]);
    out_ = os::Fd(out[0]);
  }

  ~ChildProcess() {
    in_.reset();
    if (!wait_for_end(std::chrono::seconds(5))) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  // The first line of its output; "" when it ends, or takes longer than `limit`.
  std::string read_line(std::chrono::seconds limit = std::chrono::seconds(60)) const {
    std::string line;
    const MonoTime end = system_clock().mono() + limit;
    for (;;) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(end - system_clock().mono());
      pollfd p{out_.get(), POLLIN, 0};
      if (left.count() <= 0 || ::poll(&p, 1, static_cast<int>(left.count())) <= 0) return "";
      char c = 0;
      if (::read(out_.get(), &c, 1) != 1) return "";
      if (c == '\n') return line;
      line += c;
    }
  }

  pid_t pid() const { return pid_; }

 private:
  // Its end shows as the end of its output.
  bool wait_for_end(std::chrono::milliseconds limit) const {
    const MonoTime end = system_clock().mono() + limit;
    for (;;) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(end - system_clock().mono());
      pollfd p{out_.get(), POLLIN, 0};
      if (left.count() <= 0 || ::poll(&p, 1, static_cast<int>(left.count())) <= 0) return false;
      char buffer[4096];
      if (::read(out_.get(), buffer, sizeof buffer) <= 0) break;
    }
    return ::waitpid(pid_, nullptr, 0) == pid_;
  }

  pid_t pid_ = -1;
  os::Fd in_;
  os::Fd out_;
};

}  // namespace gw::test
