// One zone as the server runs it: where its content comes from, which key signs it, and how both
// are renewed while it is served.
//
// The server owns one for each zone and calls them from its own thread, in the order: made,
// start(), publish(), then poll() and reload() as often as it likes. Workers only ever see the
// dns::Zone.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "dns/zone.h"
#include "dnsd/epochs.h"
#include "dnsd/online_signer.h"
#include "dnsd/zone_key.h"

namespace gw::dnsd {

class ServedZone {
 public:
  virtual ~ServedZone() = default;

  virtual const dns::Zone& zone() const = 0;
  // The key that signs it. Any thread.
  virtual std::shared_ptr<const ZoneKey> key() const = 0;

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
  // "" when it answers, else why not. Any thread.
  virtual std::string trouble() const = 0;
  // For `serve-dns status`. Any thread.
  virtual Json status() const = 0;
};

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
  const ZoneKey& next() const { return waiting_.key ? *waiting_.key : *used_.key; }
  dns::KeyId next_id() const { return waiting_.key ? waiting_.id : used_.id; }
  // That content is served now: the key before it is forgotten once no reader can need it.
  void adopt(Epochs& epochs);
  bool waiting() const { return waiting_.key != nullptr; }
  // No content will be made with it.
  void discard();

  // Any thread.
  std::shared_ptr<const ZoneKey> get() const;
  const std::string& file() const { return file_; }

 private:
  struct Numbered {
    std::shared_ptr<const ZoneKey> key;
    dns::KeyId id = dns::kUnsigned;
  };
  SigningContext& context_;
  const std::string origin_;
  const std::string file_;
  mutable std::mutex mutex_;  // guards used_, which other threads read
  Numbered used_;
  Numbered waiting_;
};

// kUsage, naming the user and what to do, unless this process may do so with `path`: access(2)'s
// mode, for the effective user. A file that does not exist is judged by its directory.
Status require_access(const std::string& path, int mode, const std::string& user,
                      std::string_view what);

// What every zone's status has.
Json zone_status(const dns::Zone& zone, const ZoneKey& key);

}  // namespace gw::dnsd
