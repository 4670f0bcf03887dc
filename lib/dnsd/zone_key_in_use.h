// Which key signs a zone, from one reload to the next.
//
// A new key waits until a content that announces it is served, and an old one is forgotten by the
// signers only when no reader can need it any more. One thread, but for get().
#pragma once

#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "dns/zone.h"
#include "dnsd/epochs.h"
#include "dnsd/online_signer.h"
#include "dnsd/zone_key.h"

namespace gw::dnsd {

// The key that a zone is signed with now, and its number for the signers.
class ZoneKeyInUse {
 public:
  // The context outlives it.
  ZoneKeyInUse(SigningContext& context, std::string origin, std::string file)
      : context_(context), origin_(std::move(origin)), file_(std::move(file)) {}

  // Loads the key; the first time it is the key in use at once. Later: a key that is another one
  // waits for adopt(), and the result is true. Errors as ZoneKey::load.
  Result<bool> load();
  // The key of the content to be made next: the one that waits, or the one in use.
  std::shared_ptr<const ZoneKey> next() const { return upcoming().key; }
  dns::KeyId next_id() const { return upcoming().id; }
  // That content is served now: the key before it is forgotten once no reader can need it.
  void adopt(Epochs& epochs);
  bool waiting() const { return waiting_.key != nullptr; }
  // No content will be made with it.
  void discard();

  // Any thread.
  std::shared_ptr<const ZoneKey> get() const { return used().key; }
  const std::string& file() const { return file_; }

 private:
  struct Numbered {
    std::shared_ptr<const ZoneKey> key;
    dns::KeyId id = dns::kUnsigned;
  };
  Numbered used() const;
  Numbered upcoming() const { return waiting_.key ? waiting_ : used(); }

  SigningContext& context_;
  const std::string origin_;
  const std::string file_;
  mutable Mutex mutex_;
  Numbered used_ GW_GUARDED_BY(mutex_);
  Numbered waiting_;
};

}  // namespace gw::dnsd
