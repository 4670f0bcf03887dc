// Ordinary files in the place of control groups.
#pragma once

#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "os/cgroup_delegation.h"
#include "support/os/as_user.h"
#include "support/temp_dir.h"

namespace gw::os_test {

inline void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// A tree of files as the kernel makes them.
class GroupFiles {
 public:
  explicit GroupFiles(std::vector<std::string> files) : files_(std::move(files)) {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
    add("/unit");
    put(file("/unit/cgroup.procs"), std::to_string(::getpid()) + "\n");
  }
  std::string file(const std::string& name) const { return dir_.path() + name; }
  int add(const std::string& group) { return make(file(group)); }
  os::CgroupPlace place(const std::string& group = "/unit") {
    return {dir_.path(), group, [this](const std::string& path) { return make(path); }};
  }
  // False where extended attributes cannot be had.
  bool mark(const std::string& group, const char* value = "1") const {
    for (const char* name : {"user.delegate", "trusted.delegate"}) {
      if (::setxattr(file(group).c_str(), name, value, 1, 0) == 0) return true;
    }
    not_tried("marked groups: the file system has no extended attributes");
    return false;
  }
  std::vector<std::string> groups() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(file("/unit"))) {
      if (entry.is_directory()) out.push_back(entry.path().filename().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  int make(const std::string& path) {
    if (const int error = os::make_group_directory(path); error != 0) return error;
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    for (const char* name : {"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}) {
      put(path + "/" + name, "");
    }
    put(path + "/cgroup.events", "populated 0\nfrozen 0\n");
    for (const std::string& name : files_) put(path + "/" + name, "");
    return 0;
  }
  testing::TempDir dir_;
  std::vector<std::string> files_;
};
inline const std::vector<std::string> kAllFiles{"memory.max",       "memory.swap.max",
                                                "memory.oom.group", "memory.events",
                                                "pids.max",         "pids.events"};

}  // namespace gw::os_test
