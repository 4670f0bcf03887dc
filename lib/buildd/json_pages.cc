#include "buildd/json_pages.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

Json all_built(const std::vector<Built>& builds) {
  Json out = Json::array();
  for (const Built& built : builds) out.push_back(built_json(built));
  return out;
}

}  // namespace

void add_marks(Json& document, const Findings& findings, const std::string& remark) {
  if (!remark.empty()) document["private"] = remark;
  if (!findings) return;
  Json all = Json::array();
  for (const mod::Finding& f : *findings) {
    all.push_back({{"id", f.id},
                   {"aliases", f.aliases},
                   {"summary", f.summary},
                   {"module", f.component.module},
                   {"version", f.component.version},
                   {"fixed", f.fixed.empty() ? Json() : Json(f.fixed)}});
  }
  document["vulnerabilities"] = std::move(all);
}

bool wants_json(const http::Request& request) {
  const std::string* accept = request.header("accept");
  return accept != nullptr && accept->find("application/json") != std::string::npos;
}

http::Response json_page(int status, const Json& document) {
  http::Response out;
  out.status = status;
  out.content_type = "application/json";
  out.headers = {{"Cache-Control", "no-store"}, {"Vary", "Accept"}};
  out.body = format_json(document) + "\n";
  return out;
}

Json home_json(const SiteFacts& site, const HomeFacts& facts) {
  return {{"name", site.name},
          {"verifier_key", site.verifier_key},
          {"checkpoint_verifier_key", site.checkpoint_key},
          {"notes", site.notes},
          {"log_size", facts.log_size},
          {"waiting", facts.waiting},
          {"recent", all_built(facts.recent)}};
}

Json module_json(const ModulePageFacts& facts) {
  Json out = {{"module", facts.module},
              {"version", facts.version},
              {"commands", facts.facts->commands},
              {"built", all_built(facts.built)}};
  add_marks(out, facts.findings, facts.remark);
  return out;
}

Json unbuilt_json(const build::Key& key, const std::optional<BuildUpdate>& state) {
  Json out = {{"key", build::format_key(key)}, {"state", "unbuilt"}};
  if (!state) return out;
  out["state"] = state->position > 0 ? "waiting" : "building";
  out["position"] = state->position;
  out["progress"] = state->progress;
  return out;
}

Json failed_json(const build::Key& key, const Failure& failure) {
  return {{"key", build::format_key(key)},
          {"state", "failed"},
          {"reason", failure.reason},
          {"message", failure.message},
          {"hint", failure.hint},
          {"failed_at", format_rfc3339(failure.failed_at)},
          {"expires_at", format_rfc3339(failure.expires_at)}};
}

Json built_json(const Built& built) {
  Json out = {{"key", built.key}, {"state", "built"}};
  if (const auto record = tlog::parse_build_record(built.record)) {
    const tlog::BuildTarget& t = record->target;
    out["module"] = t.module;
    out["version"] = t.version;
    out["dir"] = t.dir;
    out["goos"] = t.goos;
    out["goarch"] = t.goarch;
    out["go_version"] = t.goversion;
    out["stripped"] = t.stripped;
    out["size"] = record->size;
    out["sum"] = record->sum;
  }
  out["sha256"] = encode_hex(as_bytes(built.sha256));
  out["packed_size"] = built.packed_size;
  out["packed_sha256"] = encode_hex(as_bytes(built.packed_sha256));
  out["record"] = built.number;
  out["made_at"] = format_rfc3339(built.made_at);
  return out;
}

}  // namespace gw::buildd
