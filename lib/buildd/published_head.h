// The last head that was signed, kept in a file outside of the database.
//
// A database that was restored from an older copy would sign other records under sizes that others
// have seen: it would fork the log. The file says how far the log had got, and is written before
// anybody sees the head.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "tlog/checkpoint.h"
#include "tlog/log_signer.h"

namespace gw::buildd {

// Signs by another signer and saves the note before it gives it away. As NoteSigner.
class PublishedHead : public tlog::NoteSigner {
 public:
  PublishedHead(tlog::NoteSigner& signer, std::string path)
      : signer_(signer), path_(std::move(path)) {}
  Result<std::string> sign(std::string_view text) override;
  const tlog::VerifierKey& key() const override { return signer_.key(); }

  // What the file has; nothing when there is none. kCorrupt: it is not signed by the key.
  Result<std::optional<tlog::Checkpoint>> load() const;

 private:
  tlog::NoteSigner& signer_;
  const std::string path_;
};

}  // namespace gw::buildd
