// The HTTP mechanism for the import paths of one domain, by the go command's rules
// (cmd/go/internal/vcs repoRootForImportDynamic, cmd/go/internal/web).
//
// A path's page is https://PATH?go-get=1, whatever its status. When it has no tag for the path, the
// pages of the paths above it are asked in turn, up to the host's root: the package may lie in a
// module whose own page is the only one there is. A tag whose prefix is not the path
// itself counts only when the prefix's own page has the identical tag. Pages are fetched once per
// run, all that are needed next at once.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "vanity/lookup.h"

namespace gw::vanity {

struct PageQuestion {
  std::string path;
  bool insecure = false;
  bool operator<(const PageQuestion& other) const {
    return std::tie(path, insecure) < std::tie(other.path, other.insecure);
  }
};

// One thread at a time; `http` and `clock` are borrowed.
class Pages {
 public:
  Pages(PageFetcher& http, const Clock& clock, Duration timeout)
      : http_(http), clock_(clock), timeout_(timeout) {}

  // One result for each question, in their order. Precondition: check_import_path() of each.
  std::vector<Result<Found>> find(std::span<const PageQuestion> questions);

 private:
  // A page on its way: the next URL to ask, or what came of it.
  struct Page {
    std::string url;
    bool insecure = false;
    bool https_first = true;  // still the attempt that began with https
    int redirects = 0;
    bool done = false;
    bool answered = false;  // by the host, whatever it said
    MonoTime deadline;
    Result<std::vector<GoImport>> tags = Error{};
  };

  using OpenPage = std::pair<const PageQuestion*, Page*>;

  void fetch(std::span<const PageQuestion> questions);
  std::vector<Result<net::HttpResponse>> request_pages(std::span<const OpenPage> pages,
                                                       std::size_t max_body);
  void fetch_some(std::span<const PageQuestion> questions);
  void step(Page& page, const PageQuestion& question, Result<net::HttpResponse> response);
  bool has_no_tag(const PageQuestion& question) const;
  Result<Found> choose(const PageQuestion& question);
  Result<GoImport> matching_tag(const PageQuestion& question, const Page& page) const;

  PageFetcher& http_;
  const Clock& clock_;
  Duration timeout_;
  std::map<PageQuestion, Page> pages_;
};

// https://HOST/PATH?go-get=1, "/" for an empty path.
std::string page_url(std::string_view scheme, std::string_view path);

}  // namespace gw::vanity
