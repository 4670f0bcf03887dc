// What the pages say, as JSON, for programs: to whoever asks with Accept: application/json.
//
// Pure functions, beside those of pages.h. Members are only ever added.
#pragma once

#include <optional>

#include "base/json.h"
#include "buildd/ledger.h"
#include "buildd/pages.h"
#include "http/request.h"
#include "http/response.h"

namespace gw::buildd {

bool wants_json(const http::Request& request);
http::Response json_page(int status, const Json& document);

// What is added to a document: "vulnerabilities" where somebody was asked, "private" of a private
// module.
void add_marks(Json& document, const Findings& findings, const std::string& remark);

Json home_json(const SiteFacts& site, const HomeFacts& facts);
Json module_json(const ModulePageFacts& facts);
Json unbuilt_json(const build::Key& key, const std::optional<BuildUpdate>& state);
Json failed_json(const build::Key& key, const Failure& failure);
// A record with its result.
Json built_json(const Built& built);

}  // namespace gw::buildd
