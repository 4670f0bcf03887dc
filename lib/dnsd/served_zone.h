// One zone as the server runs it: where its content comes from, which key signs it, and how both
// are renewed while it is served.
//
// The server owns one for each zone and calls them from its own thread, in the order: made,
// start(), publish(), then poll() and reload() as often as it likes. Workers only ever see the
// dns::Zone.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "dns/zone.h"
#include "dnsd/epochs.h"
#include "dnsd/online_signer.h"
#include "dnsd/zone_key.h"
#include "dnsd/zone_key_in_use.h"

namespace gw::dnsd {

class ServedZone {
 public:
  virtual ~ServedZone() = default;
  ServedZone(const ServedZone&) = delete;
  ServedZone& operator=(const ServedZone&) = delete;

  virtual const dns::Zone& zone() const = 0;
  // The key that signs it. Any thread.
  std::shared_ptr<const ZoneKey> key() const { return key_.get(); }

  // Once the sockets are bound and the user is changed: opens and reads what is to be served.
  // `user`: the name of the user that we became, empty when we did not; then what later reloads
  // need must be open to that user, or it is kUsage. Changes nothing on disk.
  virtual Status start(const std::string& user) = 0;
  // Serves what start() read.
  virtual Status publish() = 0;
  // Looks for changes. Problems are logged; what was served is served on.
  virtual void poll() = 0;
  // Reads key and files again, changed or not.
  virtual void reload() = 0;
  // Something is being loaded in the background: poll() takes it when it is done.
  virtual bool busy() const { return false; }
  // "" when it answers, else why not. Any thread.
  virtual std::string health() const = 0;
  // For `serve-dns status`. Any thread.
  virtual Json status() const = 0;
  // The files by which poll() would find a change, wherever links lead.
  virtual std::vector<std::string> watched_files() const = 0;

 protected:
  // `origin`: wire, lower-cased. Everything given outlives the zone.
  ServedZone(Epochs& epochs, SigningContext& signing, const Logger& log, std::string origin,
             std::string key_file)
      : epochs_(epochs), log_(log), key_(signing, std::move(origin), std::move(key_file)) {}

  // What every zone's status has.
  Json common_status() const;
  // A reload is done; `before`: the key until then.
  void log_reloaded(const ZoneKey& before) const;

  Epochs& epochs_;
  const Logger& log_;
  ZoneKeyInUse key_;
};

}  // namespace gw::dnsd
