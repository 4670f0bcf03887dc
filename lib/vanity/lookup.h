// Resolves import paths: signed TXT records at go-import.DOMAIN first, then the go command's HTTP
// mechanism, and known hosts without any lookup.
//
// Problem: where the source of an import path is, is decided by whoever controls its domain, and by
// whoever can forge its answers. Records count only when their DNSSEC signatures verify here; data
// that is bogus, and a lookup that fails, end the matter, so that breaking DNS never leads to the
// weaker HTTP mechanism.
// The idea: one TXT question per domain and run, all at once; then the pages of all paths, each as
// soon as the one before it has come (pages.h), so that a slow host delays nobody but itself, and
// one that does not answer is not waited for twice.
//
//   Lookup lookup(options, &dns, new_http, system_clock());
//   for (const PathResult& r : lookup.run(paths)) ...
//
// Cost: six sequential DNS questions for one cold signed domain; without --insecure one or two
// pages per path more when the records do not answer it, of each at most kMaxPage.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"
#include "net/netrc.h"
#include "net/resolver.h"
#include "vanity/go_import.h"

namespace gw::vanity {

// What is read of a page, in bytes, when it has neither <body> nor </head>; the go command has no
// limit.
inline constexpr std::size_t kMaxPage = std::size_t{8} << 20;
// What is kept of one domain's ignored records: an answer can hold thousands, of a domain that
// wants our memory.
inline constexpr std::size_t kMostIgnored = 20;
inline constexpr int kMaxRedirects = 9;  // the tenth is an error, as in Go

// The seams to the network. An implementation is used by one thread at a time.
class TxtLookups {
 public:
  virtual ~TxtLookups() = default;
  // As net::Resolver::lookup.
  virtual std::vector<Result<net::DnsAnswer>> lookup(std::span<const net::Question> questions,
                                                     MonoTime deadline) = 0;
};
class PageFetcher {
 public:
  virtual ~PageFetcher() = default;
  // As net::HttpClient::fetch_each: redirects are followed above this.
  virtual void fetch(std::vector<net::HttpRequest> requests, const net::HttpClient::Done& done) = 0;
};
// The answer of each question goes to take(its place, the answer), in their order. So many are
// asked at once as a resolver takes, each such part in a time of its own: domains without an answer
// cost the others nothing but time, and answers that were taken are no memory.
void lookup_each(TxtLookups& dns, std::span<const net::Question> questions, Duration timeout,
                 const Clock& clock,
                 const std::function<void(std::size_t, Result<net::DnsAnswer>)>& take);
// Called when the first page is needed.
using NewPageFetcher = std::function<Result<std::unique_ptr<PageFetcher>>()>;

struct LookupOptions {
  bool dns = true;   // false: --http-only
  bool http = true;  // false: --dns-only
  bool insecure = false;
  std::string goinsecure;                       // patterns of paths to treat as with `insecure`
  net::Netrc netrc = {};                        // who we are, to hosts that ask
  Duration timeout = std::chrono::seconds(10);  // for each 256 TXT lookups, and each page
};

enum class Source { kStatic, kDns, kHttp };
std::string_view source_name(Source source);  // "static", "dns", "http"

// What vouches for an entry.
enum class Trust {
  kBuiltIn,        // a known host
  kSecure,         // DNSSEC signatures from a trust anchor down
  kUnverified,     // insecure mode: an unsigned record
  kBogusAccepted,  // insecure mode: a record whose signatures do not verify
  kTls,            // the certificate of the host, for each page and redirect
  kUnprotected,    // insecure mode: http, or a certificate that was not checked
};
std::string_view trust_name(Trust trust);  // "secure", "bogus, accepted", ...

struct IgnoredRecord {
  std::string text;    // the record's data, escaped
  std::string reason;  // escaped
};

// What DNS said about one domain, shared by all its paths.
struct DomainRecords {
  std::string name;                                                 // go-import.DOMAIN
  Result<net::DnsSecurity> security = net::DnsSecurity::kInsecure;  // or why there is no answer
  bool nxdomain = false;
  std::string why_bogus;
  std::string canonical_name;
  std::vector<GoImport> records;       // usable in form, whatever `security` says
  std::vector<IgnoredRecord> ignored;  // the first few
  std::size_t more_ignored = 0;        // beside those
};

// What vouches for records of a domain that are taken: kSecure, kUnverified or kBogusAccepted.
Trust record_trust(const DomainRecords& records);
// "go-import.d.org: bogus, accepted: signature expired"
std::string describe_trust(const DomainRecords& records);

// "go-import.d.org: ignored 3 more"
std::string describe_more_ignored(const DomainRecords& records);

// "1 record", "2 records".
std::string count_records(const DomainRecords& records);

// An answer's records, sorted into usable and ignored ones. name: go-import.DOMAIN.
DomainRecords read_records(std::string name, const net::DnsAnswer& answer);

struct Found {
  GoImport import;
  Source source = Source::kStatic;
  Trust trust = Trust::kBuiltIn;
  std::string page;  // kHttp: the URL of the page with the tag, after redirects
};

// With the error of a path whose page the server could not make: its status was 429 or 5xx.
struct ServerFault : ErrorDetail {};

struct PathResult {
  std::string path;
  // kUsage: a malformed path, for which nothing was sent. kNotFound: none, or no single one.
  // kUnavailable: DNS or HTTP failed, a retry may help. kUntrusted: bogus.
  Result<Found> result = Error{};
  std::shared_ptr<const DomainRecords> dns;  // null when DNS was not asked
  std::vector<std::string> notes;            // for people: why something was ignored
};

class Lookup {
 public:
  // `dns` may be null when options.dns is false (else it tells, then, too, whether a host that
  // cannot be reached exists), `http` empty when options.http is false. Both and `clock` are
  // borrowed.
  Lookup(LookupOptions options, TxtLookups* dns, NewPageFetcher http, const Clock& clock)
      : options_(std::move(options)), dns_(dns), http_(std::move(http)), clock_(clock) {}

  // One result for each path, in their order.
  std::vector<PathResult> run(std::span<const std::string> paths);

  // All records of each domain, by the same single question. Precondition: check_import_domain() of
  // each.
  std::vector<std::shared_ptr<const DomainRecords>> records(std::span<const std::string> domains);

  // True when unverified data is good enough for `path`: --insecure or GOINSECURE.
  bool insecure(std::string_view path) const;

 private:
  std::vector<std::shared_ptr<const DomainRecords>> ask(std::span<const std::string> names);
  bool from_records(PathResult& result) const;
  void from_pages(std::span<PathResult*> results);
  void explain_unreached(std::span<PathResult*> results, std::span<const std::string> hosts);

  LookupOptions options_;
  TxtLookups* dns_;
  NewPageFetcher http_;
  const Clock& clock_;
};

}  // namespace gw::vanity
