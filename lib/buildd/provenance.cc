#include "buildd/provenance.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "build/key.h"

namespace gw::buildd {

namespace {

constexpr std::string_view kDsse = "DSSEv1";
constexpr std::string_view kBuildType = "urn:gwtool:build:v1";

Json digest_json(const Hash& sha256) { return {{"sha256", encode_hex(as_bytes(sha256))}}; }

// https://github.com/package-url/purl-spec, type golang: lower case, and nothing of a module path
// needs escaping but "+" in versions.
std::string package_url(std::string_view path, std::string_view version) {
  std::string escaped;
  for (const char c : version) escaped += c == '+' ? std::string("%2B") : std::string(1, c);
  return fmt::format("pkg:golang/{}@{}", to_lower(path), escaped);
}

// "h1:" and base64 is no digest of a file: it is told as what it is.
Json component_json(const mod::BuildInfo::Module& m) {
  Json out = {{"type", "library"},
              {"bom-ref", package_url(m.path, m.version)},
              {"name", m.path},
              {"version", m.version},
              {"purl", package_url(m.path, m.version)}};
  if (!m.sum.empty()) {
    out["properties"] = Json::array({{{"name", "golang:h1"}, {"value", m.sum}}});
  }
  return out;
}

}  // namespace

std::string provenance_statement(const Built& built, std::string_view base_url,
                                 std::string_view log) {
  const auto record = tlog::parse_build_record(built.record);
  const build::Key key = record ? build::key_of_record(*record) : build::Key();
  const std::string name = build::binary_name(key);
  const std::string page = fmt::format(
      "{}/{}", base_url, build::result_path(key, record ? record->sum : std::string_view()));
  const std::string source = package_url(key.module, key.version);
  Json definition = {
      {"buildType", kBuildType},
      {"externalParameters",
       {{"module", key.module},
        {"version", key.version},
        {"dir", key.dir},
        {"goos", key.target.goos},
        {"goarch", key.target.goarch},
        {"goversion", key.go_version},
        {"stripped", key.stripped}}},
      {"internalParameters", Json::object()},
      {"resolvedDependencies",
       Json::array({{{"uri", source}},
                    {{"uri", package_url("golang.org/toolchain", "v0.0.1-" + key.go_version)}}})}};
  Json run = {{"builder", {{"id", std::string(base_url)}}},
              {"metadata", {{"invocationId", page}, {"finishedOn", format_rfc3339(built.made_at)}}},
              {"byproducts", Json::array({{{"name", "build log"}, {"uri", page + "log"}},
                                          {{"name", "record of " + std::string(log)},
                                           {"uri", page + "record"},
                                           {"annotations", {{"number", built.number}}}}})}};
  const Json out = {
      {"_type", "https://in-toto.io/Statement/v1"},
      {"subject",
       Json::array({{{"name", name}, {"digest", digest_json(built.sha256)}},
                    {{"name", name + ".gz"}, {"digest", digest_json(built.packed_sha256)}}})},
      {"predicateType", "https://slsa.dev/provenance/v1"},
      {"predicate", {{"buildDefinition", std::move(definition)}, {"runDetails", std::move(run)}}}};
  return format_json(out);
}

std::string envelope_text(std::string_view statement) {
  return fmt::format("{} {} {} {} {}", kDsse, kStatementType.size(), kStatementType,
                     statement.size(), statement);
}

bool is_envelope_text(std::string_view text) {
  const std::string before = fmt::format("{} {} {} ", kDsse, kStatementType.size(), kStatementType);
  if (!text.starts_with(before)) return false;
  text.remove_prefix(before.size());
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return false;
  const auto size = parse_decimal(text.substr(0, space));
  return size && *size == text.size() - space - 1;
}

std::string format_envelope(std::string_view statement, const tlog::VerifierKey& key,
                            std::string_view signature) {
  return format_json({{"payloadType", kStatementType},
                      {"payload", encode_base64(statement)},
                      {"signatures", Json::array({{{"keyid", key.format()},
                                                   {"sig", encode_base64(signature)}}})}});
}

std::string module_list(const Built& built, const mod::BuildInfo* info) {
  const auto record = tlog::parse_build_record(built.record);
  const build::Key key = record ? build::key_of_record(*record) : build::Key();
  const std::string main = package_url(key.module, key.version);
  Json components = Json::array();
  Json used = Json::array();
  if (info != nullptr) {
    for (const mod::BuildInfo::Used& dep : info->deps) {
      const mod::BuildInfo::Module& m = dep.replace ? *dep.replace : dep.module;
      components.push_back(component_json(m));
      used.push_back(package_url(m.path, m.version));
    }
  }
  components.push_back({{"type", "platform"},
                        {"bom-ref", package_url("std", key.go_version)},
                        {"name", "std"},
                        {"version", key.go_version},
                        {"purl", package_url("std", key.go_version)}});
  used.push_back(package_url("std", key.go_version));
  const std::string name = build::binary_name(key);
  const Json out = {
      {"bomFormat", "CycloneDX"},
      {"specVersion", "1.5"},
      {"version", 1},
      {"metadata",
       {{"timestamp", format_rfc3339(built.made_at)},
        {"component",
         {{"type", "application"},
          {"bom-ref", main},
          {"name", key.package()},
          {"version", key.version},
          {"purl", main},
          {"hashes",
           Json::array({{{"alg", "SHA-256"}, {"content", encode_hex(as_bytes(built.sha256))}}})},
          {"properties",
           Json::array({{{"name", "file"}, {"value", name}},
                        {{"name", "golang:os"}, {"value", key.target.goos}},
                        {{"name", "golang:arch"}, {"value", key.target.goarch}}})}}}}},
      {"components", std::move(components)},
      {"dependencies", Json::array({{{"ref", main}, {"dependsOn", std::move(used)}}})}};
  return format_json(out);
}

}  // namespace gw::buildd
