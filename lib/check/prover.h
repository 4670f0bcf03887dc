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

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "check/outcome.h"
#include "tlog/checkpoint.h"
#include "tlog/client.h"
#include "tlog/evidence.h"

namespace gw::check {

struct ProverOptions {
  // The remembered head's file; empty: nothing is remembered. Made when missing.
  std::string remembered_file;
  // Evidence goes to EVIDENCE-TIME.json, a new file each time; empty: to no file.
  std::string evidence;
  WallTime now{};
  // DNS says that there are such releases, so that a log without one of them is not to be trusted
  // (kUntrusted); without that word it is kNotFound.
  bool announced = true;
};

// The log told two histories, or its tiles are not those of a head that it signed.
struct KeptEvidence {
  tlog::Evidence evidence;
  Json document;                    // the same, complete
  std::optional<std::string> file;  // that holds it; none when there was none to write
};

struct ProveResult {
  std::optional<tlog::Checkpoint> remembered;  // before this call
  std::optional<tlog::Checkpoint> head;        // the largest one proven, remembered from now on
  // kUntrusted: see `evidence`. kUnavailable, kCorrupt, kUsage (the
  // remembered head is another log's): nothing is proven.
  std::optional<Error> error;
  std::optional<KeptEvidence> evidence;
};

// Gives each release that is not `reported` its proof. A release that cannot be proven is taken out
// of its outcome and replaced by an error: kUntrusted when the log has no such record (`announced`)
// or something does not verify, kUnavailable when the log cannot be reached. One thread; `client`:
// of a log with the form of the Go checksum database; it must outlive the call.
ProveResult prove(tlog::Client& client, const ProverOptions& options, std::span<Outcome> outcomes);

}  // namespace gw::check
