// Runs a part of a test in a child, as whoever we are or as an ordinary user, because what a test
// of privileges changes (users, namespaces, signals, limits) belongs to the whole process.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>
#include <string>

namespace gw::os_test {

constexpr uid_t kOrdinary = 61234;  // nobody's number on any system; needs no entry anywhere

// What a test cannot try here, on standard error for who reads the log.
inline void not_tried(const std::string& what) {
  std::fprintf(stderr, "not tried: %s\n", what.c_str());
}

// `body` in a child: an empty text is success, any other what went wrong. With `uid` as that user,
// without groups and capabilities; false when we are not root and cannot.
inline bool in_child(const std::function<std::string()>& body, uid_t uid = 0) {
  if (uid != 0 && ::geteuid() != 0) {
    if (::geteuid() == uid)
      uid = 0;
    else
      return false;
  }
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    ::alarm(60);
    const int report = ::fcntl(ends[1], F_DUPFD, 500);  // bodies use low numbers as they like
    if (uid != 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(uid, uid, uid) != 0 ||
                     ::setresuid(uid, uid, uid) != 0)) {
      ::_exit(9);
    }
    const std::string wrong = body();
    if (::write(report, wrong.data(), wrong.size()) < 0) ::_exit(8);
    ::_exit(wrong.empty() ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  INFO(text);
  CHECK(status == 0);
  return true;
}

// In a body: the first thing that is not so is its result.
#define GW_EXPECT(...)                                                                           \
  do {                                                                                           \
    if (!(__VA_ARGS__)) return std::string(#__VA_ARGS__ " at line ") + std::to_string(__LINE__); \
  } while (false)

// As ordinary user when we are root, and as whoever we are.
inline void as_root_and_user(const std::function<std::string()>& body) {
  in_child(body);
  if (!in_child(body, kOrdinary)) not_tried("as root: the tests run as an ordinary user");
}

}  // namespace gw::os_test
