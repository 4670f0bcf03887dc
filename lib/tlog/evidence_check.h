// Checking somebody else's evidence, with nothing but its file and the log's key.
//
// What is proven needs no trust in who found it: two heads that the log signed and that are not of
// one history, or one history that holds two records for one key. That a log served tiles which are
// not those of its head is not proven by them, since tiles are not signed: of these it is checked
// that the head is signed, and that they do not fit it.
//
// Pure; any thread.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "tlog/evidence.h"
#include "tlog/note.h"

namespace gw::tlog {

struct EvidenceFinding {
  bool proof = false;  // the log's key alone has said both
  std::string text;    // what is shown, one line
};

// What evidence_json() wrote. kUsage when it is none.
Result<Evidence> parse_evidence(const Json& document);

// kUntrusted when it does not show what it says; kUsage when it is about another key.
Result<EvidenceFinding> check_evidence(const Json& document, const VerifierKey& key);

}  // namespace gw::tlog
