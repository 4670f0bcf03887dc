#include "vanity/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "base/bytes.h"
#include "base/text.h"
#include "base/visible.h"
#include "dns/dnssec.h"
#include "dns/signature_life.h"
#include "dns/types.h"
#include "vanity/import_path.h"
#include "vanity/repo_url.h"
#include "vanity/url.h"
#include "vanity/zone_text.h"

namespace gw::vanity {
namespace {

class Findings {
 public:
  explicit Findings(std::string_view domain) : domain_(one_line(domain)) {}
  void error(std::string text) { list_.push_back({domain_, true, std::move(text)}); }
  void warning(std::string text) { list_.push_back({domain_, false, std::move(text)}); }
  // Keeps so many as anybody reads, of an answer that can hold thousands.
  void shorten() {
    constexpr std::size_t kMost = 200;
    if (list_.size() <= kMost) return;
    const std::size_t more = list_.size() - kMost;
    list_.resize(kMost);
    error(fmt::format("{} findings more, which are not told", more));
  }
  std::vector<Finding> take() { return std::move(list_); }

 private:
  std::string domain_;
  std::vector<Finding> list_;
};

// As text that was escaped before.
std::string shown_entry(const GoImport& e) { return fmt::format("\"{}\"", format_import(e)); }

void lint_root(const GoImport& e, Findings& out) {
  const std::string entry = shown_entry(e);
  const std::string scheme = url_scheme(e.root);
  if (!is_secure_scheme(scheme)) {
    out.warning(
        fmt::format("{}: nothing protects what comes from a root by {}, which the "
                    "go command takes all the same",
                    entry, scheme));
  }
  const std::string_view user = url_credentials(e.root);  // that of ssh is no secret
  if (user.find(':') != user.npos || (!user.empty() && scheme.starts_with("http"))) {
    out.warning(entry + ": the root holds credentials that everybody can read");
  }
  if (e.root.ends_with('/')) out.warning(entry + ": trailing slash in the root");
  if (!e.subdir.empty() && (e.subdir.ends_with('/') ||
                            fmt::format("/{}/", e.subdir).find("/../") != std::string::npos)) {
    out.warning(entry + ": subdir is not a plain relative path");
  }
}

void lint_fields(const GoImport& e, Findings& out) {
  const std::string entry = shown_entry(e);
  GoImport rest = e;  // what is said of the prefix is said once
  if (const Status s = check_import_path(e.prefix); !s) rest.prefix = "example.org";
  if (e.prefix.ends_with('/')) {
    out.error(entry + ": trailing slash in the prefix");
  } else if (Status s = check_import_path(e.prefix); !s) {
    out.error(fmt::format("{}: {}", entry, s.error().message));
  } else if (auto known = find_static(e.prefix); !known || *known) {
    out.error(entry + ": lookups know this host, or what its path ends in, and do not ask DNS");
  } else if (path_domain(e.prefix) != to_lower(path_domain(e.prefix))) {
    out.warning(entry + ": upper case in the domain matches only paths written that way");
  }
  if (Status s = check_import(rest); !s) {
    out.error(fmt::format("{}: {}", entry, s.error().message));
  } else {
    lint_root(e, out);
  }
}

void lint_set(const std::vector<const GoImport*>& entries, Findings& out) {
  std::set<std::string> said;
  std::unordered_map<std::string_view, std::vector<const GoImport*>> same_prefix;
  std::size_t size = 0;
  std::size_t canonical = 0;
  for (const GoImport* entry : entries) {
    const GoImport& a = *entry;
    const std::size_t record = txt_record_size(format_import(a));
    size += record;
    canonical += record_name(a.prefix).size() + record;
    auto& others = same_prefix[a.prefix];
    for (const GoImport* other : others) {
      const GoImport& b = *other;
      if (a == b) {
        if (said.insert(format_import(a)).second) out.warning(shown_entry(a) + ": twice");
      } else if ((a.vcs == "mod") == (b.vcs == "mod") && said.insert(a.prefix).second) {
        out.error(fmt::format("two different records for {}: {} and {}", gw::quoted(a.prefix),
                              shown_entry(b), shown_entry(a)));
      }
    }
    // A third one says nothing new of the set.
    if (others.size() < 3) others.push_back(entry);
  }
  if (canonical > kMostCanonical) out.error(unverifiable(canonical));
  for (std::string& w : size_warnings(entries.size(), size)) out.warning(std::move(w));
}

// The signatures of the records, and of the keys of the zones that made them.
void lint_signatures(std::string_view what, const net::DnsAnswer& answer, WallTime now,
                     Findings& out, std::vector<std::string>* signers) {
  for (const dns::SignatureLife& s : dns::read_signatures(answer.packet, now)) {
    if (signers != nullptr &&
        std::find(signers->begin(), signers->end(), s.signer) == signers->end()) {
      signers->push_back(s.signer);
    }
    if (!dns::near_expiry(s, now)) continue;
    out.warning(fmt::format(
        "the signature of {} by {} expires at {}: less than a tenth of its life is left", what,
        s.signer, format_rfc3339(s.expiration)));
  }
}

// What makes an answer insecure, as far as it tells.
std::string why_insecure(const net::DnsAnswer& answer, const DomainRecords& records) {
  if (!answer.canonical_name.empty()) {
    return fmt::format("{} is an alias of {}, and one of their zones is not signed", records.name,
                       gw::quoted(answer.canonical_name));
  }
  if (dns::has_signatures(answer.packet)) {
    return "the zone is signed in a way that is not validated here, such as Ed448 or NSEC3 with "
           "many iterations";
  }
  return "the zone is not signed";
}

void lint_answer(const net::DnsAnswer& answer, const DomainRecords& records, Findings& out) {
  if (answer.security != net::DnsSecurity::kSecure) {
    out.error(why_insecure(answer, records) + ": lookups ignore its records");
  }
  if (answer.data.empty()) out.warning("no TXT records at " + records.name);
  for (const IgnoredRecord& r : records.ignored) {
    out.error(fmt::format("ignored: {}: {}", r.text, r.reason));
  }
  if (records.more_ignored > 0) out.error(fmt::format("ignored: {} more", records.more_ignored));
  std::vector<const GoImport*> usable;
  for (const GoImport& r : records.records) {
    lint_fields(r, out);
    usable.push_back(&r);
  }
  lint_set(usable, out);
}

}  // namespace

std::vector<Finding> lint_single_entries(std::span<const GoImport> entries) {
  std::vector<Finding> out;
  for (const GoImport& e : entries) {
    Findings findings(to_lower(path_domain(e.prefix)));
    lint_fields(e, findings);
    for (Finding& f : findings.take()) out.push_back(std::move(f));
  }
  return out;
}

std::vector<Finding> lint_entries(std::span<const GoImport> entries) {
  std::map<std::string, std::vector<const GoImport*>> by_domain;
  std::vector<Finding> out = lint_single_entries(entries);
  for (const GoImport& e : entries) by_domain[to_lower(path_domain(e.prefix))].push_back(&e);
  for (const auto& [domain, set] : by_domain) {
    Findings findings(domain);
    lint_set(set, findings);
    for (Finding& f : findings.take()) out.push_back(std::move(f));
  }
  return out;
}

std::vector<DomainLint> lint_domains(std::span<const std::string> domains, TxtLookups& dns,
                                     const LookupOptions& options, const Clock& clock) {
  std::vector<net::Question> questions;
  for (const std::string& domain : domains) {
    questions.push_back({record_name(domain), dns::rrtype::kTxt, true});
  }
  const WallTime now = clock.now();
  std::vector<DomainLint> out;
  // The keys of all signers at once, in their own time: a slow domain is nobody else's business.
  std::vector<net::Question> keys;
  std::vector<std::size_t> whose;
  const auto take_records = [&](std::size_t i, Result<net::DnsAnswer> answer) {
    DomainLint lint{.domain = domains[i]};
    if (!answer) {
      lint.status = std::move(answer).error().in(domains[i]);
    } else if (answer->security == net::DnsSecurity::kBogus) {
      const DomainRecords records = read_records(questions[i].name, *answer);
      lint.status = untrusted_error(fmt::format("{}: {}: DNSSEC validation failed: {}", domains[i],
                                                questions[i].name, records.why_bogus));
    } else {
      Findings findings(domains[i]);
      lint_answer(*answer, read_records(questions[i].name, *answer), findings);
      findings.shorten();
      std::vector<std::string> signers;
      lint_signatures("the records", *answer, now, findings, &signers);
      for (std::string& signer : signers) {
        keys.push_back({std::move(signer), dns::rrtype::kDnskey, true});
        whose.push_back(i);
      }
      lint.findings = findings.take();
    }
    out.push_back(std::move(lint));
  };
  const auto take_keys = [&](std::size_t k, Result<net::DnsAnswer> answer) {
    DomainLint& lint = out[whose[k]];
    Findings findings(lint.domain);
    if (answer) {
      lint_signatures("the keys", *answer, now, findings, nullptr);
    } else if (lint.status) {
      lint.status = std::move(answer).error().in(
          fmt::format("{}: the keys of {}", lint.domain, keys[k].name));
    }
    for (Finding& f : findings.take()) lint.findings.push_back(std::move(f));
  };
  lookup_each(dns, questions, options.timeout, clock, take_records);
  lookup_each(dns, keys, options.timeout, clock, take_keys);
  return out;
}

std::string format_finding(const Finding& f) {
  return fmt::format("{}: {}{}", f.domain, f.error ? "error: " : "warning: ", f.text);
}

Json findings_json(std::span<const Finding> findings) {
  Json list = Json::array();
  for (const Finding& f : findings) {
    list.push_back(
        {{"domain", f.domain}, {"severity", f.error ? "error" : "warning"}, {"text", f.text}});
  }
  return {{"findings", std::move(list)}};
}

}  // namespace gw::vanity
