#include "dnsd/served_zone.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "os/file.h"

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

Status require_access(const std::string& path, int mode, const std::string& user,
                      std::string_view what) {
  std::string asked = path;
  if (!os::file_exists(path)) {
    asked = std::filesystem::path(os::real_path(path)).parent_path().string();
    if (asked.empty()) asked.assign(1, '.');
    mode = W_OK | X_OK;
  }
  if (::faccessat(AT_FDCWD, asked.c_str(), mode, AT_EACCESS) == 0) return {};
  const bool write = (mode & W_OK) != 0;
  return usage_error(
      fmt::format("user {} may not {} {}, {}", user, write ? "write to" : "read", asked, what),
      fmt::format("chown {} {}, or give it to the user's group", user, asked));
}

Json zone_status(const dns::Zone& zone, const ZoneKey& key) {
  Json out;
  out["name"] = dns::format_name(zone.origin());
  Json k;
  k["tag"] = key.tag();
  k["algorithm"] = key.algorithm();
  k["ds"] = key.ds_text();
  out["key"] = std::move(k);
  out["signature_life_seconds"] = kSignatureLife;
  out["signature_renewed_seconds_before"] = kSignatureLife / 4;
  return out;
}

}  // namespace gw::dnsd
