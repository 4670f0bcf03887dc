#include "check/gosum_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/visible.h"
#include "check/report.h"
#include "module/gosum.h"
#include "module/private_patterns.h"
#include "module/semver.h"
#include "os/file.h"
#include "tlog/go_log.h"

namespace gw::check {
namespace {

// The open lines of one version, which one record speaks of.
using Version = std::pair<std::string_view, std::string_view>;
using Versions = std::map<Version, std::vector<SumLine*>>;

Versions open_versions(std::span<SumLine> lines) {
  Versions out;
  for (SumLine& line : lines) {
    if (line.open()) out[{line.module, line.version}].push_back(&line);
  }
  return out;
}

std::string title(const SumLine& line) {
  return fmt::format("{}: {} {}{}", format_place(line.place), line.module, line.version,
                     line.gomod ? "/go.mod" : "");
}

void fail(SumLine& line, Error error) {
  line.state = SumLine::State::kFailed;
  line.error = std::move(error).in(title(line));
}

// What an authenticated record says about a line.
void compare(SumLine& line, std::uint64_t record, std::string_view sum) {
  line.record = record;
  line.log_sum = sum;
  if (line.sum == sum) {
    line.state = SumLine::State::kProven;
    return;
  }
  constexpr std::size_t kMostShown = 200;  // a sum has 47 bytes
  fail(line, untrusted_error(
                 fmt::format("the sum is {}, and the log has {}",
                             one_line(std::string_view(line.sum).substr(0, kMostShown)), sum),
                 "whoever wrote this line had other files than everybody else, or changed it"));
}

// Path, version and kind of hash, so that the log can be asked for it at all.
Status check_line(const mod::GoSumLine& line) {
  GW_CHECK(mod::check_path(line.module));
  if (line.version.size() > mod::kMaxVersionBytes || !mod::parse_semver(line.version)) {
    return usage_error(fmt::format("version {} is not canonical", quoted(line.version)));
  }
  if (line.hash.starts_with("h1:")) return {};
  return usage_error(fmt::format("unknown kind of hash {}", quoted(line.hash)));
}

// What the follower's database is, before a word of it counts.
Status check_database(const store::LogState& state, std::string_view log_key) {
  if (state.log_key != log_key) {
    return usage_error(fmt::format("follows {}, not the log of --log-key", state.log_key));
  }
  if (state.keep != store::Keep::kRecords) {
    return usage_error(fmt::format("keeps {}, and no sums", store::keep_name(state.keep)),
                       "follow the log with --keep records, or leave --db out to ask the log");
  }
  if (state.alarm) {
    return untrusted_error(fmt::format("the follower has halted: {}", state.alarm->message));
  }
  return {};
}

// Nothing when the database has no such version.
Result<std::optional<std::uint64_t>> find_record(store::Reader& database, const Version& version) {
  GW_TRY(const auto rows, database.versions(version.first));
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const store::VersionRow& r) {
    return r.version == version.second;
  });
  if (row == rows.end()) return std::optional<std::uint64_t>();
  return std::optional(row->record);
}

Status look_up(store::Reader& database, const store::LogState& state, const Version& version,
               std::span<SumLine* const> lines) {
  GW_TRY(const auto number, find_record(database, version));
  if (!number) {
    for (SumLine* line : lines) {
      fail(*line,
           not_found_error(fmt::format("not among the {} records of the database", state.records),
                           "it is newer, or private: --prove asks the log itself"));
    }
    return {};
  }
  GW_TRY(const auto text, database.record(*number));
  if (!text) return corrupt_error(fmt::format("record {} is not stored", *number));
  GW_TRY(const auto sums, tlog::find_sums(*text, version.first, version.second));
  for (SumLine* line : lines) compare(*line, *number, line->gomod ? sums.gomod : sums.zip);
  return {};
}

std::string_view state_name(SumLine::State state) {
  switch (state) {
    case SumLine::State::kUnknown:
      return "unknown";
    case SumLine::State::kProven:
      return "proven";
    case SumLine::State::kProvenBefore:
      return "proven_before";
    case SumLine::State::kPrivate:
      return "private";
    case SumLine::State::kFailed:
      return "failed";
  }
  return "unknown";
}

// As a state file names a line.
std::string state_key(const SumLine& line) {
  return fmt::format("{}@{}{}", line.module, line.version, line.gomod ? "/go.mod" : "");
}

}  // namespace

void read_gosum(const std::string& file, std::string_view text, SumFiles& found) {
  FoundFile& about = found.files.emplace_back();
  about.file = file;
  about.what = "go.sum";
  auto lines = mod::parse_gosum(text);
  if (!lines) {
    about.errors.push_back(with_file_name(std::move(lines).error(), "go.sum", file));
    return;
  }
  if (found.lines.size() + lines->size() > 2 * kMostModules) {
    about.errors.push_back(too_many_modules().in(file));
    return;
  }
  about.modules = lines->size();
  for (const mod::GoSumLine& line : *lines) {
    SumLine& out = found.lines.emplace_back();
    out.place = {file, line.line};
    out.module = line.module;
    out.version = line.version;
    out.gomod = line.gomod;
    out.sum = line.hash;
    if (auto good = check_line(line); !good) {
      out.state = SumLine::State::kFailed;
      out.error = std::move(good).error().in(format_place(out.place));
    }
  }
}

SumFiles read_gosum_files(const std::vector<std::string>& paths) {
  SumFiles found;
  std::set<std::string> seen;  // one that is named twice
  for (const std::string& path : paths) {
    const std::string file = file_in(path, "go.sum");
    if (!seen.insert(file).second) continue;
    auto text = os::read_regular_file(file, mod::kMaxGoSumBytes);
    if (text) {
      read_gosum(file, *text, found);
      continue;
    }
    FoundFile& about = found.files.emplace_back();
    about.file = file;
    about.what = "go.sum";
    about.errors.push_back(std::move(text).error());
  }
  return found;
}

void leave_out_private(std::span<SumLine> lines, std::string_view patterns) {
  for (SumLine& line : lines) {
    if (!mod::match_prefix_patterns(patterns, line.module)) continue;
    line.state = SumLine::State::kPrivate;
    line.error.reset();
  }
}

void mark_proven(const Reported& state, std::span<SumLine> lines) {
  for (SumLine& line : lines) {
    if (line.open() && state.knows(state_key(line), line.sum)) {
      line.state = SumLine::State::kProvenBefore;
    }
  }
}

void remember_proven(std::span<const SumLine> lines, Reported& state) {
  for (const SumLine& line : lines) {
    if (line.state == SumLine::State::kProven) state.add(state_key(line), line.sum);
  }
}

Status sums_from_database(store::Reader& database, std::string_view log_key,
                          std::span<SumLine> lines) {
  GW_TRY(const auto one_commit, database.snapshot());
  GW_TRY(const auto state, database.state());
  GW_CHECK(check_database(state, log_key));
  for (const auto& [version, wanted] : open_versions(lines)) {
    GW_CHECK(look_up(database, state, version, wanted));
  }
  return {};
}

ProveResult prove_sums(tlog::Client& client, const ProverOptions& options,
                       std::span<SumLine> lines) {
  const Versions versions = open_versions(lines);
  std::vector<Outcome> outcomes;
  for (const auto& [version, wanted] : versions) {
    Outcome& outcome = outcomes.emplace_back();
    outcome.name = version.first;
    Release& release = outcome.releases.emplace_back();
    release.name = release.log_module = version.first;
    release.version = release.log_version = version.second;
  }
  ProverOptions of_lines = options;
  of_lines.announced = false;
  ProveResult result = prove(client, of_lines, outcomes);
  auto outcome = outcomes.begin();
  for (const auto& [version, wanted] : versions) {
    for (SumLine* line : wanted) {
      if (!outcome->releases.empty()) {
        const Proof& proof = *outcome->releases[0].proof;
        compare(*line, proof.record, line->gomod ? proof.gomod_sum : proof.zip_sum);
      } else if (!outcome->errors.empty()) {
        fail(*line, outcome->errors[0]);
      } else {  // nothing is proven, as the result's error says
        line->state = SumLine::State::kFailed;
      }
    }
    ++outcome;
  }
  return result;
}

std::string sums_summary(const FoundFile& file, std::span<const SumLine> lines) {
  std::size_t proven = 0;
  std::size_t before = 0;
  std::size_t left_out = 0;
  for (const SumLine& line : lines) {
    if (line.place.file != file.file) continue;
    proven += line.state == SumLine::State::kProven ? 1 : 0;
    before += line.state == SumLine::State::kProvenBefore ? 1 : 0;
    left_out += line.state == SumLine::State::kPrivate ? 1 : 0;
  }
  std::string out = fmt::format("{}: {} line{}, {} proven", file.file, file.modules,
                                file.modules == 1 ? "" : "s", proven);
  if (before > 0) out += fmt::format(", {} proven before", before);
  if (left_out > 0) out += fmt::format(", {} private", left_out);
  return out;
}

Json sums_json(const SumFiles& files, const ProveResult* proving, const std::string& log_name) {
  Json about = Json::array();
  for (const FoundFile& f : files.files) {
    about.push_back({{"file", f.file}, {"lines", f.modules}, {"errors", errors_json(f.errors)}});
  }
  Json lines = Json::array();
  for (const SumLine& l : files.lines) {
    lines.push_back({{"file", l.place.file},
                     {"line", l.place.line},
                     {"module", l.module},
                     {"version", l.version},
                     {"gomod", l.gomod},
                     {"sum", l.sum},
                     {"state", state_name(l.state)},
                     {"log_sum", l.log_sum ? Json(*l.log_sum) : Json(nullptr)},
                     {"record", l.record ? Json(*l.record) : Json(nullptr)},
                     {"error", l.error ? error_json(*l.error) : Json(nullptr)}});
  }
  return {{"command", "check gosum"},
          {"files", std::move(about)},
          {"lines", std::move(lines)},
          {"log", log_json(proving, log_name)}};
}

}  // namespace gw::check
