#include "os/secrets.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "os/file.h"
#include "support/os/as_user.h"
#include "support/temp_dir.h"

using namespace gw;

namespace {

std::string memory_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/mem"; }

// 0, or why not.
int open_errno(const std::string& path) {
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? 0 : errno;
}

// A child that tells when it is ready and then waits to be killed.
pid_t start(bool secret) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return -1;
  const pid_t pid = ::fork();
  if (pid == 0) {
    // Whoever has changed its user is hidden already.
    (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    const bool ready = !secret || os::keep_memory_secret().has_value();
    (void)!::write(ends[1], ready ? "y" : "n", 1);
    while (true) ::pause();
  }
  char answer = 'n';
  if (::read(ends[0], &answer, 1) != 1) answer = 'n';
  ::close(ends[0]);
  ::close(ends[1]);
  return answer == 'y' ? pid : -1;
}

}  // namespace

TEST_CASE("secrets: another process of the same user cannot read it", "[secrets]") {
  const bool tried = os_test::in_child(
      [] {
        const pid_t plain = start(false);
        const pid_t secret = start(true);
        GW_EXPECT(plain > 0 && secret > 0);
        // The first one shows that it is not forbidden anyway.
        const int open_plain = open_errno(memory_of(plain));
        const int open_secret = open_errno(memory_of(secret));
        const long traced = ::ptrace(PTRACE_ATTACH, secret, nullptr, nullptr);
        const int trace = errno;
        ::kill(plain, SIGKILL);
        ::kill(secret, SIGKILL);
        GW_EXPECT(open_plain == 0);
        GW_EXPECT(open_secret == EACCES || open_secret == EPERM);
        GW_EXPECT(traced == -1 && trace == EPERM);
        return std::string();
      },
      os_test::kOrdinary);
  if (!tried) os_test::not_tried("memory of another process: the tests run as an ordinary user");
}

// A sanitizer leaves mlockall() out.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

TEST_CASE("secrets: no core, and nothing in the swap where that is granted", "[secrets]") {
  os_test::in_child([] {
    const auto locked = os::keep_memory_secret();
    GW_EXPECT(locked.has_value());
    rlimit core{};
    GW_EXPECT(::getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    if (!*locked || kSanitized) return std::string();
    const std::string status = os::read_file("/proc/self/status", 1 << 16).value_or("");
    GW_EXPECT(status.find("VmLck:\t       0 kB") == std::string::npos);
    return std::string();
  });
}

TEST_CASE("secrets: a file that others may use is refused, and nothing but a file is read",
          "[secrets]") {
  const gw::testing::TempDir dir;
  const std::string file = dir.file("key");
  REQUIRE(os::create_file(file, "secret", 0600));
  struct Row {
    mode_t mode;
    bool owner;
    bool group;
    const char* what;
  };
  for (const Row& row : {Row{0600, true, true, ""}, Row{0400, true, true, ""},
                         Row{0640, false, true, "read"}, Row{0660, false, false, "change"},
                         Row{0604, false, false, "read"}, Row{0644, false, false, "read"},
                         Row{0602, false, false, "change"}, Row{0666, false, false, "change"}}) {
    INFO(row.mode);
    REQUIRE(::chmod(file.c_str(), row.mode) == 0);
    for (const auto& [use, good] : {std::pair(os::SecretUse::kOwner, row.owner),
                                    std::pair(os::SecretUse::kGroup, row.group)}) {
      const Status seen = os::check_secret_file(file, use);
      const auto text = os::read_secret_file(file, 100, use);
      CHECK(seen.has_value() == good);
      REQUIRE(text.has_value() == good);
      if (good) {
        CHECK(*text == "secret");
        continue;
      }
      CHECK(seen.error().message == file + ": others may " + row.what + " this secret");
      CHECK(text.error().message == seen.error().message);
      CHECK(text.error().kind == ErrorKind::kUsage);
    }
  }
  // A pipe that nobody writes to would be waited for, for ever.
  const std::string pipe = dir.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& other : {pipe, std::string("/dev/zero"), std::string("/")}) {
    CHECK(os::check_secret_file(other, os::SecretUse::kOwner).error().kind == ErrorKind::kUsage);
    CHECK(os::read_secret_file(other, 100, os::SecretUse::kOwner).error().kind ==
          ErrorKind::kUsage);
  }
  CHECK(os::read_secret_file(dir.file("none"), 100, os::SecretUse::kOwner).error().kind ==
        ErrorKind::kNotFound);
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  CHECK(os::read_secret_file(file, 5, os::SecretUse::kOwner).error().kind == ErrorKind::kIo);
}
