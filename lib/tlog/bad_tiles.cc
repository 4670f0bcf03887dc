#include "tlog/bad_tiles.h"

#include <memory>

namespace gw::tlog {

Error bad_tiles_error(std::string message, BadTiles evidence) {
  evidence.what = message;
  Error error = untrusted_error(std::move(message));
  error.detail = std::make_shared<BadTiles>(std::move(evidence));
  return error;
}

const BadTiles* find_bad_tiles(const Error& error) {
  return dynamic_cast<const BadTiles*>(error.detail.get());
}

Error about_head(Error error, const Checkpoint& head) {
  if (error.detail == nullptr) error.detail = std::make_shared<UnshownHead>(head);
  return error;
}

const Checkpoint* find_unshown_head(const Error& error) {
  const auto* unshown = dynamic_cast<const UnshownHead*>(error.detail.get());
  return unshown == nullptr ? nullptr : &unshown->head;
}

}  // namespace gw::tlog
