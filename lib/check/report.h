// Outcomes as the text and the JSON that users and scripts read. Pure functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "check/checker.h"
#include "check/found_file.h"
#include "check/outcome.h"
#include "check/prover.h"

namespace gw::check {

// `PATH VERSION TIME` for each release that was not reported before, in order, with its marks
// and the places where it was found behind it in parentheses; a domain's has no time. `known`:
// `PATH KNOWN -> VERSION TIME` where a version is known.
std::vector<std::string> report_lines(std::span<const Outcome> outcomes, bool known = false);

// What the authors say of the versions that are had, in lines for a person: that one is retracted,
// and that a module is deprecated where none of report_lines() says so. Without what was told
// before.
std::vector<std::string> had_lines(std::span<const Outcome> outcomes);

// "12 of 14 answers are not signed (insecure)", or "" when all are proven or none was validated.
std::string insecure_notice(std::span<const Outcome> outcomes);

// What the document says beside the outcomes.
struct ReportContext {
  std::string command;   // "check module"
  std::string dns_base;  // empty for a domain's own announcement
  Policy policy = Policy::kPrefer;
  const ProveResult* proving = nullptr;  // null: nothing was proven
  std::string log_name;                  // when proving
  std::span<const FoundFile> files = {};
};

// One document, additive from version to version:
//   {"command":"check module","dns":…,"dnssec":…,"newer":true,
//    "files":[{"file":…,"kind":"go.mod"|"program"|"directory"|"processes","module":…|null,
//              "version":…|null,"go":…|null,"modules":…,"left_out":…,"replaced":…,
//              "programs":…|null,"among":…|null,"errors":[ERROR]}],
//    "results":[{"kind":"module"|"toolchain"|"updates","name":…,"known":…|null,
//                "known_retracted":null|false|"why","known_deprecated":null|false|"why",
//                "dnssec":"secure"…|null,"newer":…,
//                "releases":[{"name":…,"version":…,"time":…|null,"dnssec":…,"reported_before":…,
//                             "retracted":null|false|"why","deprecated":null|false|"why",
//                             "proof":{"module":…,"version":…,"record":…,"zip_sum":…,
//                                      "gomod_sum":…,"head":HEAD}|null}],
//                "notes":["why there can be nothing newer"],
//                "places":[{"file":…,"line":…|null}],"more_places":…,"errors":[ERROR]}],
//    "log":{"name":…,"remembered":HEAD|null,"head":HEAD|null,"error":…|null,
//           "evidence":EVIDENCE|null,"evidence_file":…|null}|null}
//   ERROR: as base's error_json() has it
//   HEAD: {"size":…,"root":"base64","note":"the signed note"}
//   EVIDENCE: that the log misbehaved, as tlog::evidence_json has it
Json errors_json(std::span<const Error> errors);
// "log"; null without `proving`.
Json log_json(const ProveResult* proving, const std::string& log_name);

Json report_json(const ReportContext& context, std::span<const Outcome> outcomes);

}  // namespace gw::check
