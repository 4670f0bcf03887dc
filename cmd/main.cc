// gwtool keeps Go software up to date, provably.
//
// main brings the process into a known state, before anything can read a file or a name; the rest
// is run_program (program.h) over the commands (commands.cc). This is the only place that exits.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <new>
#include <string_view>

#include "base/crypto.h"
#include "commands.h"
#include "frame/program.h"
#include "os/name_service.h"

namespace {

// A closed standard descriptor must not become the database's: what is then written there by
// mistake would destroy it. The replacements fail when used, as a closed descriptor would.
void guard_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    const int mode = fd == 0 ? O_WRONLY : fd == 1 ? O_RDONLY : O_WRONLY;
    if (::open("/dev/null", mode | O_NOCTTY) != fd) ::_exit(gw::cmd::kExitFailed);
  }
}

// In whichever thread, and with nothing unwound, as after a crash, which everything that is kept on
// disk is made for.
[[noreturn]] void end_without_memory() {
  constexpr std::string_view kWords =
      "gwtool: error: out of memory\n"
      "gwtool: hint: it needs more than the machine or a limit (ulimit -v, a cgroup) gives it\n";
  [[maybe_unused]] const ssize_t said = ::write(STDERR_FILENO, kWords.data(), kWords.size());
  ::_exit(gw::cmd::kExitFailed);
}

int guarded_main(int argc, char** argv) {
  gw::cmd::Output out(STDOUT_FILENO, STDERR_FILENO);
  gw::os::pin_name_services();
  // No OpenSSL configuration, random numbers there.
  if (auto ready = gw::init_crypto(); !ready) {
    out.error(ready.error());
    return gw::cmd::exit_code(ready.error().kind);
  }
  gw::cmd::Terminal terminal;
  terminal.error_is_terminal = ::isatty(STDERR_FILENO) == 1;
  terminal.output_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  try {
    return gw::cmd::run_program(gw::cmd::all_commands(), {argv + (argc > 0 ? 1 : 0), argv + argc},
                                out, gw::cmd::process_environment(), terminal);
  } catch (const std::exception& e) {
    // Nothing of ours throws; a library might, or memory is exhausted.
    out.error(gw::internal_error(std::string("unexpected failure: ") + e.what()));
    return gw::cmd::kExitFailed;
  }
}

}  // namespace

int main(int argc, char** argv) {
  guard_standard_descriptors();
  std::set_new_handler(end_without_memory);
  ::signal(SIGPIPE, SIG_IGN);     // a closed pipe is a failed write, reported as such
  ::signal(SIGXFSZ, SIG_IGN);     // and so is a file that may not grow
  ::signal(SIGCHLD, SIG_DFL);     // as who started us may ignore it, and no child's end be told
  ::umask(::umask(0) | S_IWOTH);  // nothing that gwtool writes is writable by everybody
  ::unsetenv("SSLKEYLOGFILE");    // nobody else's file gets the keys of connections
  return guarded_main(argc, argv);
}
