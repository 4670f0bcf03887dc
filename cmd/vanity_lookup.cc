// gwtool vanity-lookup: where the source of an import path is.
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/file.h"
#include "commands.h"
#include "net/address.h"
#include "vanity/import_path.h"
#include "vanity/lookup.h"
#include "vanity/network.h"
#include "vanity/report.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kMaxList = std::size_t{16} << 20;

struct NetworkValues {
  std::optional<std::string> resolver;
  std::optional<std::string> trust_anchor;
  std::optional<std::string> ca_file;
  std::vector<std::string> connect_to;
  std::chrono::milliseconds timeout{10000};
  std::string goinsecure;
  bool insecure = false;

  vanity::NetworkOptions network() const {
    return {resolver.value_or(""), trust_anchor.value_or(""), ca_file.value_or(""), connect_to,
            timeout};
  }
  vanity::LookupOptions lookup() const {
    vanity::LookupOptions options;
    options.insecure = insecure;
    options.goinsecure = goinsecure;
    options.timeout = timeout;
    return options;
  }
};

struct Values : NetworkValues {
  std::vector<std::string> paths;
  std::optional<std::string> list;
  bool dns_only = false;
  bool http_only = false;
};

void add_network(Command& c, NetworkValues* v) {
  c.add(text_option("resolver", "ADDR[@PORT]", &v->resolver,
                    "the DNS server to ask (default the system's)")
            .check([](std::string_view text) -> Status {
              GW_CHECK([&]() -> Status {
                auto address = net::SocketAddress::parse(text, 53);
                if (!address) return std::move(address).error();
                return {};
              }());
              return {};
            })
            .more("Also for the addresses of web servers. What it says about security is not "
                  "believed: signatures are checked here."));
  c.add(path_option("trust-anchor", "FILE", &v->trust_anchor, PathUse::kInput,
                    "DS or DNSKEY records to trust instead of the built-in root keys"));
  c.add(duration_option("timeout", &v->timeout, std::chrono::milliseconds(10),
                        std::chrono::hours(1),
                        "give up after this time: all DNS lookups together, and each page"));
  c.add(path_option("ca-file", "FILE", &v->ca_file, PathUse::kInput,
                    "certificates to trust for https (default the system's)")
            .environment("SSL_CERT_FILE"));
  c.add(list_option("connect-to", "HOST:PORT:ADDR:PORT", &v->connect_to,
                    "connect to ADDR:PORT for requests to HOST:PORT")
            .more("As curl does: name and certificate stay those of HOST."));
  c.add(
      flag_option("insecure", &v->insecure, "take records that are not signed, and pages over http")
          .more("Records whose signatures do not verify are taken too; each is marked. "
                "Certificates are not checked."));
  c.add(text_option("goinsecure", "PATTERNS", &v->goinsecure,
                    "patterns of import paths to treat as with --insecure")
            .environment("GOINSECURE")
            .more("Separated by commas, as the go command's GOINSECURE."));
}

// 4 beats 3 beats 2 beats 1: in a batch a failed verification is never hidden by a typing error.
int worse_lookup(int a, int b) {
  auto rank = [](int code) { return code == kExitDone ? 0 : code; };
  return rank(a) >= rank(b) ? a : b;
}

Result<std::vector<std::string>> expand_paths(const std::vector<std::string>& given) {
  std::vector<std::string> paths;
  for (const std::string& path : given) {
    if (path != "-") {
      paths.push_back(path);
      continue;
    }
    GW_TRY(std::string text, read_file("/dev/stdin", kMaxList));
    for (std::string& line : vanity::parse_path_list(text)) paths.push_back(std::move(line));
  }
  return paths;
}

Result<int> run_list(Context& ctx, const Values& v) {
  GW_TRY(auto dns, vanity::new_txt_lookups(v.network()));
  vanity::Lookup lookup(v.lookup(), dns.get(), nullptr, ctx.clock);
  auto records = lookup.records(std::span(&*v.list, 1))[0];
  if (ctx.json) ctx.out.json(vanity::records_json(*records));
  GW_TRY(auto shown, vanity::listed_records(*records, lookup.insecure(*v.list)));
  for (const auto& r : records->ignored) {
    ctx.out.note(records->name + ": ignored " + r.text + ": " + r.reason);
  }
  if (*records->security != net::DnsSecurity::kSecure) {
    ctx.out.note(records->name + ": " + std::string(net::dns_security_name(*records->security)));
  }
  for (const auto& r : shown) {
    if (!ctx.json) ctx.out.line(vanity::format_import(r));
  }
  return kExitDone;
}

Result<int> run_lookup(Context& ctx, const Values& v) {
  GW_TRY(std::vector<std::string> paths, expand_paths(v.paths));
  std::unique_ptr<vanity::TxtLookups> dns;
  vanity::NewPageFetcher http;
  vanity::LookupOptions options = v.lookup();
  options.dns = !v.http_only;
  options.http = !v.dns_only;
  if (options.dns) {
    GW_TRY(dns, vanity::new_txt_lookups(v.network()));
  }
  if (options.http) {
    GW_TRY(http, vanity::new_page_fetchers(v.network()));
  }
  auto results = vanity::Lookup(options, dns.get(), http, ctx.clock).run(paths);
  for (const std::string& note : vanity::all_notes(results)) ctx.out.note(note);
  int code = kExitDone;
  for (const vanity::PathResult& r : results) {
    if (!r.result) {
      ctx.out.error(r.result.error());
      code = worse_lookup(code, exit_code(r.result.error().kind));
    } else if (!ctx.json) {
      ctx.out.line(vanity::format_found(*r.result, ctx.verbose));
    }
  }
  if (ctx.json) ctx.out.json(vanity::results_json(results));
  return code;
}

}  // namespace

Command vanity_lookup_command() {
  auto v = std::make_shared<Values>();
  Command c("vanity-lookup",
            "find the repository of import paths in signed DNS records, or by HTTP");
  c.doc =
      "For each import path prints a line: the prefix that the repository holds, its version "
      "control system, its URL, and the directory in it if it is not the top.\n\n"
      "The domain's TXT records at go-import.DOMAIN count when their DNSSEC signatures verify. "
      "Where there are none, the page https://PATH?go-get=1 is asked for its go-import meta tag, "
      "by the go command's rules. Forged DNS data is an error, never a reason to ask elsewhere. "
      "Known hosts such as github.com need no lookup.";
  c.add(positionals("IMPORT_PATH", &v->paths, false,
                    "import paths; \"-\" reads them from standard input"));
  c.add(text_option("list", "DOMAIN", &v->list, "print all go-import records of a domain")
            .check([](std::string_view domain) { return vanity::check_domain(domain); })
            .on_command_line_only());
  c.add(flag_option("dns-only", &v->dns_only, "never ask over HTTP"));
  c.add(flag_option("http-only", &v->http_only, "never ask DNS for records"));
  add_network(c, v.get());
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
