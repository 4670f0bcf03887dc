// gwtool vanity-lookup: where the source of an import path is.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "vanity/import_path.h"
#include "vanity/lookup.h"
#include "vanity/network.h"
#include "vanity/report.h"
#include "vanity_group.h"

namespace gw::cmd {

namespace {

struct LookupValues : VanityNetwork {
  std::vector<std::string> paths;
  std::optional<std::string> list;
  bool dns_only = false;
  bool http_only = false;
};

Result<int> run_list(Context& ctx, const LookupValues& v) {
  GW_TRY(const auto dns, vanity::new_txt_lookups(v.network()));
  GW_TRY(auto options, v.lookup());
  vanity::Lookup lookup(std::move(options), dns.get(), nullptr, ctx.clock);
  auto records = lookup.records(std::span(&*v.list, 1))[0];
  if (ctx.json) ctx.out.json(vanity::records_json(*records));
  auto shown = vanity::listed_records(*records, lookup.insecure(*v.list));
  // With "no records", too: perhaps all that the domain has is ignored.
  if (shown || shown.error().kind == ErrorKind::kNotFound) {
    for (const auto& r : records->ignored) {
      ctx.out.note(fmt::format("{}: ignored {}: {}", records->name, r.text, r.reason));
    }
    if (records->more_ignored > 0) ctx.out.note(vanity::describe_more_ignored(*records));
  }
  if (!shown) return std::move(shown).error();
  const vanity::Trust trust = vanity::record_trust(*records);
  if (trust != vanity::Trust::kSecure) ctx.out.note(vanity::describe_trust(*records));
  for (const auto& r : *shown) {
    if (ctx.json) continue;
    ctx.out.line(vanity::format_found({r, vanity::Source::kDns, trust, {}}, ctx.verbose));
  }
  return kExitDone;
}

Result<int> run_lookup(Context& ctx, const LookupValues& v) {
  GW_TRY(std::vector<std::string> paths, expand_vanity_paths(v.paths));
  std::unique_ptr<vanity::TxtLookups> dns;
  vanity::NewPageFetcher http;
  GW_TRY(vanity::LookupOptions options, v.lookup());
  options.dns = !v.http_only;
  options.http = !v.dns_only;
  // With --http-only, too: it knows whether a host that cannot be reached exists.
  GW_TRY(dns, vanity::new_txt_lookups(v.network()));
  if (options.http) {
    GW_TRY(http, vanity::new_page_fetchers(v.network()));
  }
  auto results = vanity::Lookup(options, dns.get(), http, ctx.clock).run(paths);
  for (const std::string& note : vanity::all_notes(results)) ctx.out.note(note);
  int code = kExitDone;
  for (const vanity::PathResult& r : results) {
    if (!r.result) {
      ctx.out.error(r.result.error());
      code = worse_exit(code, exit_code(r.result.error().kind));
    }
    // One path that is not found has no line: nobody needs to tell it from others.
    if (!ctx.json && (r.result || results.size() > 1)) {
      ctx.out.line(vanity::format_result(r, ctx.verbose));
    }
  }
  if (ctx.json) ctx.out.json(vanity::results_json(results));
  return code;
}

}  // namespace

Command vanity_lookup_command() {
  auto v = std::make_shared<LookupValues>();
  Command c("vanity-lookup",
            "find the repository of import paths in signed DNS records, or by HTTP");
  c.doc =
      "For each import path prints a line: the prefix that the repository holds, its version "
      "control system, its URL, and the directory in it if it is not the top. Of several, one that "
      "is not found has a line that starts with #.\n\n"
      "The domain's TXT records at go-import.DOMAIN count when their DNSSEC signatures verify. "
      "Where there are none, the page https://PATH?go-get=1 is asked for its go-import meta tag, "
      "by the go command's rules. Forged DNS data is an error, never a reason to ask elsewhere. "
      "Known hosts such as github.com need no lookup.";
  c.exits = {{kExitDone, "all were found; for compare and lint also: nothing to report"},
             {kExitFailed, "none found, or a mismatch; for compare and lint: something to report"},
             {kExitUsage, "a malformed import path, the command line or the configuration"},
             {kExitTemporary, "the network, or a temporary failure"},
             {kExitUntrusted, "DNSSEC validation failed: tell a human"}};
  c.add(positionals("IMPORT_PATH", &v->paths, false,
                    "import paths; \"-\" reads them from standard input"));
  c.add(text_option("list", "DOMAIN", &v->list, "print all go-import records of a domain")
            .check([](std::string_view domain) { return vanity::check_import_domain(domain); })
            .on_command_line_only());
  c.add(flag_option("dns-only", &v->dns_only, "never ask over HTTP"));
  c.add(flag_option("http-only", &v->http_only, "never ask DNS for records"));
  add_vanity_network(c, v.get());
  add_vanity_owner(c);
  c.rules.push_back([v]() -> Status {
    if (v->dns_only && v->http_only)
      return usage_error("--dns-only and --http-only exclude each other");
    if (v->list && (v->http_only || !v->paths.empty())) {
      return usage_error("--list takes neither import paths nor --http-only");
    }
    if (!v->list && v->paths.empty()) {
      return usage_error("no import path", "name some, or \"-\" for a list on standard input");
    }
    return {};
  });
  c.run = [v](Context& ctx) { return v->list ? run_list(ctx, *v) : run_lookup(ctx, *v); };
  return c;
}

}  // namespace gw::cmd
