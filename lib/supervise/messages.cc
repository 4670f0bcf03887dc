#include "supervise/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/json.h"
#include "module/semver.h"
#include "supervise/helper_calls.h"
#include "supervise/json_fields.h"
#include "tlog/note.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kFrameHead = 5;
constexpr std::array kModulePolicies{update::ModulePolicy::kPatch, update::ModulePolicy::kMinor,
                                     update::ModulePolicy::kManual};

constexpr std::array kJobKinds{Job::Kind::kDiscover, Job::Kind::kFetch, Job::Kind::kProve,
                               Job::Kind::kReady, Job::Kind::kTell};

std::string_view kind_name(Job::Kind kind) {
  switch (kind) {
    case Job::Kind::kDiscover:
      return "discover";
    case Job::Kind::kFetch:
      return "fetch";
    case Job::Kind::kProve:
      return "prove";
    case Job::Kind::kReady:
      return "ready";
    case Job::Kind::kTell:
      return "tell";
  }
  return "";
}

Json key_json(const build::Key& key) {
  return {{"module", key.module},    {"version", key.version},      {"dir", key.dir},
          {"goos", key.target.goos}, {"goarch", key.target.goarch}, {"go_version", key.go_version},
          {"stripped", key.stripped}};
}

build::Key read_key(const Json& json) {
  return {text_member(json, "module"),     text_member(json, "version"),
          text_member(json, "dir"),        {text_member(json, "goos"), text_member(json, "goarch")},
          text_member(json, "go_version"), flag_member(json, "stripped")};
}

}  // namespace

// ---- frames ----

std::string format_frame(FrameKind kind, std::string_view payload) {
  std::string out(1, static_cast<char>(kind));
  append_u32(out, static_cast<std::uint32_t>(payload.size()));
  out += payload;
  return out;
}

Result<std::optional<Frame>> FrameReader::next() {
  if (buffer_.empty()) return std::optional<Frame>();
  const auto kind = static_cast<FrameKind>(buffer_[0]);
  const bool data = kind == FrameKind::kData;
  if (!data && kind != FrameKind::kAnswer && kind != FrameKind::kProof &&
      kind != FrameKind::kError && kind != FrameKind::kService && kind != FrameKind::kRefused) {
    return untrusted_error("the helper says something that is no frame");
  }
  if (buffer_.size() < kFrameHead) return std::optional<Frame>();
  const std::uint32_t size = ByteReader(std::string_view(buffer_).substr(1)).u32().value_or(0);
  if (size > (data ? kMaxData : kMaxDocument)) {
    return untrusted_error(fmt::format("the helper says {} bytes at once", size));
  }
  if (buffer_.size() < kFrameHead + size) return std::optional<Frame>();
  Frame frame{kind, buffer_.substr(kFrameHead, size)};
  buffer_.erase(0, kFrameHead + size);
  return std::optional<Frame>(std::move(frame));
}

// ---- jobs ----

std::string format_job(const Job& job) {
  const Sources& s = job.sources;
  Json out = {{"job", kind_name(job.kind)},
              {"dns", s.dns},
              {"resolver", s.resolver},
              {"trust_anchor", s.trust_anchor},
              {"need_secure", s.need_secure},
              {"proxy", s.proxy},
              {"toolchain_proxy", s.toolchain_proxy},
              {"build_key", s.build_key},
              {"build_url", s.build_url},
              {"verifiers", s.verifiers},
              {"servers", s.servers},
              {"own_domain", s.own_domain},
              {"vulnerabilities", s.vulnerabilities},
              {"ca_file", s.ca_file},
              {"key", key_json(job.key)},
              {"module_policy", update::policy_name(job.policies.module)},
              {"every_version", job.policies.every_version}};
  if (!job.heads.empty()) out["heads"] = job.heads;
  for (const mod::Component& c : job.components) out["components"][c.module] = c.version;
  if (!job.known.empty()) out["known"] = job.known;
  if (!job.where.empty()) {
    out["where"] = job.where;
    out["body"] = job.body;
    out["timeout_ms"] = job.timeout_ms;
  }
  if (!job.calls.empty()) out["calls"] = format_calls(job.calls);
  return format_json(out);
}

Result<Job> parse_job(std::string_view text) {
  const auto json = parse_json(text);
  Job job;
  const std::string name = json ? text_member(*json, "job") : "";
  const auto* kind = std::find_if(kJobKinds.begin(), kJobKinds.end(),
                                  [&](Job::Kind k) { return name == kind_name(k); });
  if (kind == kJobKinds.end()) return usage_error("not a job of a supervisor");
  job.kind = *kind;
  job.sources = {.dns = text_member(*json, "dns"),
                 .resolver = text_member(*json, "resolver"),
                 .trust_anchor = text_member(*json, "trust_anchor"),
                 .need_secure = flag_member(*json, "need_secure"),
                 .proxy = text_member(*json, "proxy"),
                 .toolchain_proxy = text_member(*json, "toolchain_proxy"),
                 .build_key = text_member(*json, "build_key"),
                 .build_url = text_member(*json, "build_url"),
                 .verifiers = texts_member(*json, "verifiers"),
                 .servers = number_member(*json, "servers").value_or(0),
                 .own_domain = text_member(*json, "own_domain"),
                 .vulnerabilities = text_member(*json, "vulnerabilities"),
                 .ca_file = text_member(*json, "ca_file")};
  if (const Json* key = find_member(*json, "key")) job.key = read_key(*key);
  for (const update::ModulePolicy policy : kModulePolicies) {
    if (text_member(*json, "module_policy") == update::policy_name(policy)) {
      job.policies.module = policy;
    }
  }
  job.policies.every_version = flag_member(*json, "every_version");
  job.heads = texts_member(*json, "heads");
  const Json& components = list_member(*json, "components");
  if (components.is_object()) {
    for (const auto& [module, unused] : components.items()) {
      const std::string version = text_member(components, module);
      if (mod::parse_semver(version)) job.components.push_back({module, version});
    }
  }
  job.where = text_member(*json, "where");
  job.body = text_member(*json, "body");
  job.timeout_ms = number_member(*json, "timeout_ms").value_or(0);
  job.calls = parse_calls(text_member(*json, "calls"));
  const Json& known = list_member(*json, "known");
  if (known.is_object()) {
    for (const auto& [version, line] : known.items()) {
      if (mod::parse_semver(version)) job.known[version] = text_member(known, version);
    }
  }
  return job;
}

std::vector<build::ServiceName> services_of(const Sources& sources) {
  std::vector<build::ServiceName> out{{sources.build_key, sources.build_url}};
  for (const std::string& text : sources.verifiers) out.push_back(build::split_build_service(text));
  return out;
}

std::string service_title(const build::ServiceName& service) {
  const auto key = tlog::VerifierKey::parse(service.key);
  return key ? key->name() : "a service whose key is none";
}

std::size_t wanted_of(const Sources& sources) {
  const std::size_t all = sources.verifiers.size() + 1;
  return sources.servers == 0 ? all : std::min<std::size_t>(all, sources.servers);
}

}  // namespace gw::supervise
