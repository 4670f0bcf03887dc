// Proves releases against the transparency log: that the log really holds each of them, in a
// history that is the one seen before.
//
// For every release: its lookup, its inclusion in the head that came with it, and every head's
// consistency with all others and with the remembered one, whichever is older. The remembered head
// lives in a file of its own and only grows; a follower's database beside it is never touched.
//
// A lookup can make the log fetch and add the version, so a proof says "logged now", not "logged
// when the answer was made".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "check/outcome.h"
#include "tlog/checkpoint.h"
#include "tlog/client.h"

namespace gw::check {

struct ProverOptions {
  // The remembered head's file; empty: nothing is remembered. Made when missing.
  std::string remembered_file;
  // Where the evidence of a fork goes; empty: nowhere.
  std::string evidence_file;
};

struct ProveResult {
  std::optional<tlog::Checkpoint> remembered;  // before this call
  std::optional<tlog::Checkpoint> head;        // the largest one proven, remembered from now on
  // kUntrusted: the log told two histories, evidence in `evidence_file`. kUnavailable, kCorrupt,
  // kUsage (the remembered head is another log's): nothing is proven.
  std::optional<Error> error;
};

// Gives each release that is not `reported` its proof. A release that cannot be proven is taken out
// of its outcome and replaced by an error: kUntrusted when the log has no such record or something
// does not verify, kUnavailable when the log cannot be reached. One thread; the client must outlive
// the call.
ProveResult prove(tlog::Client& client, const ProverOptions& options, std::span<Outcome> outcomes);

}  // namespace gw::check
