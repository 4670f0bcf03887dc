// Runs tests/support/dns_lab.py for tests in C++: a signed hierarchy on loopback with a zone in
// every state, and proxies that get in the way. One lab serves all cases of a test executable; it
// ends with the process, whatever way that ends, because its standard input does.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/json.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace gw::testing {

class DnsLab {
 public:
  // Starts it at the first call; the test fails when it cannot be started.
  static const DnsLab& get();

  std::string resolver() const;                          // ADDR@PORT that serves all zones
  std::string anchor() const;                            // file with the root's DS
  std::string anchor_of(const std::string& zone) const;  // "signed.lab"
  std::string root_hints() const;                        // "" when port 53 cannot be had
  std::string port_53() const;                           // its address on port 53, or ""
  std::string proxy(const std::string& mode) const;      // ADDR@PORT, see dns_lab.py

  ~DnsLab();

 private:
  DnsLab();
  std::string dir_;
  int stdin_ = -1;
  int pid_ = -1;
  Json info_;
};

inline DnsLab::DnsLab() {
  std::string dir = (std::filesystem::temp_directory_path() / "gw-lab-XXXXXX").string();
  REQUIRE(::mkdtemp(dir.data()) != nullptr);
  dir_ = dir;
  int in[2];
  int out[2];
  REQUIRE(::pipe2(in, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(out, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::string script = GW_TESTS_DIR "/support/dns_lab.py";
  std::string records = GW_TEST_DATA "/lab_records.zone";
  std::string python = "python3";
  char* argv[] = {python.data(), script.data(), dir.data(), records.data(), nullptr};
  REQUIRE(::posix_spawnp(&pid_, "python3", &actions, nullptr, argv, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  stdin_ = in[1];
  std::string text;
  char buffer[4096];
  while (text.find('\n') == std::string::npos) {
    const ssize_t n = ::read(out[0], buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(out[0]);
  auto info = parse_json(text);
  INFO("the lab says: " << text);
  REQUIRE(info.has_value());
  info_ = std::move(*info);
}

inline DnsLab::~DnsLab() {
  ::close(stdin_);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

inline const DnsLab& DnsLab::get() {
  static const DnsLab lab;
  return lab;
}

inline std::string DnsLab::resolver() const { return info_["resolver"].get<std::string>(); }
inline std::string DnsLab::anchor() const { return info_["anchor"].get<std::string>(); }
inline std::string DnsLab::anchor_of(const std::string& zone) const {
  return info_["anchors"][zone].get<std::string>();
}
inline std::string DnsLab::root_hints() const { return info_["root_hints"].get<std::string>(); }
inline std::string DnsLab::port_53() const { return info_["port_53"].get<std::string>(); }
inline std::string DnsLab::proxy(const std::string& mode) const {
  return info_["proxies"][mode].get<std::string>();
}

}  // namespace gw::testing
