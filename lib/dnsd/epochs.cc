#include "dnsd/epochs.h"

#include <algorithm>
#include <cstdlib>

namespace gw::dnsd {

Epochs::Slot& Epochs::take_slot() {
  for (Slot& slot : slots_) {
    if (!slot.taken.exchange(true)) return slot;
  }
  std::abort();
}

Epochs::Reader::Reader(Epochs& epochs) : epochs_(epochs), slot_(epochs.take_slot()) {}

Epochs::Reader::~Reader() {
  leave();
  slot_.taken.store(false);
}

Epochs::~Epochs() {
  for (const Retired& r : retired_) r.free();
}

void Epochs::retire(std::function<void()> free) {
  const MutexLock lock(mutex_);
  // A reader that enters from here on reads at least this epoch, and it enters after the thing
  // became unreachable.
  retired_.push_back({now_.fetch_add(1) + 1, std::move(free)});
}

void Epochs::collect() {
  std::deque<Retired> ripe;
  {
    const MutexLock lock(mutex_);
    if (retired_.empty()) return;
    std::uint64_t oldest = kIdle;
    for (const Slot& slot : slots_) oldest = std::min(oldest, slot.epoch.load());
    while (!retired_.empty() && retired_.front().epoch <= oldest) {
      ripe.push_back(std::move(retired_.front()));
      retired_.pop_front();
    }
  }
  for (const Retired& r : ripe) r.free();
}

}  // namespace gw::dnsd
