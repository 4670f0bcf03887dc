// A directory for one test.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace gw::testing {

// A directory that goes away with the test; in memory where there is such a file system, since
// syncs that wait for a disk test nothing here.
class TempDir {
 public:
  TempDir() {
    std::error_code none;
    const std::filesystem::path memory = "/dev/shm";
    const bool has_memory = ::access(memory.c_str(), W_OK) == 0;
    const auto base = has_memory ? memory : std::filesystem::temp_directory_path(none);
    std::string name = (base / "gw-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) != nullptr ? name : std::string();
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace gw::testing
