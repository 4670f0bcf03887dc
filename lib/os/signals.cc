#include "os/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

namespace gw::os {
namespace {

// Signals whose inherited disposition is to ignore them (nohup, `sh -c "… &"`) never reach a
// signalfd, which is what whoever set that wants.
sigset_t handled_set(const SignalThread::Callbacks& callbacks) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (callbacks.hangup) sigaddset(&set, SIGHUP);
  if (callbacks.user1) sigaddset(&set, SIGUSR1);
  return set;
}

}  // namespace

Result<std::unique_ptr<SignalThread>> SignalThread::start(Stop& stop, Callbacks callbacks) {
  ignore_sigpipe();
  const sigset_t set = handled_set(callbacks);
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return errno_error("making a signal descriptor", errno);
  if (const int err = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); err != 0) {
    return errno_error("blocking signals", err);
  }
  std::unique_ptr<SignalThread> self(new SignalThread(stop, std::move(callbacks), std::move(fd)));
  GW_TRY(self->thread_, start_thread([raw = self.get()] { raw->run(); }));
  return self;
}

SignalThread::~SignalThread() {
  ending_.request();
  if (thread_.joinable()) thread_.join();
}

void SignalThread::run() {
  for (;;) {
    pollfd fds[] = {{signals_.get(), POLLIN, 0}, {ending_.fd(), POLLIN, 0}};
    // The time limit only matters when ending_ got no descriptor.
    if (::poll(fds, 2, ending_.fd() < 0 ? 50 : -1) < 0 && errno != EINTR) return;
    if (ending_.requested()) return;
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      handle(static_cast<int>(info.ssi_signo));
    }
  }
}

void SignalThread::handle(int signal) {
  if (signal == SIGHUP) return callbacks_.hangup();
  if (signal == SIGUSR1) return callbacks_.user1();
  int none = 0;
  if (stopped_by_.compare_exchange_strong(none, signal)) {
    stop_.request();
    return;
  }
  // Asked twice: whatever is not done by now is not waited for.
  ::signal(signal, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  ::kill(::getpid(), signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void ignore_sigpipe() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace gw::os
