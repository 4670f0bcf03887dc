#include "dnsd/zone_key_in_use.h"

#include <utility>

namespace gw::dnsd {

Result<bool> ZoneKeyInUse::load() {
  GW_TRY(ZoneKey loaded, ZoneKey::load(origin_, file_));
  if (waiting_.key && loaded.identity() == waiting_.key->identity()) return true;
  discard();
  if (used_.key && loaded.identity() == used_.key->identity()) return false;
  auto shared = std::make_shared<const ZoneKey>(std::move(loaded));
  GW_TRY(const dns::KeyId id, context_.add_key(shared));
  const bool first = !used_.key;
  std::lock_guard lock(mutex_);
  (first ? used_ : waiting_) = {std::move(shared), id};
  return !first;
}

void ZoneKeyInUse::adopt(Epochs& epochs) {
  if (!waiting_.key) return;
  const dns::KeyId old = used_.id;
  {
    std::lock_guard lock(mutex_);
    used_ = std::exchange(waiting_, {});
  }
  epochs.retire([context = &context_, old] { context->remove_key(old); });
}

void ZoneKeyInUse::discard() {
  if (waiting_.key) context_.remove_key(waiting_.id);
  waiting_ = {};
}

std::shared_ptr<const ZoneKey> ZoneKeyInUse::get() const {
  std::lock_guard lock(mutex_);
  return used_.key;
}

}  // namespace gw::dnsd
