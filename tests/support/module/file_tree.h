// A directory for one test with a descriptor to it, whose files are written and read in one line.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "support/temp_dir.h"

namespace gw::test {

class FileTree {
 public:
  FileTree() : fd_(open(dir_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  ~FileTree() { close(fd_); }
  FileTree(const FileTree&) = delete;
  FileTree& operator=(const FileTree&) = delete;

  int fd() const { return fd_; }
  std::filesystem::path path() const { return dir_.path(); }
  std::filesystem::path operator/(const std::string& name) const { return path() / name; }
  void write(const std::string& name, std::string_view text) const {
    std::filesystem::create_directories((path() / name).parent_path());
    std::ofstream(path() / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  testing::TempDir dir_;
  int fd_;
};

}  // namespace gw::test
