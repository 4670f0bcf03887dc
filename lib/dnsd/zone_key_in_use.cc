#include "dnsd/zone_key_in_use.h"

#include <utility>

namespace gw::dnsd {

Result<bool> ZoneKeyInUse::load() {
  GW_TRY(ZoneKey loaded, ZoneKey::load(origin_, file_));
  if (waiting_.key && loaded.identity() == waiting_.key->identity()) return true;
  discard();
  const std::shared_ptr<const ZoneKey> used = get();
  if (used && loaded.identity() == used->identity()) return false;
  auto shared = std::make_shared<const ZoneKey>(std::move(loaded));
  GW_TRY(const dns::KeyId id, context_.add_key(shared));
  if (used) {
    waiting_ = {std::move(shared), id};
    return true;
  }
  const MutexLock lock(mutex_);
  used_ = {std::move(shared), id};
  return false;
}

void ZoneKeyInUse::adopt(Epochs& epochs) {
  if (!waiting_.key) return;
  const dns::KeyId old = used().id;
  {
    const MutexLock lock(mutex_);
    used_ = std::exchange(waiting_, {});
  }
  epochs.retire([context = &context_, old] { context->remove_key(old); });
}

void ZoneKeyInUse::discard() {
  if (waiting_.key) context_.remove_key(waiting_.id);
  waiting_ = {};
}

ZoneKeyInUse::Numbered ZoneKeyInUse::used() const {
  const MutexLock lock(mutex_);
  return used_;
}

}  // namespace gw::dnsd
