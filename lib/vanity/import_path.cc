#include "vanity/import_path.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "module/path.h"

namespace gw::vanity {
namespace {

constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxLabel = 63;         // RFC 1035 section 2.3.4
constexpr std::size_t kMaxDomain = 253 - 10;  // with "go-import." before it, a name of DNS

std::string domain_fault(std::string_view domain) {
  if (domain.find('.') == domain.npos) return "no dot in its first element";
  if (domain.size() > kMaxDomain) return "domain name too long";
  for (std::size_t start = 0; start <= domain.size();) {
    const std::size_t end = std::min(domain.find('.', start), domain.size());
    const std::string_view label = domain.substr(start, end - start);
    if (label.empty()) return "empty label in its domain name";
    if (label.size() > kMaxLabel) return "label of more than 63 bytes in its domain name";
    for (const char c : label) {
      if (!is_alnum(c) && c != '-' && c != '_') {
        return fmt::format("character {} in its domain name", quoted({&c, 1}));
      }
    }
    start = end + 1;
  }
  return {};
}

}  // namespace

Status check_import_path(std::string_view path) {
  std::string hint;
  if (path.starts_with("http:") || path.starts_with("https:")) {
    hint = "an import path has no scheme: leave out \"https://\"";
  }
  std::string fault;
  if (path.size() > kMaxPath) {
    fault = "longer than 1024 bytes";
  } else if (Status s = mod::check_import_path(path); !s) {
    s.error().hint = std::move(hint);
    return s;
  } else {
    fault = domain_fault(path_domain(path));
  }
  if (fault.empty()) return {};
  return usage_error(fmt::format("malformed import path {}: {}", quoted(path), fault),
                     std::move(hint));
}

Status check_import_domain(std::string_view domain) {
  const std::string fault =
      domain.find('/') == domain.npos ? domain_fault(domain) : "a path, not a domain";
  if (!fault.empty()) {
    return usage_error(fmt::format("malformed domain {}: {}", quoted(domain), fault));
  }
  return mod::check_import_path(domain);  // a device of Windows, a leading dash
}

std::string_view path_domain(std::string_view path) { return path.substr(0, path.find('/')); }

std::string record_name(std::string_view path) {
  return "go-import." + to_lower(path_domain(path));
}

}  // namespace gw::vanity
