// One thing that readers use without a lock while one writer replaces it whole.
//
// Readers: any thread; what get() returned stays valid to the end of the Epochs::Reader section in
// which it was called. The writer is one thread at a time. What is replaced is freed by the Epochs
// once no reader can hold it; the last one with the object, which no reader may use any more.
#pragma once

#include <atomic>
#include <memory>

#include "dnsd/epochs.h"

namespace gw::dnsd {

template <typename T>
class Published {
 public:
  // The Epochs outlive it. Nothing is published yet unless `first` is given.
  explicit Published(Epochs& epochs, std::unique_ptr<T> first = nullptr)
      : epochs_(epochs), now_(first.release()) {}
  ~Published() { delete now_.load(); }
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;

  // nullptr when there is nothing.
  T* get() const { return now_.load(); }

  // `next`: nullptr to withdraw what was there.
  void publish(std::unique_ptr<T> next) {
    T* old = now_.exchange(next.release());
    if (old == nullptr) return;
    epochs_.retire([old] { delete old; });
  }

 private:
  Epochs& epochs_;
  std::atomic<T*> now_;
};

}  // namespace gw::dnsd
