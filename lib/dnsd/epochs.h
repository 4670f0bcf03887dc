// When may memory that readers look at without a lock be given back?
//
// A reader brackets each batch of work with enter() and leave(), two stores on a cache line of its
// own; what it saw in between stays valid in between. The writer first makes a thing unreachable
// and then retires it: it is freed once every reader has left, or entered after that moment. So a
// query takes no lock and counts no reference, and the writer never waits: what cannot be freed yet
// is looked at again at the next collect().
//
// Readers: any thread, one Reader object each. retire() and collect(): any thread; what retire()
// was given runs inside some later collect(), without a lock held.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>

#include "base/mutex.h"

namespace gw::dnsd {

class Epochs {
  static constexpr std::uint64_t kIdle = ~std::uint64_t{0};
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> epoch{kIdle};
    std::atomic<bool> taken{false};
  };

 public:
  static constexpr unsigned kMaxReaders = 512;

  // One reading thread's place. Aborts when more than kMaxReaders exist at once, which the number
  // of workers cannot reach. Must not outlive the Epochs.
  class Reader {
   public:
    explicit Reader(Epochs& epochs);
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    void enter() { slot_.epoch.store(epochs_.now_.load()); }
    void leave() { slot_.epoch.store(kIdle, std::memory_order_release); }

   private:
    Epochs& epochs_;
    Slot& slot_;
  };

  Epochs() = default;
  ~Epochs();
  Epochs(const Epochs&) = delete;
  Epochs& operator=(const Epochs&) = delete;

  // Precondition: no reader can reach the thing any more but through what it already holds, and
  // that was made so by a sequentially consistent store.
  void retire(std::function<void()> free);
  // Frees what can be freed now.
  void collect();

 private:
  Slot& take_slot();
  struct Retired {
    std::uint64_t epoch;
    std::function<void()> free;
  };

  std::array<Slot, kMaxReaders> slots_;
  std::atomic<std::uint64_t> now_{1};
  Mutex mutex_;
  std::deque<Retired> retired_ GW_GUARDED_BY(mutex_);  // ascending epochs
};

}  // namespace gw::dnsd
