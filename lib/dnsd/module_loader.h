// The full scan: every module of the database into the index, by a few threads with a Reader each.
//
// load() does it here and now. start() does it on a thread of its own, while the index is in use
// already; then done() tells when finish() has something to take. What is committed meanwhile may
// be in the index or not: it is applied afterwards.
//
// One thread at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "dnsd/module_index.h"
#include "os/thread.h"
#include "store/types.h"

namespace gw::dnsd {

class ModuleLoader {
 public:
  struct Job {
    std::string db;
    std::size_t zone_size = 0;  // octets of the zone's wire name
    std::uint64_t modules = 0;  // about so many are there
    unsigned threads = 1;
    std::vector<store::HeadTime> heads;  // of one commit
  };

  // The index outlives it.
  explicit ModuleLoader(ModuleIndex& index) : index_(index) {}
  ~ModuleLoader() { stop(); }
  ModuleLoader(const ModuleLoader&) = delete;
  ModuleLoader& operator=(const ModuleLoader&) = delete;

  // Errors as of Reader.
  Status load(const Job& job);

  // Where no thread is to be had it is done at once. Precondition: not running().
  void start(Job job);
  bool running() const { return running_; }  // started, and not taken yet
  bool done() const { return done_.load(); }
  // Waits for the end. What the load came to.
  Status finish();
  // Cuts it short.
  void stop();

  // Every host that has modules with names, with all that is above it, and the separator's name: a
  // fraction of a microsecond for each of them, and some for each that has many modules. Also while
  // running().
  Status load_hosts(const Job& job);

 private:
  Status load_part(const Job& job, unsigned part);
  Status load_hosts_of(const Job& job, const std::string& begin, const std::string& end);

  ModuleIndex& index_;
  os::Thread thread_;
  bool running_ = false;
  std::atomic<bool> done_{false};
  std::atomic<bool> stop_{false};
  Status result_;  // once done
};

}  // namespace gw::dnsd
