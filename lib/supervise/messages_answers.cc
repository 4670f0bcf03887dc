// The helper's answers: what was found, a proof, an error.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/bytes.h"
#include "base/json.h"
#include "base/visible.h"
#include "module/goversion.h"
#include "module/semver.h"
#include "supervise/json_fields.h"
#include "supervise/messages.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxFindings = 500;
constexpr std::size_t kMaxSummary = 300;
constexpr std::size_t kMaxAliases = 20;
constexpr std::size_t kMaxVersionText = 256;
constexpr std::size_t kMaxErrorText = 4096;
constexpr std::array kKinds{ErrorKind::kUsage,   ErrorKind::kNotFound,  ErrorKind::kUnavailable,
                            ErrorKind::kCorrupt, ErrorKind::kUntrusted, ErrorKind::kIo,
                            ErrorKind::kInternal};

}  // namespace

Json findings_json(const std::vector<mod::Finding>& findings) {
  // What a database says at length must not make the whole answer one that is too long.
  Json out = Json::array();
  for (const mod::Finding& f : findings) {
    if (out.size() == kMaxFindings) break;
    const auto aliases = std::span(f.aliases).first(std::min(f.aliases.size(), kMaxAliases));
    out.push_back({{"id", f.id},
                   {"aliases", std::vector<std::string>(aliases.begin(), aliases.end())},
                   {"summary", one_line(f.summary).substr(0, kMaxSummary)},
                   {"module", f.component.module},
                   {"version", f.component.version},
                   {"fixed", f.fixed.size() > kMaxVersionText ? "" : f.fixed}});
  }
  return out;
}

std::vector<mod::Finding> read_findings(const Json& list) {
  std::vector<mod::Finding> out;
  for (const Json& one : list) {
    mod::Finding f{text_member(one, "id"),
                   texts_member(one, "aliases"),
                   one_line(text_member(one, "summary")).substr(0, kMaxSummary),
                   {text_member(one, "module"), text_member(one, "version")},
                   text_member(one, "fixed")};
    std::erase_if(f.aliases, [](const auto& alias) { return !mod::is_vulnerability_id(alias); });
    const bool fixed = f.fixed.empty() || mod::parse_semver(f.fixed);
    if (!mod::is_vulnerability_id(f.id) || !mod::parse_semver(f.component.version) || !fixed) {
      continue;
    }
    if (out.size() < kMaxFindings) out.push_back(std::move(f));
  }
  return out;
}

std::map<std::string, std::vector<std::string>> read_fixes(const Json& object) {
  std::map<std::string, std::vector<std::string>> out;
  if (!object.is_object()) return out;
  for (const auto& [version, ids] : object.items()) {
    if (!mod::parse_semver(version) && !mod::parse_go_version(version)) continue;
    auto known = texts_member(object, version);
    std::erase_if(known, [](const auto& id) { return !mod::is_vulnerability_id(id); });
    if (!known.empty() && out.size() < kMaxFindings) out[version] = std::move(known);
  }
  return out;
}

std::string format_discovered(const Discovered& found) {
  Json versions = Json::object();
  for (const auto& [version, seen] : found.versions) {
    versions[version] = seen.published ? format_rfc3339(*seen.published) : "";
  }
  Json times = Json::object();
  for (const auto& [version, time] : found.toolchain_times) times[version] = format_rfc3339(time);
  Json out = {{"versions", versions},           {"cur", found.toolchains.cur},
              {"prev", found.toolchains.prev},  {"toolchain_times", times},
              {"retracted", found.retracted},   {"go_lines", found.go_lines},
              {"deprecated", found.deprecated}, {"problem", found.problem}};
  if (!found.own_version.empty()) out["own_version"] = found.own_version;
  if (found.vulnerabilities) {
    out["vulnerabilities"] = findings_json(*found.vulnerabilities);
    out["fixes"] = found.fixes;
  }
  return format_json(out);
}

Result<Discovered> parse_discovered(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return untrusted_error("the helper's answer is no JSON object");
  Discovered out;
  const Json& versions = list_member(*json, "versions");
  if (versions.is_object()) {
    for (const auto& [version, time] : versions.items()) {
      if (mod::parse_semver(version)) out.versions[version] = {time_member(versions, version)};
    }
  }
  const auto go = [&](std::string_view name) {
    const std::string version = text_member(*json, name);
    return mod::parse_go_version(version) ? version : "";
  };
  out.toolchains = {go("cur"), go("prev")};
  const Json& times = list_member(*json, "toolchain_times");
  if (times.is_object()) {
    for (const auto& [version, time] : times.items()) {
      const auto when = time_member(times, version);
      if (when && mod::parse_go_version(version)) out.toolchain_times[version] = *when;
    }
  }
  for (std::string& version : texts_member(*json, "retracted")) {
    if (mod::parse_semver(version)) out.retracted.push_back(std::move(version));
  }
  const Json& lines = list_member(*json, "go_lines");
  if (lines.is_object()) {
    for (const auto& [version, line] : lines.items()) {
      std::string go = text_member(lines, version);
      if (mod::parse_semver(version) && mod::parse_go_version("go" + go)) {
        out.go_lines[version] = std::move(go);
      }
    }
  }
  out.deprecated = text_member(*json, "deprecated");
  out.problem = text_member(*json, "problem");
  const std::string own = text_member(*json, "own_version");
  if (mod::parse_semver(own)) out.own_version = own;
  if (find_member(*json, "vulnerabilities") != nullptr) {
    out.vulnerabilities = read_findings(list_member(*json, "vulnerabilities"));
    out.fixes = read_fixes(list_member(*json, "fixes"));
  }
  return out;
}

std::string format_proof(const ProofFiles& files) {
  Json out = Json::object();
  for (const auto& [path, body] : files) out[path] = encode_base64(body);
  return format_json(out);
}

Result<ProofFiles> parse_proof(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return untrusted_error("the helper's proof is no JSON object");
  ProofFiles out;
  for (const auto& [path, body] : json->items()) {
    auto bytes = decode_base64(text_member(*json, path));
    if (!bytes) return untrusted_error("the helper's proof has a file that is not base64");
    out[path] = *std::move(bytes);
  }
  return out;
}

std::string format_error(const Error& error) { return format_json(error_json(error)); }

Error parse_error(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return untrusted_error("the helper's error is no JSON");
  // It is kept, each time, and given to commands: nothing that its length could hurt.
  Error error{ErrorKind::kUnavailable, text_member(*json, "message").substr(0, kMaxErrorText),
              text_member(*json, "hint").substr(0, kMaxErrorText)};
  for (const ErrorKind kind : kKinds) {
    if (text_member(*json, "kind") == error_kind_name(kind)) error.kind = kind;
  }
  return error;
}

}  // namespace gw::supervise
