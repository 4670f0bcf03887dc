#include "vanity/report.h"

#include <fmt/format.h>

#include <set>

#include "base/text.h"
#include "base/visible.h"
#include "vanity/repo_url.h"

namespace gw::vanity {
namespace {

bool root_is_protected(const GoImport& import) { return is_secure_scheme(url_scheme(import.root)); }

Json result_json(const PathResult& r) {
  Json j = {{"path", r.path}};
  if (r.result) {
    j.update(import_json(r.result->import));
    j["source"] = std::string(source_name(r.result->source));
    j["security"] = std::string(trust_name(r.result->trust));
    j["root_protected"] = root_is_protected(r.result->import);
    if (!r.result->page.empty()) j["page"] = r.result->page;
  } else {
    j["error"] = error_json(r.result.error());
  }
  if (r.dns) j["domain"] = r.dns->name;
  if (!r.notes.empty()) j["notes"] = r.notes;
  return j;
}

}  // namespace

Json import_json(const GoImport& import) {
  Json j = {{"prefix", import.prefix}, {"vcs", import.vcs}, {"root", import.root}};
  if (!import.subdir.empty()) j["subdir"] = import.subdir;
  return j;
}

std::string format_found(const Found& found, bool source) {
  std::string line = format_import(found.import);
  if (!source) return line;
  return fmt::format("{}  # {}, {}{}", line, source_name(found.source), trust_name(found.trust),
                     root_is_protected(found.import) ? "" : ", root not protected");
}

std::string format_result(const PathResult& r, bool source) {
  if (r.result) return format_found(*r.result, source);
  std::string_view why = r.result.error().message;
  const std::string own = r.path + ": ";
  if (why.starts_with(own)) why.remove_prefix(own.size());
  constexpr std::size_t kMostShown = 1000;  // a path has at most 1024
  return one_line(fmt::format("# {}: {}", r.path.substr(0, kMostShown), why.substr(0, kMostShown)));
}

Json records_json(const DomainRecords& d) {
  Json j = {{"name", d.name}};
  if (!d.security) {
    j["state"] = "failed";
    j["error"] = error_json(d.security.error());
    return j;
  }
  j["state"] = std::string(net::dns_security_name(*d.security));
  if (!d.why_bogus.empty()) j["reason"] = d.why_bogus;
  j["nxdomain"] = d.nxdomain;
  if (!d.canonical_name.empty()) j["canonical_name"] = d.canonical_name;
  j["records"] = Json::array();
  for (const GoImport& r : d.records) j["records"].push_back(import_json(r));
  j["ignored"] = Json::array();
  for (const IgnoredRecord& r : d.ignored) {
    j["ignored"].push_back({{"data", r.text}, {"reason", r.reason}});
  }
  j["more_ignored"] = d.more_ignored;
  return j;
}

Json results_json(std::span<const PathResult> results) {
  Json j = {{"results", Json::array()}, {"domains", Json::array()}};
  std::set<const DomainRecords*> seen;
  for (const PathResult& r : results) {
    j["results"].push_back(result_json(r));
    if (r.dns && seen.insert(r.dns.get()).second) j["domains"].push_back(records_json(*r.dns));
  }
  return j;
}

std::vector<std::string> all_notes(std::span<const PathResult> results) {
  std::vector<std::string> notes;
  std::set<std::string> seen;
  for (const PathResult& r : results) {
    for (const std::string& note : r.notes) {
      if (seen.insert(note).second) notes.push_back(note);
    }
  }
  return notes;
}

std::vector<std::string> parse_path_list(std::string_view text) {
  std::vector<std::string> paths;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);  // a byte order mark
  while (!text.empty()) {
    std::string_view line = take_line(text);
    line = trim(line.substr(0, line.find('#')));
    if (!line.empty()) paths.emplace_back(line);
  }
  return paths;
}

Result<std::vector<GoImport>> listed_records(const DomainRecords& d, bool insecure) {
  if (!d.security) return d.security.error();
  if (*d.security == net::DnsSecurity::kBogus && !insecure) {
    return untrusted_error(fmt::format("{}: DNSSEC validation failed: {}", d.name, d.why_bogus));
  }
  if (d.records.empty()) return not_found_error(d.name + ": no go-import records");
  if (*d.security != net::DnsSecurity::kSecure && !insecure) {
    return not_found_error(fmt::format("{}: {} ignored, not signed", d.name, count_records(d)),
                           "--insecure shows them");
  }
  return d.records;
}

}  // namespace gw::vanity
