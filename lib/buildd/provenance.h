// What tools that judge software ask for: where a binary came from (SLSA provenance, signed) and
// what is in it (CycloneDX).
//
// Both are made from the record, the result and the binary's own build information, the same bytes
// each time. The statement is signed with the log's key, in an envelope whose signed text no head
// of a log can be. Pure functions, any thread.
//
// Sources: in-toto.io/Statement/v1, slsa.dev/spec/v1.0/provenance, DSSE v1
// (github.com/secure-systems-lab/dsse), CycloneDX 1.5.
#pragma once

#include <string>
#include <string_view>

#include "buildd/ledger.h"
#include "module/buildinfo.h"
#include "tlog/note.h"

namespace gw::buildd {

inline constexpr std::string_view kStatementType = "application/vnd.in-toto+json";

// One line of JSON. Subjects are the binary and its .gz. `base_url`: the service's, without its
// last slash; `log`: the key's name.
std::string provenance_statement(const Built& built, std::string_view base_url,
                                 std::string_view log);
// The text that an envelope's signature is of (DSSE's PAE).
std::string envelope_text(std::string_view statement);
// Whether it is one: "DSSEv1 LENGTH TYPE LENGTH STATEMENT".
bool is_envelope_text(std::string_view text);
// One line of JSON. `signature`: of envelope_text(), 64 bytes.
std::string format_envelope(std::string_view statement, const tlog::VerifierKey& key,
                            std::string_view signature);

// The modules that the binary says it was made of; `info` may be null (js and wasip1 say nothing):
// then the module alone.
std::string module_list(const Built& built, const mod::BuildInfo* info);

}  // namespace gw::buildd
