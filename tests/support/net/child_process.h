// Another program that runs beside a test: its first line of output is read, and it ends when its
// standard input does, or is killed.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "os/file.h"
#include "os/process.h"

namespace gw::test {

class ChildProcess {
 public:
  // The program is looked for in PATH.
  explicit ChildProcess(std::vector<std::string> argv) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) std::abort();
    const os::Fd its_in(in[0]);
    const os::Fd its_out(out[1]);
    in_ = os::Fd(in[1]);
    out_ = os::Fd(out[0]);
    argv.insert(argv.begin(), "/usr/bin/env");
    auto child = os::spawn(
        {.argv = std::move(argv), .descriptors = {{its_in.get(), 0}, {its_out.get(), 1}}});
    if (!child) std::abort();
    child_.emplace(*std::move(child));
  }

  // Whoever does not end by itself is killed, as the Child goes.
  ~ChildProcess() {
    in_.reset();
    (void)child_->wait_for(std::chrono::seconds(5));
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

 private:
  std::optional<os::Child> child_;
  os::Fd in_;
  os::Fd out_;
};

}  // namespace gw::test
