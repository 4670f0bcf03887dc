// The module zone with all that feeds it: the follower's database, the zone's key and its serial
// number.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "dnsd/module_source.h"
#include "dnsd/module_zone.h"
#include "dnsd/served_zone.h"
#include "dnsd/zone_serial.h"

namespace gw::dnsd {

struct ModuleOptions {
  std::string db;
  std::string key_file;
  ZoneSettings zone;
  bool allow_partial = false;
  unsigned load_threads = 2;
};

class ServedModules final : public ServedZone {
 public:
  // Reads the key and the serial. Everything given outlives it. kUsage, kCorrupt.
  static Result<std::unique_ptr<ServedModules>> make(ModuleOptions options, Epochs& epochs,
                                                     SigningContext& signing, const Logger& log);

  const dns::Zone& zone() const override { return zone_; }
  // What `user`, who this process is, must be allowed to with the key and the database: start()
  // begins with it. kUsage.
  Status check_access(const std::string& user) const;
  Status start(const std::string& user) override;
  Status publish() override;
  void poll() override;
  void reload() override;
  bool busy() const override { return source_.loading(); }
  std::string health() const override;
  Json status() const override;
  std::vector<std::string> watched_files() const override;

  // The log as the database tells it; null when there is none yet. Any thread.
  Json log_status(WallTime now) const;
  ModuleIndex::Stats stats() const { return index_.stats(); }
  const ModuleSource::Content& content() const { return source_.content(); }
  std::uint32_t serial() const { return served_serial_.load(); }

 private:
  ServedModules(ModuleOptions options, Epochs& epochs, SigningContext& signing, const Logger& log,
                ZoneSerial serial);

  void set_trouble(const std::string& what);

  const ModuleOptions options_;
  SigningContext& signing_;
  ModuleIndex index_;
  ModuleLookup lookup_;
  ModuleZone zone_;
  ModuleSource source_;
  ZoneSerial serial_;
  std::atomic<std::uint32_t> served_serial_;  // its number, for status()
  std::string last_error_;                    // of polling, so that it is logged once
  mutable Mutex mutex_;
  std::string trouble_ GW_GUARDED_BY(mutex_);  // that does not pass by itself; health() tells it
};

}  // namespace gw::dnsd
