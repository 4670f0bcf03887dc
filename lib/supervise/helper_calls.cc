#include "supervise/helper_calls.h"

#include <cstring>

#include "base/bytes.h"
#include "os/seccomp.h"

// Both compilers' ways to say so.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GW_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define GW_WATCHED 1
#endif
#endif

namespace gw::supervise {

std::vector<std::string> helper_calls() {
#ifdef GW_WATCHED
  return {};
#else
  // What is left out does without: files are read to their end (lseek), there are no robust mutexes
  // (set_robust_list), and no signal is handled (rt_sigaction).
  return {
      // files, to read
      "openat",
      "openat2",
      "newfstatat",
      "read",
      "close",
      "fcntl",
      // the network
      "socket",
      "socketpair",  // libevent's instead of a pipe, too
      "connect",
      "bind",
      "getsockname",
      "getpeername",
      "getsockopt",
      "setsockopt",
      "sendto",
      "sendmsg",  // how libunbound opens TCP
      "recvfrom",
      "writev",
      "eventfd2",
      "epoll_create1",
      "epoll_ctl",
      // memory, threads, and the time where the kernel's page of it does not say that
      "mmap",
      "munmap",
      "mprotect",
      "madvise",  // what threads that ended had
      "brk",
      "futex",
      "clone",
      "rseq",
      "rt_sigprocmask",
      "getrandom",
      "clock_gettime",
      "gettimeofday",
      "clock_nanosleep",
#ifdef __x86_64__
      "poll",
      "epoll_wait",
#else
      "ppoll",
      "epoll_pwait",
#endif
  };
#endif
}

Result<std::vector<std::uint64_t>> compile_helper_calls() {
  os::SeccompPolicy policy;
  policy.allow = helper_calls();
  if (policy.allow.empty()) return std::vector<std::uint64_t>();
  policy.runs_already = true;
  policy.refuse_namespaces = true;  // by clone
  return os::compile_seccomp(policy);
}

std::string format_calls(const std::vector<std::uint64_t>& program) {
  std::string bytes(program.size() * sizeof(std::uint64_t), '\0');
  if (!program.empty()) std::memcpy(bytes.data(), program.data(), bytes.size());
  return encode_base64(bytes);
}

std::vector<std::uint64_t> parse_calls(std::string_view text) {
  const auto bytes = decode_base64(text);
  if (!bytes || bytes->size() % sizeof(std::uint64_t) != 0) return {};
  std::vector<std::uint64_t> out(bytes->size() / sizeof(std::uint64_t));
  if (!out.empty()) std::memcpy(out.data(), bytes->data(), bytes->size());
  return out;
}

}  // namespace gw::supervise
