// The HTTP mechanism for import paths, by the go command's rules (cmd/go/internal/vcs
// repoRootForImportDynamic, cmd/go/internal/web).
//
// A path's page is https://PATH?go-get=1, whatever its status. When it has no tag for the path, the
// pages of the paths above it are asked in turn, up to the host's root: the package may lie in a
// module whose own page is the only one there is. A tag whose prefix is not the path itself counts
// only when the prefix's own page has the identical tag. Pages are fetched once per run.
//
// The idea: every path walks by itself, from page to page, and waits for one at a time; each page
// that has come sends those on that wait for it. So a slow host delays nobody else. Of a page no
// more is read than the go command reads, and no more is kept than the tags that may count for a
// path and the first few others; one that needs more memory than most (its head has a very long
// text in one piece) is fetched again, two of them at a time.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "vanity/lookup.h"
#include "vanity/meta_tags.h"

namespace gw::vanity {

struct PageQuestion {
  std::string path;
  bool insecure = false;
  bool operator<(const PageQuestion& other) const {
    return std::tie(path, insecure) < std::tie(other.path, other.insecure);
  }
};

struct PageAnswer {
  Result<Found> result = Error{};
  std::string unreached;  // the host without an address, where that is why there is no result
};

// One thread at a time, for one call of find(); `http` is borrowed.
class Pages {
 public:
  // timeout: for each page, its redirects included. netrc: borrowed.
  Pages(PageFetcher& http, Duration timeout, const net::Netrc& netrc)
      : http_(http), timeout_(timeout), netrc_(netrc) {}

  // One for each question, in their order. Precondition: check_import_path() of each.
  std::vector<PageAnswer> find(std::span<const PageQuestion> questions);

 private:
  // A page on its way: the next URL to ask, or what came of it.
  struct Page {
    std::string url;
    bool https_first = true;  // still the attempt that began with https
    int redirects = 0;
    bool large = false;
    bool done = false;
    bool answered = false;  // by the host, whatever it said
    Duration left{};
    MetaTagReader reader{0};
    Result<std::vector<GoImport>> tags = Error{};
    std::vector<std::size_t> waiting;  // walks
  };
  using Entry = std::pair<const PageQuestion, Page>;  // of pages_, where it stays

  // One question's way.
  struct Walk {
    PageQuestion asked;
    PageQuestion at;  // the path itself, then those above it
  };

  void advance(std::size_t walk);
  bool needs(const PageQuestion& question, std::size_t walk);
  void send(Entry& entry);
  MetaTagReader::Keep keep_for(const std::string& page) const;
  bool may_count(std::string_view page, std::string_view prefix) const;
  std::vector<net::HttpRequest> received(std::size_t place, Result<net::HttpResponse> response);
  void send_large();
  void step(Page& page, const PageQuestion& question, Result<net::HttpResponse> response);
  void redirect(Page& page, const PageQuestion& question, const std::string& location);
  void fail(Page& page, const PageQuestion& question, Error error);
  bool has_no_tag(const PageQuestion& question) const;
  PageAnswer answer(const Walk& walk) const;
  Result<Found> choose(const PageQuestion& question) const;
  Result<GoImport> matching_tag(const PageQuestion& question, const Page& page) const;

  PageFetcher& http_;
  Duration timeout_;
  const net::Netrc& netrc_;
  std::map<PageQuestion, Page> pages_;
  std::vector<Walk> walks_;
  std::set<std::string, std::less<>> asked_;  // the walks' paths
  std::vector<Entry*> sent_;                  // by the requests' places
  std::vector<net::HttpRequest> to_send_;     // the last ones of them
  std::deque<Entry*> large_waiting_;
  std::size_t large_active_ = 0;
};

// https://HOST/PATH?go-get=1, "/" for an empty path.
std::string page_url(std::string_view scheme, std::string_view path);

}  // namespace gw::vanity
