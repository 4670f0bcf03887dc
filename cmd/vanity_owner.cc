// gwtool vanity-lookup zone, compare, lint: for those who publish go-import records.
#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "frame/input.h"
#include "os/file.h"
#include "vanity/compare.h"
#include "vanity/import_path.h"
#include "vanity/lint.h"
#include "vanity/live_records.h"
#include "vanity/report.h"
#include "vanity/site_config.h"
#include "vanity/zone_text.h"
#include "vanity_group.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kMaxFile = std::size_t{16} << 20;

struct SiteValues {
  vanity::SiteFormat from = vanity::SiteFormat::kAuto;
  std::optional<std::string> host;
};

void add_site(Command& c, SiteValues* v) {
  c.add(choice_option<vanity::SiteFormat>(
      "from", "FORMAT", &v->from,
      {{"auto", vanity::SiteFormat::kAuto, "what the file looks like"},
       {"list", vanity::SiteFormat::kList, "lines of prefix, vcs, root and perhaps subdir"},
       {"sally", vanity::SiteFormat::kSally, "YAML of go.uber.org/sally"},
       {"vangen", vanity::SiteFormat::kVangen, "JSON of 4d63.com/vangen"},
       {"govanityurls", vanity::SiteFormat::kGovanityurls,
        "YAML of GoogleCloudPlatform/govanityurls"}},
      "format of the files"));
  c.add(text_option("host", "DOMAIN", &v->host,
                    "the domain of govanityurls files, instead of the one in them")
            .check([](std::string_view domain) { return vanity::check_import_domain(domain); }));
}

// `check`: whether an entry that no lookup would use is an error.
Result<std::vector<vanity::GoImport>> load_sites(const SiteValues& v,
                                                 const std::vector<std::string>& files,
                                                 bool check) {
  GW_CHECK(check_one_dash(files));
  std::vector<vanity::GoImport> all;
  for (const std::string& file : files) {
    auto text = file == "-" ? read_standard_input() : os::read_file(file, kMaxFile);
    if (!text) {
      Error error = std::move(text).error();
      error.kind = ErrorKind::kUsage;
      return error;
    }
    auto entries = vanity::parse_site(*text, {v.from, v.host.value_or("")});
    if (!entries) return std::move(entries).error().in(file);
    if (Status s = vanity::check_entries(*entries); check && !s) {
      return std::move(s).error().in(file);
    }
    for (vanity::GoImport& e : *entries) all.push_back(std::move(e));
  }
  return all;
}

// What went wrong with some of it: told, and remembered for the document and the exit code.
struct Errors {
  int code = kExitDone;
  Json list = Json::array();

  void add(Context& ctx, const Error& error) {
    ctx.out.error(error);
    code = worse_exit(code, exit_code(error.kind));
    list.push_back(error_json(error));
  }
};

struct ZoneValues : VanityNetwork, SiteValues {
  std::vector<std::string> arguments;
  bool live = false;
  vanity::ZoneFormat format = vanity::ZoneFormat::kZone;
  std::uint64_t ttl = 300;
  std::optional<std::string> zone;
};

// The meta tags that the paths have now.
Result<std::vector<vanity::GoImport>> load_live(Context& ctx, const ZoneValues& v, Errors& errors) {
  GW_TRY(const auto paths, expand_vanity_paths(v.arguments));
  GW_TRY(const auto http, vanity::new_page_fetchers(v.network()));
  GW_TRY(const auto dns, vanity::new_txt_lookups(v.network()));
  GW_TRY(vanity::LookupOptions options, v.lookup());
  options.dns = false;
  vanity::LiveRecords live =
      vanity::live_records(vanity::Lookup(options, dns.get(), http, ctx.clock).run(paths));
  for (const Error& error : live.errors) errors.add(ctx, error);
  for (const std::string& note : live.notes) ctx.out.note(note);
  for (const std::string& warning : live.warnings) ctx.out.warn(warning);
  return std::move(live.entries);
}

Result<int> run_zone(Context& ctx, const ZoneValues& v) {
  Errors errors;
  std::vector<vanity::GoImport> entries;
  if (v.live) {
    GW_TRY(entries, load_live(ctx, v, errors));
  } else {
    GW_TRY(entries, load_sites(v, v.arguments, true));
  }
  GW_TRY(auto zone, vanity::format_zone_text(entries, {.format = v.format,
                                                       .ttl = static_cast<std::uint32_t>(v.ttl),
                                                       .zone = v.zone.value_or("")}));
  for (const vanity::Finding& f : vanity::lint_single_entries(entries)) {
    zone.warnings.push_back(f.text);
  }
  if (entries.empty() && errors.code == kExitDone) {
    zone.warnings.emplace_back("no entries: nothing is printed, and records that are there stay");
  }
  for (const std::string& w : zone.warnings) ctx.out.warn(w);
  if (ctx.json) {
    Json records = Json::array();
    for (const auto& e : entries) records.push_back(vanity::import_json(e));
    ctx.out.json({{"records", records},
                  {"warnings", zone.warnings},
                  {"errors", errors.list},
                  {"text", zone.text}});
  } else {
    ctx.out.write(zone.text);
  }
  return errors.code;
}

Command zone_command() {
  auto v = std::make_shared<ZoneValues>();
  Command c("zone", "print go-import records for a zone file or for nsupdate");
  c.doc =
      "Reads the entries of a domain from files, or with --live from the meta tags of import "
      "paths, and prints TXT records for go-import.DOMAIN. What is printed replaces a domain's "
      "records, so of a domain with a path that failed nothing is.";
  c.add(positionals("FILE", &v->arguments, true,
                    "files with entries, \"-\" for standard input; import paths with --live"));
  c.add(choice_option<vanity::ZoneFormat>(
      "format", "FORMAT", &v->format,
      {{"zone", vanity::ZoneFormat::kZone, "lines of a zone file"},
       {"nsupdate", vanity::ZoneFormat::kNsupdate, "commands that replace the present records"}},
      "what to print"));
  c.add(number_option("ttl", "SECONDS", &v->ttl, 0, 2147483647, "time to live of the records"));
  c.add(text_option("zone", "NAME", &v->zone, "the zone, to be named in front of the updates")
            .check([](std::string_view name) {
              return vanity::check_import_domain(
                  name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
            })
            .more("For --format nsupdate: knsupdate needs it, nsupdate finds the zone by itself."));
  c.add(flag_option("live", &v->live, "the arguments are import paths: take their meta tags"));
  add_site(c, v.get());
  add_vanity_network(c, v.get());
  c.run = [v](Context& ctx) { return run_zone(ctx, *v); };
  return c;
}

struct CompareValues : VanityNetwork {
  std::vector<std::string> paths;
  std::vector<std::string> domains;
};

Result<int> run_compare(Context& ctx, const CompareValues& v) {
  GW_TRY(auto paths, expand_vanity_paths(v.paths));
  GW_TRY(auto dns, vanity::new_txt_lookups(v.network()));
  GW_TRY(auto http, vanity::new_page_fetchers(v.network()));
  GW_TRY(const vanity::LookupOptions options, v.lookup());
  Errors errors;
  int differ = kExitDone;
  vanity::Lookup lookup(options, dns.get(), nullptr, ctx.clock);
  for (const auto& records : lookup.records(v.domains)) {
    const std::string domain = records->name.substr(std::string("go-import.").size());
    auto listed = vanity::listed_records(*records, lookup.insecure(domain));
    if (!listed) errors.add(ctx, listed.error());
    if (listed) {
      for (std::string& path : vanity::record_prefixes(*records)) paths.push_back(std::move(path));
    }
  }
  auto comparisons = vanity::compare(options, dns.get(), http, ctx.clock, paths);
  for (const vanity::Comparison& c : comparisons) {
    if (const Status compared = vanity::check_compared(c); !compared) {
      errors.add(ctx, compared.error());
    } else if (!c.same) {
      if (!ctx.json) ctx.out.line(vanity::format_comparison(c));
      differ = kExitFailed;
    }
  }
  if (ctx.json) {
    Json document = vanity::comparison_json(comparisons);
    document["errors"] = errors.list;
    ctx.out.json(document);
  }
  return worse_exit(errors.code, differ);
}

Command compare_command() {
  auto v = std::make_shared<CompareValues>();
  Command c("compare", "report where records and meta tags disagree");
  c.doc =
      "Looks each import path up in DNS and over HTTP and prints a line for each that the two "
      "answer differently. Exit code 1 says that there was one.";
  c.add(positionals("IMPORT_PATH", &v->paths, false,
                    "import paths; \"-\" reads them from standard input"));
  c.add(list_option("domain", "DOMAIN", &v->domains, "compare all prefixes in its records")
            .check([](std::string_view domain) { return vanity::check_import_domain(domain); }));
  add_vanity_network(c, v.get());
  c.rules.push_back([v]() -> Status {
    if (!v->paths.empty() || !v->domains.empty()) return {};
    return usage_error("nothing to compare", "name import paths, or --domain DOMAIN");
  });
  c.run = [v](Context& ctx) { return run_compare(ctx, *v); };
  return c;
}

struct LintValues : VanityNetwork, SiteValues {
  std::vector<std::string> domains;
  std::vector<std::string> files;
};

Result<int> run_lint(Context& ctx, const LintValues& v) {
  std::vector<vanity::Finding> findings;
  if (!v.files.empty()) {
    GW_TRY(auto entries, load_sites(v, v.files, false));
    findings = vanity::lint_entries(entries);
  }
  Errors errors;
  if (!v.domains.empty()) {
    GW_TRY(auto dns, vanity::new_txt_lookups(v.network()));
    GW_TRY(const auto options, v.lookup());
    for (auto& lint : vanity::lint_domains(v.domains, *dns, options, ctx.clock)) {
      if (!lint.status) errors.add(ctx, lint.status.error());
      for (vanity::Finding& f : lint.findings) findings.push_back(std::move(f));
    }
  }
  if (ctx.json) {
    Json document = vanity::findings_json(findings);
    document["errors"] = errors.list;
    ctx.out.json(document);
  }
  for (const vanity::Finding& f : findings) {
    if (!ctx.json) ctx.out.line(vanity::format_finding(f));
  }
  return findings.empty() ? errors.code : worse_exit(errors.code, kExitFailed);
}

Command lint_command() {
  auto v = std::make_shared<LintValues>();
  Command c("lint", "find what is wrong with the records of a domain");
  c.doc =
      "Prints a line for each record that lookups ignore or refuse, for roots that are not "
      "secure, for a zone that is not signed, and for signatures that have less than a tenth of "
      "their life left. Exit code 1 says that there was one.";
  c.add(positionals("DOMAIN", &v->domains, false, "domains with published records")
            .check([](std::string_view domain) { return vanity::check_import_domain(domain); }));
  c.add(path_list_option("file", "FILE", &v->files, PathUse::kInput,
                         "entries that are not published yet"));
  add_site(c, v.get());
  add_vanity_network(c, v.get());
  c.rules.push_back([v]() -> Status {
    if (!v->domains.empty() || !v->files.empty()) return {};
    return usage_error("nothing to look at", "name domains, or --file FILE");
  });
  c.run = [v](Context& ctx) { return run_lint(ctx, *v); };
  return c;
}

}  // namespace

void add_vanity_owner(Command& command) {
  command.add(zone_command());
  command.add(compare_command());
  command.add(lint_command());
}

}  // namespace gw::cmd
