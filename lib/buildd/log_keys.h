// The keys of a build service's log: one in a file, and the one of its second dialect.
//
// The key's name is the service's host name: clients find the log by it. Heads of the tlog-tiles
// dialect are signed by another key, so that no signature means two things; it is made from the
// first one's secret and has the name NAME/tlog, so that there is one secret to keep.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tlog/note.h"

namespace gw::buildd {

// Makes a key and keeps it in a new file that only its owner reads. kUsage: the name cannot be a
// key's, or the file exists.
Result<tlog::SignerKey> make_log_key(std::string_view name, const std::string& file);
// kUsage: not a key, or others may read the file.
Result<tlog::SignerKey> load_log_key(const std::string& file);

Result<tlog::SignerKey> checkpoint_key(const tlog::SignerKey& key);

}  // namespace gw::buildd
