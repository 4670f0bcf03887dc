#include "vanity/lookup.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "vanity/lint.h"
#include "vanity/pages.h"

using namespace gw;
using namespace gw::vanity;
using net::DnsSecurity;

namespace {

std::string rdata(std::string_view text) {
  std::string out;
  do {
    std::string_view part = text.substr(0, 255);
    out.push_back(static_cast<char>(part.size()));
    out += part;
    text.remove_prefix(part.size());
  } while (!text.empty());
  return out;
}

// The DNS of a test: answers by name, everything else a secure denial.
struct FakeDns : TxtLookups {
  struct Entry {
    DnsSecurity security = DnsSecurity::kSecure;
    std::vector<std::string> texts;
    std::optional<Error> error = {};
  };
  std::map<std::string, Entry> zone;
  std::vector<std::string> asked;
  std::vector<std::size_t> calls;  // questions of each
  std::set<std::string> absent;    // hosts that provably do not exist
  std::vector<std::string> hosts;  // whose addresses were asked for

  std::vector<Result<net::DnsAnswer>> lookup(std::span<const net::Question> questions,
                                             MonoTime) override {
    std::vector<Result<net::DnsAnswer>> out;
    calls.push_back(questions.size());
    for (const net::Question& q : questions) {
      if (q.type != 16) {
        hosts.push_back(q.name);
        net::DnsAnswer host;
        host.security = absent.contains(q.name) ? DnsSecurity::kSecure : DnsSecurity::kInsecure;
        host.nxdomain = absent.contains(q.name);
        out.emplace_back(std::move(host));
        continue;
      }
      asked.push_back(q.name);
      auto it = zone.find(q.name);
      net::DnsAnswer a;
      a.security = DnsSecurity::kSecure;
      a.nxdomain = it == zone.end();
      if (it != zone.end() && it->second.error) {
        out.emplace_back(*it->second.error);
        continue;
      }
      if (it != zone.end()) {
        a.security = it->second.security;
        if (a.security == DnsSecurity::kBogus) a.why_bogus = "signature expired";
        for (const std::string& t : it->second.texts) a.data.push_back(rdata(t));
      }
      out.emplace_back(std::move(a));
    }
    return out;
  }
};

struct Response {
  int status = 200;
  std::string body = {};
  std::string location = {};
  std::optional<Error> error = {};  // in place of it all, or behind the body
  std::size_t piece = 7;            // bytes of the body that come at a time
  Duration took{};
};

// The web of a test, shared by all fetchers.
struct FakeWeb {
  std::map<std::string, Response> pages;
  std::vector<std::string> asked;
  std::set<std::string> unverified;  // asked without checking certificates
  std::size_t read = 0;              // bytes of bodies
  std::string unresolved;            // part of URLs whose host has no address

  NewPageFetcher factory() {
    return [this]() -> Result<std::unique_ptr<PageFetcher>> {
      return std::unique_ptr<PageFetcher>(new Fetcher(*this));
    };
  }
  int count(std::string_view url) {
    return static_cast<int>(std::count(asked.begin(), asked.end(), url));
  }

 private:
  struct Fetcher : PageFetcher {
    explicit Fetcher(FakeWeb& w) : web(w) {}
    void fetch(std::vector<net::HttpRequest> rs, const net::HttpClient::Done& done) override {
      for (std::size_t place = 0; place < rs.size(); ++place) {
        for (net::HttpRequest& next : done(place, one(rs[place]))) rs.push_back(std::move(next));
      }
    }
    Result<net::HttpResponse> one(const net::HttpRequest& r) {
      web.asked.push_back(r.url);
      if (!r.verify_tls) web.unverified.insert(r.url);
      auto it = web.pages.find(r.url);
      if (it == web.pages.end()) {
        Error error = unavailable_error(r.url + ": connection refused");
        if (!web.unresolved.empty() && r.url.find(web.unresolved) != r.url.npos) {
          error.detail = std::make_shared<net::UnresolvedHost>();
        }
        return error;
      }
      const Response& page = it->second;
      net::HttpResponse response;
      response.status = page.status;
      response.took = page.took;
      if (page.took > r.timeout) return unavailable_error(r.url + ": no complete answer");
      if (!page.location.empty()) response.headers.push_back({"location", page.location});
      for (std::size_t at = 0; at < page.body.size(); at += page.piece) {
        web.read += std::min(page.piece, page.body.size() - at);
        if (!r.take(response, std::string_view(page.body).substr(at, page.piece))) return response;
      }
      if (page.error) return *page.error;
      return response;
    }
    FakeWeb& web;
  };
};

std::string meta(std::string_view content) {
  return "<meta name=\"go-import\" content=\"" + std::string(content) + "\">";
}

struct Lab {
  FakeDns dns;
  FakeWeb web;
  FakeClock clock{from_unix(1700000000)};
  LookupOptions options;

  std::vector<PathResult> run(std::vector<std::string> paths) {
    return Lookup(options, &dns, web.factory(), clock).run(paths);
  }
  // "ENTRY (source, trust)" or "KIND: message".
  std::string one(const std::string& path) { return show(run({path})[0]); }
  static std::string show(const PathResult& r) {
    if (!r.result) {
      return std::string(error_kind_name(r.result.error().kind)) + ": " + r.result.error().message;
    }
    return format_import(r.result->import) + " (" + std::string(source_name(r.result->source)) +
           ", " + std::string(trust_name(r.result->trust)) + ")";
  }
  void record(const std::string& domain, std::vector<std::string> texts,
              DnsSecurity security = DnsSecurity::kSecure) {
    dns.zone["go-import." + domain] = {security, std::move(texts)};
  }
  void page(const std::string& url, const std::string& content, int status = 200) {
    web.pages[url] = {status, content, {}, {}};
  }
  void redirect(const std::string& url, const std::string& to, int status = 302) {
    web.pages[url] = {status, {}, to, {}};
  }
};

// As the client tells it.
Error large_headers() {
  Error error = unavailable_error("headers too large");
  error.detail = std::make_shared<net::LargeHeaders>();
  return error;
}

using Catch::Contains;
using Catch::StartsWith;

}  // namespace

TEST_CASE("a signed record answers without HTTP") {
  Lab lab;
  lab.record("d.org",
             {"v=spf1 -all", "d.org/x git https://g.org/x", "d.org/x/foo git https://g.org/f"});
  CHECK(lab.one("d.org/x") == "d.org/x git https://g.org/x (dns, secure)");
  CHECK(lab.one("d.org/x/foo/bar") == "d.org/x/foo git https://g.org/f (dns, secure)");
  CHECK(lab.one("d.org/x/fo") == "d.org/x git https://g.org/x (dns, secure)");
  CHECK(lab.web.asked.empty());
  auto r = lab.run({"d.org/x"})[0];
  REQUIRE(r.notes.size() == 1);
  CHECK_THAT(r.notes[0], Contains("ignored \"v=spf1 -all\"") && Contains("2 fields"));
  REQUIRE(r.dns);
  CHECK(r.dns->records.size() == 2);
  CHECK(r.dns->ignored.size() == 1);
}

TEST_CASE("one question a domain, results in the order of the input") {
  Lab lab;
  std::vector<std::string> paths;
  for (int i = 0; i < 10; ++i) {
    std::string d = "d" + std::to_string(i) + ".org";
    lab.record(d, {d + "/x git https://g.org/" + d});
  }
  for (int i = 0; i < 100; ++i) {
    paths.push_back((i % 2 ? "d" : "D") + std::to_string(i % 10) + ".org/x/p" + std::to_string(i));
  }
  auto results = lab.run(paths);
  CHECK(lab.dns.asked.size() == 10);
  CHECK(std::set<std::string>(lab.dns.asked.begin(), lab.dns.asked.end()).size() == 10);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    CHECK(results[i].path == paths[i]);
    // Prefixes match byte by byte, as with meta tags: "D0.org/x" has no record.
    if (i % 2)
      CHECK(Lab::show(results[i]) == "d" + std::to_string(i % 10) + ".org/x git https://g.org/d" +
                                         std::to_string(i % 10) + ".org (dns, secure)");
  }
}

TEST_CASE("very many domains and pages are asked for in parts") {
  Lab lab;
  std::vector<std::string> paths;
  for (int i = 0; i < 600; ++i) {
    std::string d = "d" + std::to_string(i) + ".org";
    lab.record(d, {d + "/x git https://g.org/" + d});
    paths.push_back(d + "/x");
  }
  for (int i = 0; i < 200; ++i) {
    std::string path = "many.org/p" + std::to_string(i);
    lab.page("https://" + path + "?go-get=1", meta("many.org git https://g.org/many.org"));
    paths.push_back(path);
  }
  lab.page("https://many.org/?go-get=1", meta("many.org git https://g.org/many.org"));
  auto results = lab.run(paths);
  CHECK(lab.dns.calls == std::vector<std::size_t>{256, 256, 89});
  for (const PathResult& r : results) {
    INFO(r.path);
    REQUIRE(r.result);
    CHECK(r.result->import.root == "https://g.org/" + r.path.substr(0, r.path.find('/')));
  }
  CHECK(lab.web.asked.size() == 201);
}

TEST_CASE("a malformed path and a known host send nothing") {
  Lab lab;
  for (const char* path :
       {"https://d.org/x", "a//b", "a/b/", "con/x", "d\xc3\xbc.org/x", "nodot/x"}) {
    CHECK_THAT(lab.one(path), StartsWith("usage: "));
  }
  CHECK(lab.one("github.com/a/b/c") ==
        "github.com/a/b git https://github.com/a/b (static, built-in)");
  CHECK(lab.one("d.org/a.git") == "d.org/a.git git https://d.org/a (static, built-in)");
  CHECK_THAT(lab.one("github.com/a"), StartsWith("not_found: ") || StartsWith("not found: "));
  CHECK(lab.dns.asked.empty());
  CHECK(lab.web.asked.empty());
}

TEST_CASE("bogus data and failed lookups never lead to HTTP") {
  Lab lab;
  lab.record("d.org", {"d.org/x git https://evil.org/x"}, DnsSecurity::kBogus);
  lab.record("e.org", {}, DnsSecurity::kBogus);
  lab.dns.zone["go-import.f.org"].error = unavailable_error("go-import.f.org: no answer");
  for (bool insecure : {false, true}) {
    lab.options.insecure = insecure;
    if (!insecure) {
      CHECK(lab.one("d.org/x") ==
            "untrusted: d.org/x: go-import.d.org: DNSSEC validation failed: signature expired");
    } else {
      CHECK(lab.one("d.org/x") == "d.org/x git https://evil.org/x (dns, bogus, accepted)");
    }
    CHECK_THAT(lab.one("d.org/y"), StartsWith("untrusted: "));
    CHECK_THAT(lab.one("e.org/x"), StartsWith("untrusted: "));
    CHECK_THAT(lab.one("f.org/x"), StartsWith("unavailable: "));
  }
  CHECK(lab.web.asked.empty());
}

TEST_CASE("unsigned records are ignored, unless asked for") {
  Lab lab;
  lab.record("d.org", {"d.org/x git https://g.org/x"}, DnsSecurity::kInsecure);
  lab.page("https://d.org/x?go-get=1", meta("d.org/x hg https://h.org/x"));
  CHECK(lab.one("d.org/x") == "d.org/x hg https://h.org/x (http, tls)");
  CHECK_THAT(lab.run({"d.org/x"})[0].notes.at(0), Contains("not signed"));
  lab.options.http = false;
  CHECK_THAT(lab.one("d.org/x"), Contains("not signed"));
  lab.options.http = true;
  lab.web.asked.clear();
  lab.options.goinsecure = "*.com,d.org/x";
  CHECK(lab.one("d.org/x/y") == "d.org/x git https://g.org/x (dns, unverified)");
  lab.options.goinsecure.clear();
  lab.options.insecure = true;
  CHECK(lab.one("d.org/x") == "d.org/x git https://g.org/x (dns, unverified)");
  CHECK(lab.web.asked.empty());
}

TEST_CASE("a secure denial, or records for other paths, lead to HTTP") {
  Lab lab;
  lab.page("https://d.org/x?go-get=1", meta("d.org/x git https://h.org/x"));
  CHECK(lab.one("d.org/x") == "d.org/x git https://h.org/x (http, tls)");
  CHECK(lab.run({"d.org/x"})[0].notes.empty());
  lab.record("d.org", {});
  CHECK(lab.one("d.org/x") == "d.org/x git https://h.org/x (http, tls)");
  lab.record("d.org", {"d.org/y git https://g.org/y"});
  CHECK(lab.one("d.org/x") == "d.org/x git https://h.org/x (http, tls)");
  CHECK_THAT(lab.run({"d.org/x"})[0].notes.at(0), Contains("none of 1 record is"));
  lab.web.asked.clear();
  lab.options.http = false;
  CHECK_THAT(lab.one("d.org/x"), Contains("none of 1 record is"));
  CHECK(lab.web.asked.empty());
  lab.options.http = true;
  lab.options.dns = false;
  lab.dns.asked.clear();
  CHECK(lab.one("d.org/x") == "d.org/x git https://h.org/x (http, tls)");
  CHECK(lab.dns.asked.empty());
}

TEST_CASE("two different records for one prefix are an error, not a reason for HTTP") {
  Lab lab;
  lab.record("d.org", {"d.org/x git https://g.org/x", "d.org/x git https://h.org/x"});
  CHECK_THAT(lab.one("d.org/x"), Contains("two different records"));
  CHECK(lab.web.asked.empty());
}

TEST_CASE("records of other domains, or with a malformed prefix, are ignored") {
  Lab lab;
  lab.record("d.org", {"e.org/x git https://g.org/x", "d.org/x/ git https://g.org/x",
                       "D.org/z git https://g.org/z"});
  lab.options.http = false;
  auto r = lab.run({"d.org/x/y"})[0];
  CHECK_FALSE(r.result);
  CHECK(r.dns->records.size() == 1);
  CHECK(r.dns->ignored.size() == 2);
}

TEST_CASE("the pages above are asked when the path's own has no tag") {
  Lab lab;
  lab.options.dns = false;
  lab.page("https://gio.org/widget/material?go-get=1", "gone", 404);
  lab.page("https://gio.org/widget?go-get=1", "no tag here");
  lab.page("https://gio.org/?go-get=1", meta("gio.org git https://g.org/gio"));
  const auto found = lab.run({"gio.org/widget/material", "gio.org/widget", "gio.org"});
  for (const auto& r : found) {
    CHECK(Lab::show(r) == "gio.org git https://g.org/gio (http, tls)");
    CHECK(r.result->page == "https://gio.org/?go-get=1");  // which page answered
  }
  CHECK(lab.web.asked.size() == 3);  // each page once
  // The nearest one answers, by the same rules.
  lab.page("https://gio.org/widget?go-get=1", meta("gio.org/widget git https://g.org/widget"));
  CHECK(lab.one("gio.org/widget/material") ==
        "gio.org/widget git https://g.org/widget (http, tls)");
  lab.page("https://gio.org/widget?go-get=1", meta("gio.org git https://evil.org"));
  CHECK_THAT(lab.one("gio.org/widget/material"), Contains("disagree"));
  // A page that did not come may have the tag: nobody else's is taken for it.
  lab.web.pages.erase("https://gio.org/widget/material?go-get=1");
  CHECK_THAT(lab.one("gio.org/widget/material"), StartsWith("unavailable: "));
  // Two tags are a mistake of that page, not of those above it.
  lab.page("https://gio.org/widget/material?go-get=1",
           meta("gio.org git https://a.org") + meta("gio.org/widget git https://b.org"));
  CHECK_THAT(lab.one("gio.org/widget/material"), Contains("multiple meta tags"));
}

TEST_CASE("pages: status, prefix pages, disagreement") {
  Lab lab;
  lab.options.dns = false;
  const std::string tag = meta("d.org/x git https://g.org/x");
  lab.page("https://d.org/x?go-get=1", tag, 404);
  lab.page("https://d.org/x/a?go-get=1", tag, 500);
  lab.page("https://d.org/x/b?go-get=1", tag);
  CHECK(lab.one("d.org/x") == "d.org/x git https://g.org/x (http, tls)");
  auto results = lab.run({"d.org/x/a", "d.org/x/b", "d.org/x/a", "d.org/x"});
  for (auto& r : results) CHECK(Lab::show(r) == "d.org/x git https://g.org/x (http, tls)");
  CHECK(lab.web.count("https://d.org/x?go-get=1") == 2);  // once a run
  CHECK(lab.web.count("https://d.org/x/a?go-get=1") == 1);

  lab.page("https://d.org/x/c?go-get=1", meta("d.org/x git https://evil.org/x"));
  CHECK_THAT(lab.one("d.org/x/c"), Contains("disagree about go-import for \"d.org/x\""));
  lab.page("https://d.org/x/c?go-get=1", meta("d.org/x git https://g.org/x sub"));
  CHECK_THAT(lab.one("d.org/x/c"), Contains("disagree"));
  lab.page("https://d.org/x/d?go-get=1",
           meta("d.org/x git https://g.org/x") + meta("d.org git https://e.org"));
  CHECK_THAT(lab.one("d.org/x/d"), Contains("multiple meta tags"));
  lab.page("https://d.org/x/e?go-get=1", meta("d.org git https://e.org"));
  CHECK_THAT(lab.one("d.org/x/e"), StartsWith("unavailable: ") && Contains("confirming"));
  lab.page("https://d.org/?go-get=1", "nothing here");
  CHECK_THAT(lab.one("d.org/x/e"), Contains("disagree"));
  lab.page("https://d.org/?go-get=1", meta("d.org git https://e.org"));
  CHECK(lab.one("d.org/x/e") == "d.org git https://e.org (http, tls)");
  CHECK(lab.one("d.org") == "d.org git https://e.org (http, tls)");

  // Nor has the page above a tag: then the path's own says why.
  lab.page("https://d.org/?go-get=1", "nothing here");
  lab.page("https://d.org/n?go-get=1", "", 404);
  CHECK_THAT(lab.one("d.org/n"), Contains("status 404") && StartsWith("not"));
  lab.page("https://d.org/n?go-get=1", "<a", 503);
  CHECK_THAT(lab.one("d.org/n"), StartsWith("not") && Contains("status 503"));
  lab.page("https://d.org/n?go-get=1", "", 429);
  CHECK_THAT(lab.one("d.org/n"), StartsWith("not") && Contains("status 429"));
  lab.page("https://d.org/n?go-get=1", "<a");
  CHECK_THAT(lab.one("d.org/n"), Contains("parsing") && Contains("line 1"));
  lab.page("https://d.org/n?go-get=1", meta("d.org/m git https://e.org"));
  CHECK_THAT(lab.one("d.org/n"), Contains("only for \"d.org/m\""));
  lab.page("https://d.org/n?go-get=1", meta("d.org/n cvs https://e.org"));
  CHECK_THAT(lab.one("d.org/n"), Contains("unknown version control system"));
  lab.page("https://d.org/n?go-get=1", meta("d.org/n git file:///x"));
  CHECK_THAT(lab.one("d.org/n"), Contains("is a file"));
  lab.web.pages["https://d.org/n?go-get=1"].error = large_headers();
  CHECK_THAT(lab.one("d.org/n"), StartsWith("not"));
}

TEST_CASE("redirects: nine, and never from https to http") {
  Lab lab;
  lab.options.dns = false;
  auto chain = [&](int n) {
    lab.web.pages.clear();
    lab.redirect("https://d.org/x?go-get=1", "https://r.org/1", 301);
    for (int i = 1; i < n; ++i) {
      lab.redirect("https://r.org/" + std::to_string(i), "/" + std::to_string(i + 1), 307);
    }
    lab.page("https://r.org/" + std::to_string(n), meta("d.org/x git https://g.org/x"));
  };
  chain(9);
  CHECK(lab.one("d.org/x") == "d.org/x git https://g.org/x (http, tls)");
  CHECK(lab.run({"d.org/x"})[0].result->page == "https://r.org/9");
  chain(10);
  CHECK_THAT(lab.one("d.org/x"), Contains("stopped after 10 redirects"));
  CHECK(lab.web.count("https://r.org/10") == 0);

  lab.redirect("https://d.org/x?go-get=1", "http://d.org/x");
  lab.page("http://d.org/x", meta("d.org/x git https://g.org/x"));
  CHECK_THAT(lab.one("d.org/x"), Contains("to insecure URL"));
  CHECK(lab.web.count("http://d.org/x") == 0);
  lab.redirect("https://d.org/x?go-get=1", "ftp://d.org/x");
  CHECK_THAT(lab.one("d.org/x"), Contains("redirects to \"ftp://d.org/x\""));
  lab.redirect("https://d.org/x?go-get=1", "");
  CHECK_THAT(lab.one("d.org/x"), Contains("status 302"));

  lab.options.insecure = true;
  lab.redirect("https://d.org/x?go-get=1", "http://d.org/x");
  CHECK(lab.one("d.org/x") == "d.org/x git https://g.org/x (http, unprotected)");
  lab.redirect("https://d.org/x?go-get=1", "http://user:secret@d.org/x");
  std::string refused = lab.one("d.org/x");
  CHECK_THAT(refused, !Contains("secret"));
  CHECK_THAT(refused, Contains("refusing to send credentials"));
  CHECK(lab.web.count("http://user:secret@d.org/x") == 0);
  // An answer, if no good one: https has not failed.
  lab.page("http://d.org/x?go-get=1", meta("d.org/x git https://g.org/x"));
  lab.web.pages["https://d.org/x?go-get=1"] = {.error = large_headers()};
  CHECK_THAT(lab.one("d.org/x"), Contains("headers too large"));
  CHECK(lab.web.count("http://d.org/x?go-get=1") == 0);
  // But with a chain of redirects that does not end it has.
  chain(10);
  lab.page("http://d.org/x?go-get=1", meta("d.org/x git https://g.org/x"));
  CHECK(lab.one("d.org/x") == "d.org/x git https://g.org/x (http, unprotected)");
  CHECK(lab.web.count("http://d.org/x?go-get=1") == 1);
}

TEST_CASE("no more of a page is read than the go command reads") {
  Lab lab;
  lab.options.dns = false;
  const std::string url = "https://d.org/x?go-get=1";
  const std::string tag = meta("d.org/x git https://g.org/x");
  const std::string found = "d.org/x git https://g.org/x (http, tls)";
  const Error cut = unavailable_error(url + ": cut short");
  // However it goes on behind the end of the head, or not.
  for (const char* end : {"</head>", "<body>", "<BODY class=a>"}) {
    lab.web.pages[url] = {.body = tag + end + std::string(20 << 20, 'x'), .error = cut};
    lab.web.read = 0;
    CHECK(lab.one("d.org/x") == found);
    CHECK(lab.web.read < 200);
  }
  // A tag that has come counts even where the head does not end.
  lab.web.pages[url] = {.body = tag + "<p>", .error = cut};
  CHECK(lab.one("d.org/x") == found);
  lab.web.pages[url] = {.body = tag + "<p>" + std::string(20 << 20, 'x'), .piece = 16384};
  CHECK(lab.one("d.org/x") == found);
  lab.web.pages[url] = {.body = tag.substr(0, 20), .error = cut};
  CHECK_THAT(lab.one("d.org/x"), StartsWith("unavailable") && Contains("cut short"));
  // One that needs much memory is read again, when there is room for it.
  for (const std::string& text :
       {std::string(1 << 20, 'x'), "<!--" + std::string(1 << 20, 'x') + "-->",
        "<a" + std::string(200000, ' ') + std::string(300000, 'b') + ">"}) {
    lab.web.pages[url] = {.body = "<p>" + text + tag, .piece = 16384};
    lab.web.asked.clear();
    CHECK(lab.one("d.org/x") == found);
    CHECK(lab.web.count(url) == 2);
  }
  lab.page("https://d.org/?go-get=1", "nothing");
  lab.web.pages[url] = {.body = std::string(9 << 20, 'x') + tag, .piece = 16384};
  CHECK_THAT(lab.one("d.org/x"), StartsWith("not") && Contains("in its first 8388608 bytes"));
  // A redirect's own body is nothing to look at.
  lab.web.pages[url] = {.status = 302, .body = tag, .location = "/y"};
  lab.page("https://d.org/y", "nothing");
  CHECK_THAT(lab.one("d.org/x"), Contains("no go-import meta tag"));
}

TEST_CASE("many domains are linted in parts, as they are looked up") {
  Lab lab;
  std::vector<std::string> domains;
  for (int i = 0; i < 300; ++i) {
    domains.push_back("d" + std::to_string(i) + ".org");
    FakeDns::Entry entry;
    if (i < 299) entry.error = unavailable_error("no answer in time");
    if (i == 299) entry.texts = {domains.back() + "/x git http://g.org/x"};
    lab.dns.zone["go-import." + domains.back()] = entry;
  }
  const auto lints = lint_domains(domains, lab.dns, {}, system_clock());
  CHECK(lab.dns.calls == std::vector<std::size_t>{256, 44});
  REQUIRE(lints.size() == 300);
  CHECK_FALSE(lints[298].status);
  CHECK(lints[299].status);
  REQUIRE(lints[299].findings.size() == 1);
  CHECK(lints[299].findings[0].domain == "d299.org");
}

TEST_CASE("what is kept of records is bounded") {
  Lab lab;
  auto& junk = lab.dns.zone["go-import.junk.org"].texts;
  for (int i = 0; i < 3000; ++i) junk.push_back("junk" + std::to_string(i));
  const std::vector<std::string> one{"junk.org/x"};
  const auto of_junk = lab.run(one);
  REQUIRE(of_junk[0].dns);
  CHECK(of_junk[0].dns->ignored.size() == kMostIgnored);
  CHECK(of_junk[0].dns->more_ignored == 3000 - kMostIgnored);
  REQUIRE(of_junk[0].notes.size() == kMostIgnored + 1);
  CHECK(of_junk[0].notes.back() == "go-import.junk.org: ignored 2980 more");
  // Beyond the bound of a run: an error, and nobody else is asked.
  std::vector<std::string> paths;
  for (int d = 10; d < 40; ++d) {
    const std::string domain = "d" + std::to_string(d) + ".org";
    auto& texts = lab.dns.zone["go-import." + domain].texts;
    for (int i = 0; i < 20; ++i) {
      texts.push_back(domain + "/" + std::to_string(i) + " git https://g.org/" +
                      std::string(60000, 'x'));
    }
    paths.push_back(domain + "/1");
  }
  lab.web.asked.clear();
  const auto results = lab.run(paths);
  CHECK(results.front().result);
  REQUIRE_FALSE(results.back().result);
  CHECK(results.back().result.error().kind == ErrorKind::kUnavailable);
  CHECK(results.back().dns->records.empty());
  CHECK(lab.web.asked.empty());
}

TEST_CASE("a page has its time, its redirects included") {
  Lab lab;
  lab.options.dns = false;
  lab.options.timeout = std::chrono::seconds(10);
  for (int i = 0; i < 4; ++i) {
    const std::string from =
        i == 0 ? "https://d.org/x?go-get=1" : "https://d.org/" + std::to_string(i);
    lab.redirect(from, "/" + std::to_string(i + 1));
    lab.web.pages[from].took = std::chrono::seconds(3);
  }
  lab.page("https://d.org/4", meta("d.org/x git https://g.org/x"));
  CHECK_THAT(lab.one("d.org/x"), StartsWith("unavailable"));
  CHECK(lab.web.count("https://d.org/4") == 0);
  for (auto& [url, page] : lab.web.pages) page.took = std::chrono::seconds(1);
  CHECK_THAT(lab.one("d.org/x"), Contains("(http, tls)"));
}

TEST_CASE("a host that provably does not exist is not a matter of time") {
  Lab lab;
  lab.dns.absent = {"gone.org", "mapped.org"};
  lab.web.unresolved = "://gone.org/";
  for (const bool dns : {true, false}) {
    lab.options.dns = dns;
    lab.dns.hosts.clear();
    lab.page("https://here.org/x?go-get=1", meta("here.org/x git https://g.org/x"));
    auto results =
        lab.run({"gone.org/x", "gone.org/y", "down.org/x", "here.org/x", "mapped.org/x"});
    CHECK(Lab::show(results[0]) ==
          "not_found: gone.org/x: there is no host \"gone.org\", as its "
          "domain proves");
    CHECK_THAT(Lab::show(results[1]), StartsWith("not_found: gone.org/y: "));
    CHECK_THAT(Lab::show(results[2]), StartsWith("unavailable: "));
    CHECK(results[3].result);
    // One that was found, by whatever means, is none of them.
    CHECK_THAT(Lab::show(results[4]), StartsWith("unavailable: "));
    CHECK(lab.dns.hosts == std::vector<std::string>{"gone.org", "gone.org"});
  }
  // An unsigned domain proves nothing.
  lab.dns.absent.clear();
  CHECK_THAT(lab.one("gone.org/x"), StartsWith("unavailable: "));
}

TEST_CASE("http only in insecure mode, and only after https failed") {
  Lab lab;
  lab.options.dns = false;
  lab.page("http://d.org/x?go-get=1", meta("d.org/x git https://g.org/x"));
  CHECK_THAT(lab.one("d.org/x"), StartsWith("unavailable: "));
  CHECK(lab.web.asked == std::vector<std::string>{"https://d.org/x?go-get=1"});
  CHECK(lab.web.unverified.empty());
  lab.web.asked.clear();
  lab.options.insecure = true;
  CHECK(lab.one("d.org/x") == "d.org/x git https://g.org/x (http, unprotected)");
  CHECK(lab.web.asked ==
        std::vector<std::string>{"https://d.org/x?go-get=1", "http://d.org/x?go-get=1"});
  CHECK(lab.web.unverified.contains("https://d.org/x?go-get=1"));
  // An answer over https is an answer, even one without a tag.
  lab.page("https://d.org/x?go-get=1", "nothing");
  lab.web.asked.clear();
  CHECK_THAT(lab.one("d.org/x"), Contains("no go-import meta tag"));
  CHECK(lab.web.count("http://d.org/x?go-get=1") == 0);
}

TEST_CASE("one bad domain does not stop the others") {
  Lab lab;
  lab.record("a.org", {"a.org/x git https://g.org/x"}, DnsSecurity::kBogus);
  lab.record("b.org", {"b.org/x git https://g.org/x"});
  lab.dns.zone["go-import.c.org"].error = unavailable_error("go-import.c.org: no answer");
  for (int i = 0; i < 30; ++i) {
    std::string d = "h" + std::to_string(i) + ".org";
    if (i % 3 != 0) lab.page("https://" + d + "/x?go-get=1", meta(d + "/x git https://g.org/" + d));
  }
  std::vector<std::string> paths = {"a.org/x", "b.org/x", "c.org/x", "bad path"};
  for (int i = 0; i < 30; ++i) paths.push_back("h" + std::to_string(i) + ".org/x");
  auto results = lab.run(paths);
  CHECK_THAT(Lab::show(results[0]), StartsWith("untrusted"));
  CHECK(Lab::show(results[1]) == "b.org/x git https://g.org/x (dns, secure)");
  CHECK_THAT(Lab::show(results[2]), StartsWith("unavailable"));
  CHECK_THAT(Lab::show(results[3]), StartsWith("usage"));
  for (int i = 0; i < 30; ++i) {
    if (i % 3 == 0)
      CHECK_THAT(Lab::show(results[4 + i]), StartsWith("unavailable"));
    else
      CHECK_THAT(Lab::show(results[4 + i]), Contains("(http, tls)"));
  }
}

TEST_CASE("without a client each path says why") {
  Lab lab;
  LookupOptions options;
  options.dns = false;
  NewPageFetcher none = []() -> Result<std::unique_ptr<PageFetcher>> {
    return usage_error("no CA file");
  };
  std::vector<std::string> paths = {"a.org/x", "b.org/x", "b.org/y"};
  for (auto& r : Lookup(options, nullptr, none, lab.clock).run(paths)) {
    CHECK(Lab::show(r) == "usage: no CA file");
  }
}

TEST_CASE("page addresses") {
  CHECK(page_url("https", "d.org") == "https://d.org/?go-get=1");
  CHECK(page_url("http", "d.org/x/y+z") == "http://d.org/x/y+z?go-get=1");
}
