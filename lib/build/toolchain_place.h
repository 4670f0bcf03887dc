// Where a call's or a service's Go toolchains come from: the module proxy, the go command in PATH,
// or a directory, which is one toolchain or has several.
//
// Of the module proxy each is verified against the checksum database, see toolchain.h. Versions
// that are not trusted yet (--go-stop-before) are not offered.
//
// Any thread, as its store.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "build/module_store.h"
#include "build/toolchain.h"
#include "os/stop.h"

namespace gw::build {

inline constexpr std::string_view kModuleToolchain = "module";
inline constexpr std::string_view kLocalToolchain = "local";

class ToolchainPlace {
 public:
  struct Options {
    std::string place = {};        // kModuleToolchain, kLocalToolchain, or a directory
    std::string stop_before = {};  // as GoQuery has it
    std::string path = {};         // PATH, for kLocalToolchain
    std::string unpacked = {};     // the directory for those of the module proxy
  };
  // Both must outlive it; `stop` may be null.
  ToolchainPlace(Options options, ModuleStore& store, const os::Stop* stop)
      : options_(std::move(options)), store_(store), stop_(stop) {}

  // `version`: empty for the newest, or whichever the place has; "go1.26.latest" of the module
  // proxy only. kUsage: one that is not offered.
  Result<Toolchain> find(const std::string& version) const;
  // Also one that is not offered: a record of old may have been made with it.
  Result<Toolchain> find_any(const std::string& version) const;
  // All that are offered, the newest first. kNotFound: none.
  Result<std::vector<std::string>> versions() const;

 private:
  Status check_offered(const std::string& version) const;
  Result<std::vector<std::string>> all_versions() const;
  Result<Toolchain> fetch(const std::string& version) const;

  const Options options_;
  ModuleStore& store_;
  const os::Stop* stop_;
};

}  // namespace gw::build
