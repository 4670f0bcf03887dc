#include "vanity/import_path.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace gw::vanity {
namespace {

constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxLabel = 63;         // RFC 1035 section 2.3.4
constexpr std::size_t kMaxDomain = 253 - 10;  // with "go-import." before it, a name of DNS

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return (to_lower(c) >= 'a' && to_lower(c) <= 'z') || is_digit(c); }

bool is_windows_device(std::string_view name) {
  std::string lower = to_lower(name);
  if (lower == "con" || lower == "prn" || lower == "aux" || lower == "nul") return true;
  return lower.size() == 4 && (lower.starts_with("com") || lower.starts_with("lpt")) &&
         lower[3] >= '1' && lower[3] <= '9';
}

// Why an element is refused (x/mod module.checkElem), "" when it is fine.
std::string element_fault(std::string_view element) {
  if (element.empty()) return "empty path element";
  if (element.find_first_not_of('.') == element.npos) return "path element of dots";
  if (element.back() == '.') return "trailing dot in path element";
  for (char c : element) {
    if (!is_alnum(c) && std::string_view("-._~+").find(c) == std::string_view::npos) {
      return "character " + quoted({&c, 1}) + " in path element";
    }
  }
  std::string_view stem = element.substr(0, element.find('.'));
  if (is_windows_device(stem)) return quoted(stem) + " is a device on Windows";
  std::size_t tilde = stem.rfind('~');
  if (tilde != stem.npos && tilde + 1 < stem.size() &&
      std::all_of(stem.begin() + static_cast<std::ptrdiff_t>(tilde) + 1, stem.end(), is_digit)) {
    return "tilde and digits at the end of a path element";
  }
  return {};
}

std::string domain_fault(std::string_view domain) {
  if (domain.find('.') == domain.npos) return "no dot in its first element";
  if (domain.size() > kMaxDomain) return "domain name too long";
  for (std::size_t start = 0; start <= domain.size();) {
    std::size_t end = std::min(domain.find('.', start), domain.size());
    std::string_view label = domain.substr(start, end - start);
    if (label.empty()) return "empty label in its domain name";
    if (label.size() > kMaxLabel) return "label of more than 63 bytes in its domain name";
    for (char c : label) {
      if (!is_alnum(c) && c != '-' && c != '_') {
        return "character " + quoted({&c, 1}) + " in its domain name";
      }
    }
    start = end + 1;
  }
  return {};
}

std::string path_fault(std::string_view path) {
  if (path.empty()) return "empty";
  if (path.size() > kMaxPath) return "longer than 1024 bytes";
  if (path[0] == '-') return "leading dash";
  if (path.find("//") != path.npos) return "double slash";
  if (path.back() == '/') return "trailing slash";
  for (std::size_t start = 0; start <= path.size();) {
    std::size_t end = std::min(path.find('/', start), path.size());
    if (std::string fault = element_fault(path.substr(start, end - start)); !fault.empty()) {
      return fault;
    }
    start = end + 1;
  }
  return domain_fault(path_domain(path));
}

// The characters that one step of path.Match consumes from `pattern`, and whether they match `c`.
// nullopt: the pattern is malformed.
struct Step {
  std::size_t size;
  bool matches;
};
std::optional<char> class_char(std::string_view pattern, std::size_t& at) {
  if (at < pattern.size() && pattern[at] == '\\')
    at++;
  else if (at < pattern.size() && (pattern[at] == '-' || pattern[at] == ']'))
    return std::nullopt;
  if (at >= pattern.size()) return std::nullopt;
  return pattern[at++];
}
std::optional<Step> match_class(std::string_view pattern, char c) {
  std::size_t at = 1;
  bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) at++;
  bool in = false;
  for (bool first = true;; first = false) {
    if (at < pattern.size() && pattern[at] == ']' && !first) break;
    auto low = class_char(pattern, at);
    if (!low) return std::nullopt;
    auto high = low;
    if (at < pattern.size() && pattern[at] == '-') {
      at++;
      high = class_char(pattern, at);
      if (!high) return std::nullopt;
    }
    if (*low <= c && c <= *high) in = true;
  }
  return Step{at + 1, in != negated};
}
std::optional<Step> match_one(std::string_view pattern, char c) {
  switch (pattern[0]) {
    case '[':
      return match_class(pattern, c);
    case '?':
      return Step{1, c != '/'};
    case '\\':
      if (pattern.size() < 2) return std::nullopt;
      return Step{2, pattern[1] == c};
    default:
      return Step{1, pattern[0] == c};
  }
}

// Go's path.Match for ASCII: "*" stops at "/". Backtracks to the last "*" only, so it is at worst
// quadratic. A malformed pattern does not match.
bool glob_matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::optional<std::size_t> star;  // position after the last "*"
  std::size_t star_text = 0;        // where its match ends for now
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    if (p < pattern.size()) {
      auto step = match_one(pattern.substr(p), text[t]);
      if (!step) return false;
      if (step->matches) {
        p += step->size;
        t++;
        continue;
      }
    }
    if (!star || text[star_text] == '/') return false;
    p = *star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') p++;
  return p == pattern.size();
}

// The first `elements` elements of path, nothing when it has fewer.
std::optional<std::string_view> first_elements(std::string_view path, std::size_t elements) {
  std::size_t end = 0;
  for (;;) {
    end = path.find('/', end);
    elements--;
    if (elements == 0) return path.substr(0, end);
    if (end == path.npos) return std::nullopt;
    end++;
  }
}

}  // namespace

Status check_import_path(std::string_view path) {
  std::string fault = path_fault(path);
  if (fault.empty()) return {};
  std::string hint;
  if (path.starts_with("http:") || path.starts_with("https:")) {
    hint = "an import path has no scheme: leave out \"https://\"";
  }
  return usage_error("malformed import path " + quoted(path) + ": " + fault, std::move(hint));
}

Status check_domain(std::string_view domain) {
  std::string fault = domain.find('/') == domain.npos ? path_fault(domain) : "a path, not a domain";
  if (fault.empty()) return {};
  return usage_error("malformed domain " + quoted(domain) + ": " + fault);
}

std::string_view path_domain(std::string_view path) { return path.substr(0, path.find('/')); }

std::string record_name(std::string_view path) {
  return "go-import." + to_lower(path_domain(path));
}

bool match_prefix_patterns(std::string_view patterns, std::string_view path) {
  while (!patterns.empty()) {
    std::string_view glob = patterns.substr(0, patterns.find(','));
    patterns.remove_prefix(std::min(patterns.size(), glob.size() + 1));
    if (glob.ends_with('/')) glob.remove_suffix(1);
    if (glob.empty()) continue;
    auto elements = static_cast<std::size_t>(std::count(glob.begin(), glob.end(), '/')) + 1;
    auto prefix = first_elements(path, elements);
    if (prefix && glob_matches(glob, *prefix)) return true;
  }
  return false;
}

}  // namespace gw::vanity
