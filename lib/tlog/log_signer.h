// Who signs a log's heads: a seam, because the key may lie in a process of its own.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tlog/note.h"

namespace gw::tlog {

class NoteSigner {
 public:
  virtual ~NoteSigner() = default;
  // The whole signed note, its text being exactly `text`. Called by one thread at a time, and only
  // for heads that are durable. The log writer verifies what it gets.
  virtual Result<std::string> sign(std::string_view text) = 0;
  // By which the notes verify; does not change.
  virtual const VerifierKey& key() const = 0;
};

// With the key in memory.
class KeySigner : public NoteSigner {
 public:
  explicit KeySigner(SignerKey key) : key_(std::move(key)), verifier_(key_.verifier()) {}
  Result<std::string> sign(std::string_view text) override { return key_.sign_note(text); }
  const VerifierKey& key() const override { return verifier_; }

 private:
  SignerKey key_;
  VerifierKey verifier_;
};

}  // namespace gw::tlog
