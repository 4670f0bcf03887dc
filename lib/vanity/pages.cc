#include "vanity/pages.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "vanity/import_path.h"
#include "vanity/meta_tags.h"
#include "vanity/repo_url.h"
#include "vanity/url.h"

namespace gw::vanity {
namespace {

// So that the time limit of a page is not spent on waiting for many others.
constexpr std::size_t kMaxPagesAtOnce = 64;
// Pages are some KB; those that are larger than this are fetched again, few at a time, so that no
// hosts take 8 MB for each of hundreds of paths at once.
constexpr std::size_t kUsualPage = std::size_t{512} << 10;
constexpr std::size_t kLargePagesAtOnce = 2;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// The status as the reason for finding no tag: a server that fails may work again later.
Error status_error(const std::string& url, int status) {
  std::string message = fmt::format("{}: no go-import meta tag, status {}", quoted(url), status);
  if (status == 429 || status >= 500) return unavailable_error(std::move(message));
  return not_found_error(std::move(message));
}

std::string shown(std::string_view url) { return quoted(net::redact_url(url)); }

}  // namespace

std::string page_url(std::string_view scheme, std::string_view path) {
  std::string url = fmt::format("{}://{}", scheme, path);
  if (path.find('/') == path.npos) url += '/';
  return url + "?go-get=1";
}

std::vector<Result<Found>> Pages::find(std::span<const PageQuestion> questions) {
  // Where each question's walk up is: at the path itself, then at those above it.
  std::vector<PageQuestion> at(questions.begin(), questions.end());
  fetch(at);
  for (bool moved = true; moved;) {
    moved = false;
    std::vector<PageQuestion> above;
    for (PageQuestion& q : at) {
      const std::size_t slash = q.path.rfind('/');
      if (slash == q.path.npos || !has_no_tag(q)) continue;
      q.path.resize(slash);
      above.push_back(q);
      moved = true;
    }
    fetch(above);
  }
  std::vector<PageQuestion> prefixes;
  for (const PageQuestion& q : at) {
    auto tag = matching_tag(q, pages_.at(q));
    if (tag && tag->prefix != q.path) prefixes.push_back({tag->prefix, q.insecure});
  }
  fetch(prefixes);
  std::vector<Result<Found>> results;
  results.reserve(questions.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    // Where no page has one, the path's own says why.
    auto found = choose(has_no_tag(at[i]) ? questions[i] : at[i]);
    if (!found && at[i].path != questions[i].path && !pages_.at(at[i]).answered) {
      // A page above did not come: trying again may help.
      Error error = choose(questions[i]).error();
      error.kind = found.error().kind;
      error.message += "; " + found.error().message;
      found = std::move(error);
    }
    results.push_back(std::move(found));
  }
  return results;
}

// Whether the page answered, and has no tag for its path: a page that did not come may have one.
bool Pages::has_no_tag(const PageQuestion& question) const {
  const Page& page = pages_.at(question);
  if (!page.tags) return page.tags.error().kind == ErrorKind::kNotFound && page.answered;
  const auto match = match_tags(*page.tags, question.path);
  return match && !*match;
}

// Brings every page that is not there yet.
void Pages::fetch(std::span<const PageQuestion> questions) {
  for (std::size_t i = 0; i < questions.size(); i += kMaxPagesAtOnce) {
    fetch_some(questions.subspan(i, std::min(kMaxPagesAtOnce, questions.size() - i)));
  }
}

// One round of requests per redirect.
void Pages::fetch_some(std::span<const PageQuestion> questions) {
  std::vector<OpenPage> open;
  for (const PageQuestion& q : questions) {
    auto [it, added] = pages_.try_emplace(q);
    if (!added) continue;
    it->second.url = page_url("https", q.path);
    it->second.insecure = q.insecure;
    it->second.deadline = clock_.mono() + timeout_;
    open.emplace_back(&it->first, &it->second);
  }
  while (!open.empty()) {
    std::vector<OpenPage> large;
    auto responses = request_pages(open, kUsualPage);
    for (std::size_t i = 0; i < open.size(); ++i) {
      const bool too_large = !responses[i] && responses[i].error().kind == ErrorKind::kUntrusted;
      if (too_large) {
        large.push_back(open[i]);
      } else {
        step(*open[i].second, *open[i].first, std::move(responses[i]));
      }
    }
    for (std::size_t i = 0; i < large.size(); i += kLargePagesAtOnce) {
      const auto some = std::span(large).subspan(i, std::min(kLargePagesAtOnce, large.size() - i));
      responses = request_pages(some, kMaxPage);
      for (std::size_t k = 0; k < some.size(); ++k) {
        step(*some[k].second, *some[k].first, std::move(responses[k]));
      }
    }
    std::erase_if(open, [](const auto& entry) { return entry.second->done; });
  }
}

std::vector<Result<net::HttpResponse>> Pages::request_pages(std::span<const OpenPage> pages,
                                                            std::size_t max_body) {
  std::vector<net::HttpRequest> requests;
  requests.reserve(pages.size());
  for (const auto& [question, page] : pages) {
    net::HttpRequest request;
    request.url = page->url;
    request.max_body = max_body;
    request.verify_tls = !page->insecure;
    // Static hosts send what was uploaded compressed to everybody; Go takes it.
    request.accept_gzip = true;
    request.timeout =
        std::max<Duration>(page->deadline - clock_.mono(), std::chrono::milliseconds(1));
    requests.push_back(std::move(request));
  }
  return http_.fetch(requests);
}

// What one response makes of a page: its next URL, or its tags.
void Pages::step(Page& page, const PageQuestion& question, Result<net::HttpResponse> response) {
  const auto end = [&](Error error) {
    page.tags = std::move(error);
    page.done = true;
  };
  const auto fail = [&](Error error) {
    if (page.insecure && page.https_first) {
      // Only now, and only in insecure mode: the same page over http.
      page.https_first = false;
      page.url = page_url("http", question.path);
      page.redirects = 0;
      page.deadline = clock_.mono() + timeout_;
      return;
    }
    end(std::move(error));
  };
  if (!response) {
    Error error = std::move(response).error();
    if (error.kind != ErrorKind::kUntrusted) return fail(std::move(error));
    // A page beyond the limit is no sign of an attack; there just is no usable one.
    error.kind = ErrorKind::kNotFound;
    return end(std::move(error));
  }
  const std::string* location = response->header("location");
  if (is_redirect(response->status) && location != nullptr && !location->empty()) {
    std::string next = resolve_reference(page.url, *location);
    const std::string scheme = url_scheme(next);
    // What a server sends is no fault of the command line, however malformed.
    bool fits =
        (scheme == "https" || scheme == "http") && net::check_url(next) && check_repo_url(next);
    if (!fits) {
      return fail(not_found_error(fmt::format("{} redirects to {}", shown(page.url), shown(next))));
    }
    if (scheme != "https" && !page.insecure) {
      return end(not_found_error(fmt::format("redirected from secure URL {} to insecure URL {}",
                                             shown(page.url), shown(next))));
    }
    if (scheme != "https" && !url_credentials(next).empty()) {
      return end(not_found_error("refusing to send credentials to insecure URL " + shown(next)));
    }
    if (page.redirects == kMaxRedirects) {
      return end(not_found_error(shown(page_url("https", question.path)) +
                                 ": stopped after 10 redirects"));
    }
    ++page.redirects;
    page.url = std::move(next);
    return;
  }
  page.done = true;
  page.answered = true;
  page.tags = parse_meta_tags(response->body);
  const bool none = !page.tags || page.tags->empty();
  if (none && response->status != 200) {
    page.tags = status_error(net::redact_url(page.url), response->status);
  } else if (!page.tags) {
    page.tags = std::move(page.tags).error().in("parsing " + shown(page.url));
  }
}

Result<GoImport> Pages::matching_tag(const PageQuestion& question, const Page& page) const {
  if (!page.tags) return page.tags.error();
  auto match = match_tags(*page.tags, question.path);
  if (!match) return std::move(match).error().in(shown(page.url));
  if (*match) return **match;
  std::string message = shown(page.url) + ": no go-import meta tag";
  if (page.tags->empty()) return not_found_error(std::move(message));
  message += fmt::format(" for {}, only for", quoted(question.path));
  for (std::size_t i = 0; i < page.tags->size() && i < 5; ++i) {
    message += " " + quoted((*page.tags)[i].prefix, 80);
  }
  return not_found_error(std::move(message));
}

Result<Found> Pages::choose(const PageQuestion& question) {
  const Page& page = pages_.at(question);
  GW_TRY(GoImport tag, matching_tag(question, page));
  if (tag.prefix != question.path) {
    const Page& own = pages_.at({tag.prefix, question.insecure});
    // The prefix's own page is asked about the path: it must have the identical entry.
    auto confirmed = own.tags ? matching_tag(question, own) : own.tags.error();
    if (!confirmed && !own.tags) {
      return std::move(confirmed).error().in("confirming " + quoted(tag.prefix));
    }
    if (!confirmed || *confirmed != tag) {
      return not_found_error(fmt::format("{} and {} disagree about go-import for {}",
                                         shown(page.url), shown(own.url), quoted(tag.prefix)));
    }
  }
  if (Status s = check_import(tag); !s) return std::move(s).error().in(shown(page.url));
  return Found{std::move(tag), Source::kHttp, question.insecure ? Trust::kUnprotected : Trust::kTls,
               net::redact_url(page.url)};
}

}  // namespace gw::vanity
