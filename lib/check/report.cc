#include "check/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/visible.h"
#include "tlog/head_json.h"

namespace gw::check {
namespace {

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kModule:
      return "module";
    case Kind::kToolchain:
      return "toolchain";
    case Kind::kUpdates:
      return "updates";
  }
  return "unknown";
}

// "retracted" and "deprecated": null when nobody was asked, false when it is not, else why.
Json retracted_json(const Release::Marks& marks) {
  if (!marks.known) return nullptr;
  return marks.retracted ? Json(*marks.retracted) : Json(false);
}

Json deprecated_json(const Release::Marks& marks) {
  if (!marks.known) return nullptr;
  return marks.deprecated.empty() ? Json(false) : Json(marks.deprecated);
}

// "retracted: published by mistake", on one line.
std::string retracted_text(const std::string& why) {
  return fmt::format("retracted{}{}", why.empty() ? "" : ": ", one_line(why));
}

// " (retracted: published by mistake) (deprecated: use the other)".
std::string marks_text(const Release::Marks& marks) {
  std::string out;
  if (marks.retracted) out += fmt::format(" ({})", retracted_text(*marks.retracted));
  if (!marks.deprecated.empty())
    out += fmt::format(" (deprecated: {})", one_line(marks.deprecated));
  return out;
}

Json places_json(std::span<const Place> places) {
  Json out = Json::array();
  for (const Place& p : places) {
    out.push_back({{"file", p.file}, {"line", p.line == 0 ? Json(nullptr) : Json(p.line)}});
  }
  return out;
}

// " (excluded in go.mod:17)".
std::string excluded_text(const Release& r) {
  if (r.excluded.empty()) return "";
  return fmt::format(" (excluded in {}{})", one_line(format_place(r.excluded.front())),
                     r.excluded.size() > 1 ? " and others" : "");
}

Json release_json(const Release& r) {
  Json proof = nullptr;
  if (r.proof) {
    proof = {{"module", r.log_module},          {"version", r.log_version},
             {"record", r.proof->record},       {"zip_sum", r.proof->zip_sum},
             {"gomod_sum", r.proof->gomod_sum}, {"head", tlog::head_json(r.proof->head)}};
  }
  return {{"name", r.name},
          {"version", r.version},
          {"time", r.found ? Json(format_rfc3339(*r.found)) : Json(nullptr)},
          {"dnssec", net::dns_security_name(r.security)},
          {"reported_before", r.reported},
          {"retracted", retracted_json(r.marks)},
          {"deprecated", deprecated_json(r.marks)},
          {"excluded", places_json(r.excluded)},
          {"proof", std::move(proof)}};
}

Json optional_json(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

Json files_json(std::span<const FoundFile> files) {
  Json out = Json::array();
  for (const FoundFile& f : files) {
    const bool several = f.what == "directory" || f.what == "processes";
    out.push_back({{"file", f.file},
                   {"kind", f.what},
                   {"module", optional_json(f.module)},
                   {"version", optional_json(f.version)},
                   {"go", optional_json(f.go)},
                   {"modules", f.modules},
                   {"left_out", f.left_out},
                   {"replaced", f.replaced},
                   {"programs", several ? Json(f.programs) : Json(nullptr)},
                   {"among", several ? Json(f.among) : Json(nullptr)},
                   {"errors", errors_json(f.errors)}});
  }
  return out;
}

// " (go.mod:7, ../b/go.mod:9 and 3 more)".
std::string places_text(const Places& places) {
  constexpr std::size_t kMost = 3;
  if (places.first.empty()) return "";
  const std::size_t shown = std::min(kMost, places.first.size());
  std::string out;
  for (const Place& p : std::span(places.first).first(shown)) {
    out += (out.empty() ? " (" : ", ") + one_line(format_place(p));
  }
  const std::size_t more = places.first.size() - shown + places.more;
  if (more > 0) out += fmt::format(" and {} more", more);
  return out + ")";
}

Json outcome_json(const Outcome& o) {
  Json releases = Json::array();
  for (const auto& r : o.releases) releases.push_back(release_json(r));
  return {{"kind", kind_name(o.kind)},
          {"name", o.name},
          {"known", optional_json(o.known)},
          {"known_retracted", o.had ? retracted_json(o.had->marks) : Json(nullptr)},
          {"known_deprecated", o.had ? deprecated_json(o.had->marks) : Json(nullptr)},
          {"dnssec", o.security ? Json(net::dns_security_name(*o.security)) : Json(nullptr)},
          {"newer", o.newer},
          {"releases", std::move(releases)},
          {"notes", o.notes},
          {"places", places_json(o.places.first)},
          {"more_places", o.places.more},
          {"errors", errors_json(o.errors)}};
}

}  // namespace

Json errors_json(std::span<const Error> errors) {
  Json out = Json::array();
  for (const Error& e : errors) out.push_back(error_json(e));
  return out;
}

Json log_json(const ProveResult* proving, const std::string& log_name) {
  if (proving == nullptr) return nullptr;
  const ProveResult& p = *proving;
  return {
      {"name", log_name},
      {"remembered", p.remembered ? tlog::head_json(*p.remembered) : Json(nullptr)},
      {"head", p.head ? tlog::head_json(*p.head) : Json(nullptr)},
      {"error", p.error ? error_json(*p.error) : Json(nullptr)},
      {"evidence", p.evidence ? p.evidence->document : Json(nullptr)},
      {"evidence_file", p.evidence && p.evidence->file ? Json(*p.evidence->file) : Json(nullptr)}};
}

std::vector<std::string> report_lines(std::span<const Outcome> outcomes, bool known) {
  std::vector<std::string> lines;
  for (const auto& outcome : outcomes) {
    for (const auto& r : outcome.releases) {
      if (r.reported) continue;
      const std::string have = known && outcome.known ? *outcome.known + " -> " : "";
      lines.push_back(fmt::format(
          "{} {}{}{}{}{}", r.name, have, r.version, r.found ? " " + format_rfc3339(*r.found) : "",
          excluded_text(r) + marks_text(r.marks), places_text(outcome.places)));
    }
  }
  return lines;
}

std::vector<std::string> had_lines(std::span<const Outcome> outcomes) {
  std::vector<std::string> lines;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.had) continue;
    const Had& had = *outcome.had;
    const std::string where = places_text(outcome.places);
    if (had.marks.retracted && !had.retracted_told) {
      lines.push_back(fmt::format("{} {}{} is {}", had.module, *outcome.known, where,
                                  retracted_text(*had.marks.retracted)));
    }
    const auto says_it = [&](const Release& r) { return r.name == had.module && !r.reported; };
    const bool in_report = std::any_of(outcome.releases.begin(), outcome.releases.end(), says_it);
    if (!had.marks.deprecated.empty() && !had.deprecated_told && !in_report) {
      lines.push_back(
          fmt::format("{}{} is deprecated: {}", had.module, where, one_line(had.marks.deprecated)));
    }
  }
  return lines;
}

std::string insecure_notice(std::span<const Outcome> outcomes) {
  std::size_t answers = 0;
  std::size_t insecure = 0;
  for (const auto& o : outcomes) {
    answers += o.security ? 1 : 0;
    insecure += o.security == net::DnsSecurity::kInsecure ? 1 : 0;
  }
  if (insecure == 0) return "";
  if (answers == 1) return "the DNS answer is not signed (insecure)";
  return fmt::format("{} of {} DNS answers are not signed (insecure)", insecure, answers);
}

Json report_json(const ReportContext& context, std::span<const Outcome> outcomes) {
  Json results = Json::array();
  bool newer = false;
  for (const auto& o : outcomes) {
    results.push_back(outcome_json(o));
    newer = newer || o.newer;
  }
  return {{"command", context.command},
          {"dns", context.dns_base.empty() ? Json(nullptr) : Json(context.dns_base)},
          {"dnssec", policy_name(context.policy)},
          {"newer", newer},
          {"files", files_json(context.files)},
          {"results", std::move(results)},
          {"log", log_json(context.proving, context.log_name)}};
}

}  // namespace gw::check
