// An ordinary zone: the records of a master file, signed online like the module zone.
//
// The file (and what it includes) is looked at at each poll() and read again once it has changed
// and then stayed as it is until the next poll, so that one that is being written is not taken half
// done. A content is made whole and checked before it takes the old one's place; a file that cannot
// be used leaves the old content, and says so once, with file and line.
//
// A zone that is served here too and lies below this one must be delegated in this one's file:
// without that, what this zone says of the other's name would prove the other's records away.
#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mutex.h"
#include "dns/static_zone.h"
#include "dnsd/published.h"
#include "dnsd/served_zone.h"
#include "os/stop.h"
#include "os/thread.h"

namespace gw::dnsd {

struct FileZoneOptions {
  std::string origin;  // wire, lower-cased
  std::string file;
  std::string key_file;
  std::size_t max_records = 0;  // 0: any number
  // Octets of file and includes together; larger ones are read again in the background.
  std::size_t load_at_once = std::size_t{1} << 20;
  // Cuts a load short, the first one too: kUnavailable. Outlives the zone. Null: nobody will.
  const os::Stop* stop = nullptr;
};

class ServedFile final : public ServedZone, private dns::Zone {
 public:
  // Reads the key. Everything given outlives it. kUsage.
  static Result<std::unique_ptr<ServedFile>> make(FileZoneOptions options, Epochs& epochs,
                                                  SigningContext& signing, const Logger& log);

  ~ServedFile() override;  // stops a load

  // A zone served here whose nearest served ancestor this one is. Before start().
  void add_child(const ServedZone* child) { children_.push_back(child); }

  const dns::Zone& zone() const override { return *this; }
  Status start(const std::string& user) override;
  Status publish() override;
  void poll() override;
  // Precondition: not busy().
  void reload() override;
  bool busy() const override { return loading_.load(); }
  std::string health() const override;
  Json status() const override;
  std::vector<std::string> watched_files() const override;

 private:
  // A file as it was when it was read: another stamp, another content.
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;  // 0: no file
    off_t size = 0;
    timespec modified{};
    timespec changed{};
    bool operator==(const Stamp& other) const;
  };
  struct Watched {
    std::string file;
    Stamp stamp;
  };
  struct Loaded {
    std::unique_ptr<const dns::StaticZone> zone;
    std::vector<std::string> warnings;
    std::vector<Watched> files;
    Hash text{};  // of all of them
  };

  ServedFile(FileZoneOptions options, Epochs& epochs, SigningContext& signing, const Logger& log);
  dns::NameView origin() const override { return options_.origin; }
  const dns::ZoneContent* content() const override { return served_.get(); }

  static Stamp stamp_of(const std::string& file);
  bool changed();
  Status load(Loaded& loaded) const;
  Status load_text(Loaded& loaded) const;
  bool stopped() const;
  Status go_on() const;  // unless it is to stop
  Status check_children(Loaded& loaded) const;
  bool is_large() const;
  void begin_load();
  void end_load();
  Status take(Loaded loaded, Status status);
  void warn(std::string_view text) const;
  void tell(std::vector<std::string> warnings);

  const FileZoneOptions options_;
  std::vector<const ServedZone*> children_;
  Published<const dns::StaticZone> served_;
  std::optional<Loaded> next_;  // read, not yet served
  Hash served_text_{};
  std::vector<std::string> told_;  // the warnings of the last good load
  std::vector<Watched> files_;     // as last read, whatever came of it
  std::vector<Stamp> settling_;    // as seen at the poll before, when that differs from files_
  // A load in the background. While there is one the key stays as it is.
  os::Thread thread_;
  std::atomic<bool> loading_{false};  // until it is taken
  std::atomic<bool> loaded_{false};
  std::atomic<bool> stop_{false};
  Loaded result_;                            // once loaded_
  Status result_status_;                     // likewise
  std::shared_ptr<const ZoneKey> reloaded_;  // of reload(), until it is done: the key before it
  mutable Mutex mutex_;                      // for status()
  std::uint32_t serial_ GW_GUARDED_BY(mutex_) = 0;
  std::size_t rrsets_ GW_GUARDED_BY(mutex_) = 0;
  std::string error_ GW_GUARDED_BY(mutex_);  // of the last attempt to load; empty: it went well
};

}  // namespace gw::dnsd
