#include "vanity/url.h"

#include "base/text.h"
#include "vanity/repo_url.h"

namespace gw::vanity {
namespace {

// The parts of a reference (RFC 3986 appendix B); `present` tells an empty one from none.
struct Parts {
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;
  std::string_view query;
  bool has_authority = false;
  bool has_query = false;
};

Parts split(std::string_view text) {
  Parts parts;
  text = text.substr(0, text.find('#'));
  parts.scheme = text.substr(0, url_scheme(text).size());
  if (!parts.scheme.empty()) text.remove_prefix(parts.scheme.size() + 1);
  const std::size_t question = text.find('?');
  if (question != text.npos) {
    parts.has_query = true;
    parts.query = text.substr(question + 1);
    text = text.substr(0, question);
  }
  if (text.starts_with("//")) {
    parts.has_authority = true;
    parts.authority = text.substr(2, text.find('/', 2) - 2);
    text.remove_prefix(2 + parts.authority.size());
  }
  parts.path = text;
  return parts;
}

// RFC 3986 section 5.2.4 for a path that starts with "/" or is empty.
std::string remove_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = path.find('/', 1);
    const std::string_view segment = path.substr(0, end);  // with its leading "/"
    const bool last = end == path.npos;
    path.remove_prefix(segment.size());
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.resize(out.rfind('/') == out.npos ? 0 : out.rfind('/'));
      if (last) out += '/';
    } else {
      out += segment;
    }
  }
  return out;
}

// Spaces and what is not ASCII as "%20" and the like: servers send them as they are, and Go escapes
// them.
std::string escape(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c != ' ' && byte < 0x80) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

}  // namespace

std::string resolve_reference(std::string_view base, std::string_view reference) {
  const Parts b = split(base);
  const Parts r = split(reference);
  std::string path;
  if (!r.scheme.empty() || r.has_authority) {
    const bool hierarchical = r.path.starts_with('/');
    path = hierarchical ? remove_dot_segments(r.path) : std::string(r.path);
  } else if (r.path.empty()) {
    path = b.path;
  } else if (r.path.starts_with('/')) {
    path = remove_dot_segments(r.path);
  } else {
    std::string merged(b.path.substr(0, b.path.rfind('/') + 1));
    if (merged.empty()) merged = "/";
    path = remove_dot_segments(merged.append(r.path));
  }
  path = escape(path);
  const bool own_query = !r.scheme.empty() || r.has_authority || !r.path.empty() || r.has_query;
  const bool own_authority = !r.scheme.empty() || r.has_authority;
  std::string out(r.scheme.empty() ? b.scheme : r.scheme);
  out += ':';
  if (own_authority ? r.has_authority : b.has_authority) {
    out += "//";
    out += own_authority ? r.authority : b.authority;
  }
  out += path;
  if (own_query ? r.has_query : b.has_query) {
    out += '?';
    out += escape(own_query ? r.query : b.query);
  }
  return out;
}

std::string_view url_credentials(std::string_view url) {
  const std::string_view authority = split(url).authority;
  const std::size_t at = authority.rfind('@');
  return at == authority.npos ? std::string_view() : authority.substr(0, at);
}

std::string_view url_host(std::string_view url) {
  std::string_view host = split(url).authority;
  host.remove_prefix(host.rfind('@') + 1);  // npos + 1 is 0
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

}  // namespace gw::vanity
