#include "build/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/bytes.h"
#include "tlog/note.h"

namespace gw::build {
namespace {

Error differing_answers(const ServiceAnswer& a, const ServiceAnswer& b) {
  const ProvenBuild& one = *a.build;
  const ProvenBuild& other = *b.build;
  return untrusted_error(
      fmt::format("{} has another record: {} bytes, {}; {} has {} bytes, {}", b.name, other.size(),
                  other.sum(), a.name, one.size(), one.sum()),
      "one of them, or the toolchain, is not what it seems: tell both");
}

}  // namespace

Result<Agreement> find_agreement(const std::vector<ServiceAnswer>& answers, std::size_t wanted) {
  std::map<std::string, std::vector<std::size_t>> groups;  // by record
  std::optional<Error> failed;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].build) {
      groups[answers[i].build->record()].push_back(i);
      continue;
    }
    Error error = answers[i].build.error().in("asking " + answers[i].name);
    if (!failed || error.kind == ErrorKind::kUntrusted) failed = std::move(error);
  }
  const auto best = std::max_element(
      groups.begin(), groups.end(),
      [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  std::optional<Error> differs;
  for (const auto& [record, who] : groups) {
    if (record == best->first) continue;
    differs = differing_answers(answers[best->second[0]], answers[who[0]]);
    if (who.size() >= wanted) return *std::move(differs);
  }
  // Proof of something wrong, where a service that is down, or got another result, is none.
  if (failed && failed->kind == ErrorKind::kUntrusted) return *std::move(failed);
  if (best == groups.end() || best->second.size() < wanted) {
    if (differs) return *std::move(differs);
    return failed ? *std::move(failed) : internal_error("nobody was asked for a build");
  }
  Agreement out{*answers[best->second[0]].build, best->second, {}};
  if (differs) out.warnings.push_back(std::move(differs->message));
  if (failed) out.warnings.push_back(std::move(failed->message));
  return out;
}

Result<std::pair<std::size_t, std::size_t>> parse_servers(std::string_view text) {
  constexpr std::size_t kMost = 100;
  const std::size_t slash = text.find('/');
  const auto k = parse_decimal(text.substr(0, slash));
  const auto n = slash == text.npos ? std::nullopt : parse_decimal(text.substr(slash + 1));
  if (k && n && *k > 0 && *k <= *n && *n <= kMost) {
    return std::pair<std::size_t, std::size_t>(*k, *n);
  }
  return usage_error(quoted(text) + ": not K/N", "2/3: two of three");
}

ServiceName split_build_service(std::string_view text) {
  std::size_t at = text.find("=http");
  if (at == text.npos) at = text.find("=/");
  if (at == text.npos) return {std::string(text), ""};
  return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

Status check_different(const std::vector<ServiceName>& services) {
  std::set<std::string> seen;
  for (const ServiceName& service : services) {
    GW_TRY(const auto key, tlog::VerifierKey::parse(service.key));
    const bool is_new = seen.insert("key " + key.public_key()).second;
    if (is_new && seen.insert(fmt::format("name {}", key.name())).second) continue;
    return usage_error(fmt::format("the build service {} is named twice", key.name()),
                       "one service counts once, whatever its addresses");
  }
  return {};
}

}  // namespace gw::build
