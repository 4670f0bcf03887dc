// What there is to build: versions of a module, what a query means, and which packages of a version
// are commands.
//
// All from the module proxy, go.mods and zips verified. Answers about queries and lists are kept
// for a minute, commands of a version for as long as there is room. Any thread; errors: as
// build::ModuleStore's, kNotFound for what does not exist.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "build/module_store.h"

namespace gw::buildd {

struct ModuleFacts {
  std::vector<std::string> commands;  // directories, as keys have them: "/", "/cmd/x"; sorted
  bool object_files = false;          // has .syso files, which are linked as they are
};

struct ModuleVersions {
  std::vector<std::string> versions;   // newest first; none when the proxy lists none
  std::string latest;                  // what `latest` means; may be empty
  std::vector<std::string> retracted;  // of `versions`
  std::string deprecated;              // what the newest go.mod says, if it does
};

class Catalog {
 public:
  Catalog(build::ModuleStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  Result<std::string> resolve(const std::string& module, const std::string& query);
  Result<std::shared_ptr<const ModuleFacts>> facts(const std::string& module,
                                                   const std::string& version);
  Result<std::shared_ptr<const ModuleVersions>> versions(const std::string& module);
  // What is kept of any age, or else is asked for: null when that fails. For pages that should not
  // wait; versions() brings it up to date.
  std::shared_ptr<const ModuleVersions> find_versions(const std::string& module);
  // Who says what a private module is; nothing to be told of others.
  build::SumRemark remark(const std::string& module) const { return store_.sums().remark(module); }
  // kNotFound: no command there. What can be told without compiling.
  Status check_command(const std::string& module, const std::string& version,
                       const std::string& dir);

 private:
  template <typename Value>
  struct Kept {
    MonoTime at;
    Value value;
  };
  Result<ModuleFacts> read_facts(const std::string& module, const std::string& version);
  Result<ModuleVersions> read_versions(const std::string& module);

  build::ModuleStore& store_;
  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Kept<std::string>> queries_ GW_GUARDED_BY(mutex_);
  std::map<std::string, Kept<std::shared_ptr<const ModuleFacts>>> facts_ GW_GUARDED_BY(mutex_);
  std::map<std::string, Kept<std::shared_ptr<const ModuleVersions>>> versions_
      GW_GUARDED_BY(mutex_);
};

// Whether a Go file's package clause says `main`, and nothing keeps the file from being built
// always (`//go:build ignore`). For tests.
bool is_main_file(std::string_view text);

}  // namespace gw::buildd
