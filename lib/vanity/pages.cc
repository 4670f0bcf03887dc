#include "vanity/pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "net/http_url.h"
#include "vanity/import_path.h"
#include "vanity/meta_tags.h"
#include "vanity/repo_url.h"
#include "vanity/url.h"

namespace gw::vanity {
namespace {

// Bytes of one token of a page, which is what must be kept of it: usual ones have some KB.
constexpr std::size_t kUsualToken = std::size_t{64} << 10;
constexpr std::size_t kLargePagesAtOnce = 2;
// Tags that are kept to name them where none counts.
constexpr std::size_t kNamedTags = 5;
// Of a tag's text. No repository has such an address.
constexpr std::size_t kMostTag = std::size_t{64} << 10;
// What the HTTP client takes of headers, all lines together; the go command takes some MB.
constexpr std::size_t kMaxHeaders = std::size_t{300} << 10;

// Where a response leads to, or nullptr.
const std::string* redirect_target(const net::HttpResponse& response) {
  const int status = response.status;
  if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
    return nullptr;
  }
  const std::string* location = response.header("location");
  return location == nullptr || location->empty() ? nullptr : location;
}

// The status as the reason for finding no tag. A server that fails has answered: for the go
// command, too, there just is none.
Error status_error(const std::string& url, int status) {
  Error error =
      not_found_error(fmt::format("{}: no go-import meta tag, status {}", quoted(url), status));
  if (status == 429 || status >= 500) error.detail = std::make_shared<ServerFault>();
  return error;
}

std::string shown(std::string_view url) { return quoted(net::redact_url(url)); }

}  // namespace

std::string page_url(std::string_view scheme, std::string_view path) {
  std::string url = fmt::format("{}://{}", scheme, path);
  if (path.find('/') == path.npos) url += '/';
  return url + "?go-get=1";
}

std::vector<PageAnswer> Pages::find(std::span<const PageQuestion> questions) {
  for (const PageQuestion& q : questions) {
    walks_.push_back({q, q});
    asked_.insert(q.path);
  }
  for (std::size_t i = 0; i < walks_.size(); ++i) advance(i);
  http_.fetch(std::exchange(to_send_, {}),
              [this](std::size_t place, Result<net::HttpResponse> response) {
                return received(place, std::move(response));
              });
  std::vector<PageAnswer> answers;
  answers.reserve(walks_.size());
  for (const Walk& walk : walks_) answers.push_back(answer(walk));
  return answers;
}

// Goes on as far as the pages that are there lead.
void Pages::advance(std::size_t i) {
  PageQuestion& at = walks_[i].at;
  for (;;) {
    if (needs(at, i)) return;
    const std::size_t slash = at.path.rfind('/');
    if (slash == at.path.npos || !has_no_tag(at)) break;
    at.path.resize(slash);
  }
  const auto tag = matching_tag(at, pages_.at(at));
  if (tag && tag->prefix != at.path) needs({tag->prefix, at.insecure}, i);
}

// Whether the walk must wait for this page, which is sent for when it was not yet.
bool Pages::needs(const PageQuestion& question, std::size_t walk) {
  const auto [it, added] = pages_.try_emplace(question);
  Page& page = it->second;
  if (added) {
    page.url = page_url("https", question.path);
    page.left = timeout_;
    send(*it);
  }
  if (!page.done) page.waiting.push_back(walk);
  return !page.done;
}

void Pages::send(Entry& entry) {
  Page& page = entry.second;
  page.reader = MetaTagReader(page.large ? kMaxPage : kUsualToken, keep_for(entry.first.path));
  net::HttpRequest request;
  request.url = page.url;
  request.max_headers = kMaxHeaders;
  request.verify_tls = !entry.first.insecure;
  // Static hosts send what was uploaded compressed to everybody; Go takes it.
  request.accept_gzip = true;
  // To the host that was asked for, wherever it leads, and never unless it is surely that one.
  const std::string_view host = url_host(page.url);
  const bool own = host == path_domain(entry.first.path) && url_scheme(page.url) == "https";
  const std::string who = own && !entry.first.insecure ? netrc_.authorization(host) : "";
  if (!who.empty()) request.headers.push_back({"Authorization", who});
  request.timeout = std::max<Duration>(page.left, std::chrono::milliseconds(1));
  request.take = [&page](const net::HttpResponse& head, std::string_view bytes) {
    if (redirect_target(head) != nullptr) return false;
    return page.reader.add(bytes) && page.reader.size() < kMaxPage;
  };
  sent_.push_back(&entry);
  to_send_.push_back(std::move(request));
}

// Whether the page of that path is ever looked into for a path that such a tag is for: its own, and
// what was asked for below it.
bool Pages::may_count(std::string_view page, std::string_view prefix) const {
  if (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (has_path_prefix(page, prefix)) return true;
  if (!has_path_prefix(prefix, page)) return false;
  if (asked_.contains(prefix)) return true;
  const std::string below = fmt::format("{}/", prefix);
  const auto first = asked_.lower_bound(below);
  return first != asked_.end() && first->starts_with(below);
}

// The first few tags and, of those that may count, two of a kind: a third changes nothing.
MetaTagReader::Keep Pages::keep_for(const std::string& page) const {
  using Kind = std::pair<std::string, bool>;
  return [this, &page, kept = std::size_t{0},
          of_kind = std::map<Kind, int>()](const GoImport& tag) mutable {
    if (tag.prefix.size() + tag.root.size() + tag.subdir.size() > kMostTag) return false;
    if (may_count(page, tag.prefix)) return ++of_kind[{tag.prefix, tag.vcs == "mod"}] <= 2;
    return ++kept <= kNamedTags;
  };
}

std::vector<net::HttpRequest> Pages::received(std::size_t place,
                                              Result<net::HttpResponse> response) {
  Entry& entry = *sent_[place];
  auto& [question, page] = entry;
  if (page.reader.too_large() && !page.large) {
    page.large = true;
    large_waiting_.push_back(&entry);
  } else {
    step(page, question, std::move(response));
    if (!page.done) {
      send(entry);
    } else {
      if (page.large) --large_active_;
      for (const std::size_t walk : std::exchange(page.waiting, {})) advance(walk);
    }
  }
  send_large();
  return std::exchange(to_send_, {});
}

void Pages::send_large() {
  while (!large_waiting_.empty() && large_active_ < kLargePagesAtOnce) {
    ++large_active_;
    send(*large_waiting_.front());
    large_waiting_.pop_front();
  }
}

// Whether the page answered, and has no tag for its path: a page that did not come may have one.
bool Pages::has_no_tag(const PageQuestion& question) const {
  const Page& page = pages_.at(question);
  if (!page.tags) return page.tags.error().kind == ErrorKind::kNotFound && page.answered;
  const auto match = match_tags(*page.tags, question.path);
  return match && !*match;
}

// No page can come of what was asked: the next attempt, or the end.
void Pages::fail(Page& page, const PageQuestion& question, Error error) {
  if (question.insecure && page.https_first) {
    // Only now, and only in insecure mode: the same page over http.
    page.https_first = false;
    page.url = page_url("http", question.path);
    page.redirects = 0;
    page.left = timeout_;
    return;
  }
  page.tags = std::move(error);
  page.done = true;
}

// What one response makes of a page: its next URL, or its tags.
void Pages::step(Page& page, const PageQuestion& question, Result<net::HttpResponse> response) {
  if (response) {
    page.left -= response->took;
    if (const std::string* location = redirect_target(*response)) {
      return redirect(page, question, *location);
    }
  }
  page.reader.finish();
  page.tags = page.reader.tags();
  const bool none = !page.tags || page.tags->empty();
  if (!response && none) {
    Error error = std::move(response).error();
    if (dynamic_cast<const net::LargeHeaders*>(error.detail.get()) == nullptr) {
      return fail(page, question, std::move(error));
    }
    // Headers beyond the limit are no sign of an attack; there just is no usable page.
    error.kind = ErrorKind::kNotFound;
    page.tags = std::move(error);
    page.done = true;
    return;
  }
  // However the rest of it came, or did not.
  page.done = true;
  page.answered = true;
  if (none && response->status != 200) {
    page.tags = status_error(net::redact_url(page.url), response->status);
  } else if (!page.tags) {
    page.tags = std::move(page.tags).error().in("parsing " + shown(page.url));
  } else if (none && page.reader.size() >= kMaxPage) {
    page.tags = not_found_error(
        fmt::format("{}: no go-import meta tag in its first {} bytes", shown(page.url), kMaxPage));
  }
}

void Pages::redirect(Page& page, const PageQuestion& question, const std::string& location) {
  std::string next = resolve_reference(page.url, location);
  const std::string scheme = url_scheme(next);
  const auto end = [&](std::string message) {
    page.tags = not_found_error(std::move(message));
    page.done = true;
  };
  // What a server sends is no fault of the command line, however malformed.
  const bool fits =
      (scheme == "https" || scheme == "http") && net::check_url(next) && check_repo_url(next);
  if (!fits) {
    return fail(page, question,
                not_found_error(fmt::format("{} redirects to {}", shown(page.url), shown(next))));
  }
  if (scheme != "https" && !question.insecure) {
    return end(fmt::format("redirected from secure URL {} to insecure URL {}", shown(page.url),
                           shown(next)));
  }
  if (scheme != "https" && !url_credentials(next).empty()) {
    return end("refusing to send credentials to insecure URL " + shown(next));
  }
  if (page.redirects == kMaxRedirects) {
    return fail(
        page, question,
        not_found_error(shown(page_url("https", question.path)) + ": stopped after 10 redirects"));
  }
  ++page.redirects;
  page.url = std::move(next);
}

Result<GoImport> Pages::matching_tag(const PageQuestion& question, const Page& page) const {
  if (!page.tags) return page.tags.error();
  auto match = match_tags(*page.tags, question.path);
  if (!match) return std::move(match).error().in(shown(page.url));
  if (*match) return **match;
  std::string message = shown(page.url) + ": no go-import meta tag";
  if (page.tags->empty()) return not_found_error(std::move(message));
  message += fmt::format(" for {}, only for", quoted(question.path));
  for (std::size_t i = 0; i < page.tags->size() && i < kNamedTags; ++i) {
    message += " " + quoted((*page.tags)[i].prefix, 80);
  }
  return not_found_error(std::move(message));
}

PageAnswer Pages::answer(const Walk& walk) const {
  // Where no page has one, the path's own says why.
  const PageQuestion& said = has_no_tag(walk.at) ? walk.asked : walk.at;
  PageAnswer out{choose(said), {}};
  const Page& last = pages_.at(walk.at);
  if (out.result || last.answered) return out;
  if (!last.tags && net::is_unresolved(last.tags.error())) out.unreached = url_host(last.url);
  if (walk.at.path != walk.asked.path) {
    // A page above did not come: trying again may help.
    Error error = choose(walk.asked).error();
    error.kind = out.result.error().kind;
    error.message += "; " + out.result.error().message;
    out.result = std::move(error);
  }
  return out;
}

Result<Found> Pages::choose(const PageQuestion& question) const {
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
