// Modules in memory: behind a module proxy that can lie, and in a checksum database of their own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "build/module_store.h"
#include "build/proxy_client.h"
#include "build/sums.h"
#include "module/dirhash.h"
#include "module/zip.h"
#include "support/module/zip_builder.h"
#include "support/temp_dir.h"
#include "support/tlog/test_log.h"

namespace gw::testing {

class MemoryProxy : public build::ProxyFiles {
 public:
  Result<std::string> fetch(const mod::ProxyRequest& request) override {
    GW_TRY(const std::string path, mod::format_proxy_path(request));
    const MutexLock lock(mutex);
    asked.push_back(path);
    if (const auto failure = failures.find(path); failure != failures.end()) {
      return failure->second;
    }
    const auto file = files.find(path);
    if (file == files.end()) return not_found_error(path + ": 404");
    return file->second;
  }
  Mutex mutex;
  std::map<std::string, std::string> files;
  std::map<std::string, Error> failures;
  std::vector<std::string> asked;
};

// A log that others may fetch from while the test still has it.
class BorrowedLog : public tlog::TileSource {
 public:
  explicit BorrowedLog(TestLog& log) : log_(log) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    return log_.fetch(requests);
  }
  std::string describe() const override { return log_.describe(); }

 private:
  TestLog& log_;
};

struct ModuleFile {
  std::string name;
  std::string content;
};

// A proxy and a log with the same modules, and a store in a directory of its own over both.
class Modules {
 public:
  Modules() { open(); }

  // As another process would see the same cache: nothing is in memory.
  void open() {
    sums = std::make_unique<build::ModuleSums>(std::make_unique<BorrowedLog>(log), log.key(),
                                               sums_dir.path(), clock);
    store = std::make_unique<build::ModuleStore>(store_dir.path(), proxy, *sums, nullptr);
  }

  void add(const std::string& module, const std::string& version, std::vector<ModuleFile> files,
           const std::string& gomod = {}) {
    const std::string text = gomod.empty() || gomod == "none" ? "module " + module + "\n" : gomod;
    std::vector<test::ZipEntry> entries;
    if (gomod != "none") files.push_back({"go.mod", text});
    for (const ModuleFile& file : files) {
      entries.push_back(
          {.name = module + "@" + version + "/" + file.name, .content = file.content});
    }
    const std::string zip = test::make_zip(entries);
    const mod::MemorySource source(zip);
    auto opened = mod::ModuleZip::open(source, module, version);
    const std::string zip_sum = opened.value().hash().value();
    log.append(tlog::format_go_record({module, version, zip_sum, mod::hash_gomod(text)}));
    put({mod::ProxyRequest::Kind::kZip, module, version}, zip);
    put({mod::ProxyRequest::Kind::kMod, module, version}, text);
    put({mod::ProxyRequest::Kind::kInfo, module, version}, R"({"Version":")" + version + "\"}");
    const std::string list = path_of({mod::ProxyRequest::Kind::kList, module, {}});
    proxy.files[list] += version + "\n";
  }
  void put(const mod::ProxyRequest& request, const std::string& body) {
    proxy.files[path_of(request)] = body;
  }
  static std::string path_of(const mod::ProxyRequest& request) {
    return mod::format_proxy_path(request).value();
  }

  FakeClock clock{from_unix(1'800'000'000)};
  TestLog log;
  MemoryProxy proxy;
  TempDir sums_dir, store_dir;
  std::unique_ptr<build::ModuleSums> sums;
  std::unique_ptr<build::ModuleStore> store;
};

}  // namespace gw::testing
