// The log's key in a process of its own, so that whatever takes over the one that talks to
// strangers cannot take the key along.
//
// That process reads the key's file, signs what looks like a head of this log and nothing else, and
// never a smaller tree than before, nor another one of the same size. It ends with the service: its
// other end of the socket is closed then. Nobody but root can look into its memory. Started by
// root, it reads the key as root and then becomes a user that nothing else runs as; the service,
// which never has the key, may become another one.
//
// It also signs, with the log's key, what no head can be taken for: marks of hops (claims.h) and
// envelopes of provenance (provenance.h).
//
//   request   1: a head, 2: the second dialect's, 3: a hop, 4: an envelope; length in four bytes,
//             the text
//   answer    0 and the signed note, or 1 and why not, or 2 and why there is no key (a hint in a
//             second line); each with its length
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/mutex.h"
#include "base/result.h"
#include "build/go_runner.h"
#include "os/file.h"
#include "os/process.h"
#include "tlog/log_signer.h"
#include "tlog/note.h"

namespace gw::buildd {

// Nobody's number on any system: what root's signer becomes. No build may be it.
inline constexpr uid_t kSignerUser = 65519;
static_assert(kSignerUser < build::kFirstBuildUser ||
              kSignerUser >= build::kFirstBuildUser + build::kBuildUsers);

// What the signer's process does until `socket` ends. kUnavailable: the other side is not ours.
Status run_signer(int socket, const tlog::SignerKey& key);
// The same from its beginning: hides its memory, reads the key, and gives up root. A key that
// cannot be read is told to the other side. Signals that end a service are ignored from here on, by
// the whole process.
Status run_signer_process(int socket, const std::string& key_file);

class SignerProcess {
 public:
  // `program`: this one, called with `build signer --key FILE` and the socket as standard input.
  // kUsage: the key cannot be read.
  static Result<std::unique_ptr<SignerProcess>> start(std::string program, std::string key_file);
  ~SignerProcess();
  SignerProcess(const SignerProcess&) = delete;
  SignerProcess& operator=(const SignerProcess&) = delete;

  // Both as NoteSigner; a process that has died is started again. They live as long as this.
  tlog::NoteSigner& latest();
  tlog::NoteSigner& checkpoint();
  // The signed note of format_hop_text(); the 64 bytes that sign envelope_text().
  Result<std::string> sign_hop(const std::string& text);
  Result<std::string> sign_envelope(const std::string& text);

  // From now on one that has died stays dead, because we cannot read the key any more: every
  // signature fails then, and `lost` is called, by any thread, perhaps several times.
  void give_up_key(std::function<void()> lost);

 private:
  class Signer;
  SignerProcess(std::string program, std::string key_file);
  Status spawn() GW_REQUIRES(mutex_);
  Result<std::string> ask(std::uint8_t key, std::string_view text);
  Result<std::string> exchange(std::uint8_t key, std::string_view text) GW_REQUIRES(mutex_);

  const std::string program_;
  const std::string key_file_;
  Mutex mutex_;
  std::optional<os::Child> child_ GW_GUARDED_BY(mutex_);
  os::Fd socket_ GW_GUARDED_BY(mutex_);
  std::function<void()> lost_ GW_GUARDED_BY(mutex_);
  std::unique_ptr<Signer> latest_;
  std::unique_ptr<Signer> checkpoint_;
};

}  // namespace gw::buildd
