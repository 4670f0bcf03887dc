#include "vanity/lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "module/private_patterns.h"
#include "vanity/import_path.h"
#include "vanity/pages.h"
#include "vanity/zone_text.h"

namespace gw::vanity {
namespace {

// A resolver that is asked more at once loses some; each part has its own time limit.
constexpr std::size_t kMaxQuestionsAtOnce = 256;

// Of the usable records of all domains of a run, in bytes of memory: 100,000 records, or so many
// domains as answer with 64 KB of them are few.
constexpr std::size_t kMostKept = std::size_t{24} << 20;

std::size_t kept_size(const DomainRecords& dns) {
  std::size_t size = 0;
  for (const GoImport& r : dns.records) {
    size += sizeof r + r.prefix.size() + r.vcs.size() + r.root.size() + r.subdir.size();
  }
  return size;
}

void add_ignored(DomainRecords& dns, std::string_view text, std::string reason) {
  if (dns.ignored.size() < kMostIgnored) {
    dns.ignored.push_back({quoted(text), std::move(reason)});
  } else {
    ++dns.more_ignored;
  }
}

void note_ignored(const DomainRecords& dns, std::vector<std::string>& notes) {
  for (const IgnoredRecord& r : dns.ignored) {
    notes.push_back(fmt::format("{}: ignored {}: {}", dns.name, r.text, r.reason));
  }
  if (dns.more_ignored > 0) notes.push_back(describe_more_ignored(dns));
}

}  // namespace

void lookup_each(TxtLookups& dns, std::span<const net::Question> questions, Duration timeout,
                 const Clock& clock,
                 const std::function<void(std::size_t, Result<net::DnsAnswer>)>& take) {
  for (std::size_t start = 0; start < questions.size(); start += kMaxQuestionsAtOnce) {
    const auto some =
        questions.subspan(start, std::min(kMaxQuestionsAtOnce, questions.size() - start));
    auto answers = dns.lookup(some, clock.mono() + timeout);
    for (std::size_t i = 0; i < some.size(); ++i) take(start + i, std::move(answers[i]));
  }
}

std::string count_records(const DomainRecords& dns) {
  return fmt::format("{}{}", dns.records.size(), dns.records.size() == 1 ? " record" : " records");
}

std::string describe_more_ignored(const DomainRecords& dns) {
  return fmt::format("{}: ignored {} more", dns.name, dns.more_ignored);
}

Trust record_trust(const DomainRecords& dns) {
  if (dns.security && *dns.security == net::DnsSecurity::kSecure) return Trust::kSecure;
  if (dns.security && *dns.security == net::DnsSecurity::kBogus) return Trust::kBogusAccepted;
  return Trust::kUnverified;
}

std::string describe_trust(const DomainRecords& dns) {
  const std::string text = fmt::format("{}: {}", dns.name, trust_name(record_trust(dns)));
  return dns.why_bogus.empty() ? text : fmt::format("{}: {}", text, dns.why_bogus);
}

std::string_view source_name(Source source) {
  switch (source) {
    case Source::kStatic:
      return "static";
    case Source::kDns:
      return "dns";
    case Source::kHttp:
      return "http";
  }
  return "";
}

std::string_view trust_name(Trust trust) {
  switch (trust) {
    case Trust::kBuiltIn:
      return "built-in";
    case Trust::kSecure:
      return "secure";
    case Trust::kUnverified:
      return "unverified";
    case Trust::kBogusAccepted:
      return "bogus, accepted";
    case Trust::kTls:
      return "tls";
    case Trust::kUnprotected:
      return "unprotected";
  }
  return "";
}

DomainRecords read_records(std::string name, const net::DnsAnswer& answer) {
  DomainRecords out;
  out.name = std::move(name);
  std::string_view domain =
      std::string_view(out.name).substr(std::string_view("go-import.").size());
  out.security = answer.security;
  out.nxdomain = answer.nxdomain;
  out.why_bogus = answer.why_bogus;
  const std::size_t size = canonical_size(out.name, answer.data);
  if (answer.security == net::DnsSecurity::kBogus && size > kMostCanonical) {
    out.why_bogus +=
        fmt::format("; its {} records come to {} bytes, more than libunbound can verify",
                    answer.data.size(), size);
  }
  out.canonical_name = answer.canonical_name;
  for (const std::string& rdata : answer.data) {
    const auto text = net::join_txt(rdata);
    if (!text) {
      add_ignored(out, rdata, text.error().message);
      continue;
    }
    auto record = parse_record(*text);
    if (!record) {
      add_ignored(out, *text, record.error().message);
    } else if (Status s = check_import_path(record->prefix); !s) {
      add_ignored(out, *text, "prefix: " + s.error().message);
    } else if (to_lower(path_domain(record->prefix)) != domain) {
      add_ignored(out, *text,
                  fmt::format("prefix {} is not below {}", quoted(record->prefix), domain));
    } else {
      out.records.push_back(*std::move(record));
    }
  }
  return out;
}

bool Lookup::insecure(std::string_view path) const {
  return options_.insecure || mod::match_prefix_patterns(options_.goinsecure, path);
}

std::vector<std::shared_ptr<const DomainRecords>> Lookup::ask(std::span<const std::string> names) {
  std::vector<std::shared_ptr<const DomainRecords>> out;
  out.reserve(names.size());
  std::vector<net::Question> questions;
  questions.reserve(names.size());
  for (const std::string& name : names) questions.push_back({name, dns::rrtype::kTxt});
  std::size_t kept = 0;
  const auto take = [&](std::size_t i, Result<net::DnsAnswer> answer) {
    auto records = std::make_shared<DomainRecords>();
    if (answer) {
      *records = read_records(names[i], *answer);
    } else {
      records->name = names[i];
      records->security = std::move(answer).error();
    }
    const std::size_t size = kept_size(*records);
    if (kept + size <= kMostKept) {
      kept += size;
    } else {
      std::vector<GoImport>().swap(records->records);
      // What is worse than that remains what it is.
      if (records->security && records->why_bogus.empty()) {
        records->security = unavailable_error(
            fmt::format("{}: the records of all domains asked for take more than {} MB", names[i],
                        kMostKept >> 20),
            "ask for fewer domains at once");
      }
    }
    out.push_back(std::move(records));
  };
  lookup_each(*dns_, questions, options_.timeout, clock_, take);
  return out;
}

std::vector<std::shared_ptr<const DomainRecords>> Lookup::records(
    std::span<const std::string> domains) {
  std::vector<std::string> names;
  names.reserve(domains.size());
  for (const std::string& domain : domains) names.push_back(record_name(domain));
  return ask(names);
}

// Decides by DNS alone; false when the HTTP mechanism is to be asked.
bool Lookup::from_records(PathResult& r) const {
  const DomainRecords& dns = *r.dns;
  const auto done = [&](Result<Found> result) {
    r.result = std::move(result);
    return true;
  };
  // note: whether people are told why HTTP is asked.
  const auto fall_back = [&](std::string why, bool note) {
    if (!options_.http) return done(not_found_error(std::move(why)));
    if (note) r.notes.push_back(std::move(why));
    return false;
  };
  if (!dns.security) return done(dns.security.error());
  const bool lenient = insecure(r.path);
  if (*dns.security == net::DnsSecurity::kBogus && !lenient) {
    return done(
        untrusted_error(fmt::format("{}: DNSSEC validation failed: {}", dns.name, dns.why_bogus)));
  }
  const bool secure = *dns.security == net::DnsSecurity::kSecure;
  const bool bogus = *dns.security == net::DnsSecurity::kBogus;
  if (!secure && !bogus && !lenient) {
    if (dns.records.empty()) return fall_back("no records at " + dns.name, false);
    return fall_back(fmt::format("{}: {} ignored, not signed", dns.name, count_records(dns)), true);
  }
  note_ignored(dns, r.notes);
  auto match = match_records(dns.records, r.path);
  if (!match) return done(std::move(match).error().in(dns.name));
  if (*match) {
    if (!secure) r.notes.push_back(describe_trust(dns));
    return done(Found{**std::move(match), Source::kDns, record_trust(dns), {}});
  }
  if (bogus) {
    // Whatever was asked for: bogus data never leads to an HTTP request.
    return done(
        untrusted_error(fmt::format("{}: DNSSEC validation failed: {}", dns.name, dns.why_bogus)));
  }
  if (dns.records.empty()) return fall_back("no records at " + dns.name, false);
  return fall_back(
      fmt::format("{}: none of {} is for {}", dns.name, count_records(dns), quoted(r.path)), true);
}

void Lookup::from_pages(std::span<PathResult*> results) {
  const auto http = http_();
  if (!http) {
    for (PathResult* r : results) r->result = http.error();
    return;
  }
  std::vector<PageQuestion> questions;
  questions.reserve(results.size());
  for (const PathResult* r : results) questions.push_back({r->path, insecure(r->path)});
  auto found = Pages(**http, options_.timeout, options_.netrc).find(questions);
  std::vector<std::string> unreached;
  for (std::size_t i = 0; i < found.size(); ++i) {
    results[i]->result = std::move(found[i].result);
    unreached.push_back(std::move(found[i].unreached));
  }
  if (dns_ != nullptr) explain_unreached(results, unreached);
}

// A host that could not be asked, and whose domain proves that there is none, is no matter of time.
// hosts: of each result, "" when its host answered.
void Lookup::explain_unreached(std::span<PathResult*> results, std::span<const std::string> hosts) {
  std::map<std::string, bool> absent;
  for (const std::string& host : hosts) {
    if (!host.empty() && check_import_domain(host)) absent[host] = false;
  }
  std::vector<net::Question> questions;
  for (const auto& [host, none] : absent) {
    questions.push_back({host, dns::rrtype::kA});
    questions.push_back({host, dns::rrtype::kAaaa});
  }
  if (questions.empty()) return;
  // It has been waited for the host already.
  lookup_each(*dns_, questions, options_.timeout / 2, clock_,
              [&](std::size_t i, const Result<net::DnsAnswer>& answer) {
                const bool none =
                    answer && answer->security == net::DnsSecurity::kSecure && answer->data.empty();
                bool& both = absent[questions[i].name];
                both = none && (both || questions[i].type == dns::rrtype::kA);
              });
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto host = absent.find(hosts[i]);
    if (host == absent.end() || !host->second) continue;
    results[i]->result = not_found_error(
        fmt::format("there is no host {}, as its domain proves", quoted(host->first)));
  }
}

std::vector<PathResult> Lookup::run(std::span<const std::string> paths) {
  std::vector<PathResult> results(paths.size());
  std::vector<PathResult*> open;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    PathResult& r = results[i];
    r.path = paths[i];
    if (Status s = check_import_path(r.path); !s) {
      r.result = std::move(s).error();
      continue;
    }
    auto known = find_static(r.path);
    if (!known) {
      r.result = std::move(known).error();
    } else if (*known) {
      r.result = Found{**std::move(known), Source::kStatic, Trust::kBuiltIn, {}};
    } else {
      open.push_back(&r);
    }
  }
  if (options_.dns) {
    std::map<std::string, std::shared_ptr<const DomainRecords>> by_name;
    for (const PathResult* r : open) by_name[record_name(r->path)] = nullptr;
    std::vector<std::string> names;
    names.reserve(by_name.size());
    for (const auto& [name, records] : by_name) names.push_back(name);
    auto answers = ask(names);
    for (std::size_t i = 0; i < names.size(); ++i) by_name[names[i]] = std::move(answers[i]);
    for (PathResult* r : open) r->dns = by_name.at(record_name(r->path));
    std::erase_if(open, [this](PathResult* r) { return from_records(*r); });
  }
  // From here on no path has bogus records or a failed lookup: HTTP cannot be forced by either.
  if (!open.empty()) from_pages(open);
  for (PathResult& r : results) {
    if (r.result || r.result.error().kind == ErrorKind::kUsage) continue;
    r.result = std::move(r.result).error().in(r.path);
  }
  return results;
}

}  // namespace gw::vanity
