// Builds that wait and run: one at a time for a key, a few at once, not too many in all.
//
// Whoever asks for a build that is under way already shares it. A watcher is told at once where its
// build stands, then whenever that changes, and last how it ended. What is asked for is built even
// if all who asked have left: they may come back for it.
//
// Any thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "build/key.h"
#include "os/thread.h"

namespace gw::buildd {

struct BuildUpdate {
  enum class Kind {
    kQueued,      // position: how many come before; 0: it is being built
    kTempFailed,  // the last one; error
    kPermFailed,  // the last one; error
    kSuccess,     // the last one; sum
  };
  Kind kind = Kind::kQueued;
  std::size_t position = 0;
  std::string progress;  // what is done just now, for people
  std::string error;
  bool stopping = false;  // kTempFailed, as the service is being stopped
  std::string sum;
  bool last() const { return kind != Kind::kQueued; }
};

// What a build ends with that the service's end is in the way of.
BuildUpdate stopping_update();

class BuildQueue {
 public:
  using Progress = std::function<void(std::string_view)>;
  // Builds, and says how it ended; on a thread of the queue.
  using Work = std::function<BuildUpdate(const build::Key&, const Progress&)>;
  // False: does not care any more. Must not block or call the queue: it is locked.
  using Watcher = std::function<bool(const BuildUpdate&)>;

  BuildQueue(Work work, std::size_t max_waiting)
      : work_(std::move(work)), max_waiting_(max_waiting) {}
  // What waits is told kTempFailed; what runs is waited for (its work must know how to end).
  ~BuildQueue();
  BuildQueue(const BuildQueue&) = delete;
  BuildQueue& operator=(const BuildQueue&) = delete;
  // Once: begins to work. kUnavailable when not all of the threads are to be had.
  Status start(unsigned workers);

  // kUnavailable: too many wait, or it takes no more.
  Status submit(const build::Key& key, Watcher watcher);
  // How it stands; nothing when it neither waits nor runs.
  std::optional<BuildUpdate> find(const std::string& key) const;

  // Takes no more, and tells those that wait kTempFailed. What runs goes on.
  void close();
  // After close(): until what runs has ended, and its watchers were told. False: it took longer.
  bool wait_idle(Duration patience);
  struct Pending {
    std::string key;
    BuildUpdate state;
  };
  std::vector<Pending> pending() const;
  std::size_t waiting() const;
  std::size_t running() const;

 private:
  struct Job {
    build::Key key;
    std::string name;
    BuildUpdate state;
    std::vector<Watcher> watchers;
  };
  void run();
  void tell(Job& job) GW_REQUIRES(mutex_);
  void renumber() GW_REQUIRES(mutex_);
  void finish(const std::shared_ptr<Job>& job, BuildUpdate end) GW_REQUIRES(mutex_);

  const Work work_;
  const std::size_t max_waiting_;
  mutable Mutex mutex_;
  Condition changed_;
  std::map<std::string, std::shared_ptr<Job>> jobs_ GW_GUARDED_BY(mutex_);  // by key
  std::deque<std::shared_ptr<Job>> queue_ GW_GUARDED_BY(mutex_);            // those that wait
  bool closed_ GW_GUARDED_BY(mutex_) = false;
  bool ending_ GW_GUARDED_BY(mutex_) = false;
  std::vector<os::Thread> threads_;
};

}  // namespace gw::buildd
