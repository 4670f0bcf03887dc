#include "module/path.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "module/unicode.h"

namespace gw::mod {

namespace {

constexpr std::string_view kGopkgIn = "gopkg.in/";
constexpr std::string_view kUnstable = "-unstable";
constexpr std::string_view kFilePunctuation = "!#$%&()+,-.=@[]^_{}~ ";  // ASCII, in file names
constexpr std::size_t kNone = std::string_view::npos;

bool is_path_char(char c) { return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

// CON, PRN, AUX, NUL, COM1-9, LPT1-9 in any case.
bool is_device_name(std::string_view name) {
  if (name.size() != 3 && name.size() != 4) return false;
  std::string lower = to_lower(name);
  const std::string_view stem = std::string_view(lower).substr(0, 3);
  if (name.size() == 3) {
    return stem == "con" || stem == "prn" || stem == "aux" || stem == "nul";
  }
  return (stem == "com" || stem == "lpt") && lower[3] >= '1' && lower[3] <= '9';
}

bool ends_in_short_name(std::string_view name) {
  const std::size_t tilde = name.rfind('~');
  return tilde != std::string_view::npos && all_digits(name.substr(tilde + 1));
}

// x/mod's pathKind: what differs between its three kinds of path.
enum class PathKind { kModule, kImport, kFile };

bool is_element_char(char32_t c, PathKind kind) {
  if (c >= 0x80) return kind == PathKind::kFile && is_letter(c);
  const char byte = static_cast<char>(c);
  if (is_path_char(byte)) return true;
  if (kind == PathKind::kImport) return byte == '+';
  return kind == PathKind::kFile && byte != '\0' && kFilePunctuation.find(byte) != kNone;
}

Status check_element(std::string_view element, PathKind kind) {
  if (element.empty()) return usage_error("empty path element");
  if (element.front() == '.' && kind == PathKind::kModule) {
    return usage_error("leading dot in path element");
  }
  if (element.find_first_not_of('.') == kNone) return usage_error("path element of dots");
  if (element.back() == '.') return usage_error("trailing dot in path element");
  for (std::string_view rest = element; !rest.empty();) {
    const Rune rune = decode_rune(rest);
    if (!is_element_char(rune.value, kind)) {
      return usage_error("invalid character " + quoted(rest.substr(0, rune.size)));
    }
    rest.remove_prefix(rune.size);
  }
  const std::string_view stem = element.substr(0, element.find('.'));
  if (is_device_name(stem)) return usage_error(quoted(stem) + " is a device name on Windows");
  if (kind != PathKind::kFile && ends_in_short_name(stem)) {
    return usage_error("path element ends in a tilde and digits");
  }
  return {};
}

// x/mod's checkPath: all that the three kinds have in common.
Status check_elements(std::string_view path, PathKind kind) {
  if (path.empty()) return usage_error("empty");
  if (path.front() == '-' && kind != PathKind::kFile) return usage_error("leading dash");
  if (path.back() == '/') return usage_error("trailing slash");
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    GW_CHECK(check_element(rest.substr(0, slash), kind));
    if (slash == kNone) return {};
    rest.remove_prefix(slash + 1);
  }
}

Status check_host(std::string_view host) {
  if (host.find('.') == std::string_view::npos) {
    return usage_error("no dot in the first path element");
  }
  for (const char& c : host) {
    if (!is_lower_or_digit(c) && c != '-' && c != '.') {
      return usage_error(
          fmt::format("invalid character {} in the first path element", quoted({&c, 1})));
    }
  }
  return {};
}

Status check_path_parts(std::string_view path) {
  if (path.size() > kMaxPathBytes) return usage_error("too long");
  GW_CHECK(check_elements(path, PathKind::kModule));
  GW_CHECK(check_host(path.substr(0, path.find('/'))));
  if (!split_path_version(path)) return usage_error("invalid major version suffix");
  return {};
}

// What a file name and a URL path segment can hold as they are.
Status check_version_text(std::string_view version) {
  if (version.empty()) return usage_error("empty");
  if (version.size() > kMaxVersionBytes) return usage_error("too long");
  if (version.back() == '.') return usage_error("trailing dot");
  for (const char& c : version) {
    if (!is_path_char(c) && c != '+') return usage_error("invalid character " + quoted({&c, 1}));
  }
  if (is_device_name(version.substr(0, version.find('.')))) {
    return usage_error("a device name on Windows");
  }
  return {};
}

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    if (is_upper(c)) out.push_back('!');
    out.push_back(to_lower(c));
  }
  return out;
}

Result<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (is_upper(c)) return usage_error("unescaped upper-case letter");
    if (c == '!') {
      ++i;
      if (i == text.size() || !is_lower(text[i])) return usage_error("bad escape");
      c = static_cast<char>(text[i] - 'a' + 'A');
    }
    out.push_back(c);
  }
  return out;
}

std::optional<SplitPath> split_gopkg_in(std::string_view path) {
  std::size_t i = path.size();
  if (path.ends_with(kUnstable)) i -= kUnstable.size();
  while (i > 0 && is_digit(path[i - 1])) --i;
  if (i <= 1 || path[i - 1] != 'v' || path[i - 2] != '.') return std::nullopt;
  SplitPath out{path.substr(0, i - 2), path.substr(i - 2)};
  if (out.major.size() <= 2 || (out.major[2] == '0' && out.major != ".v0")) return std::nullopt;
  return out;
}

// Decimal text plus one, of any length.
std::string increment(std::string_view digits) {
  std::string out(digits);
  std::size_t i = out.size();
  while (i > 0 && out[i - 1] == '9') out[--i] = '0';
  if (i == 0) {
    out.insert(out.begin(), '1');
  } else {
    ++out[i - 1];
  }
  return out;
}

}  // namespace

Status check_path(std::string_view path) {
  auto status = check_path_parts(path);
  if (!status) return std::move(status).error().in("module path " + quoted(path));
  return {};
}

Status check_import_path(std::string_view path) {
  auto status = path.size() > kMaxPathBytes ? usage_error("too long")
                                            : check_elements(path, PathKind::kImport);
  if (!status) return std::move(status).error().in("malformed import path " + quoted(path));
  return {};
}

Status check_file_path(std::string_view path) {
  auto status = check_elements(path, PathKind::kFile);
  if (!status) return std::move(status).error().in("malformed file path " + quoted(path));
  return {};
}

std::string_view last_element(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Result<std::string> escape_path(std::string_view path) {
  GW_CHECK(check_path(path));
  return escape(path);
}

Result<std::string> escape_version(std::string_view version) {
  auto status = check_version_text(version);
  if (!status) return std::move(status).error().in("version " + quoted(version));
  return escape(version);
}

Result<std::string> unescape_path(std::string_view escaped) {
  auto path = unescape(escaped);
  if (!path) return std::move(path).error().in("escaped module path " + quoted(escaped));
  GW_CHECK(check_path(*path));
  return path;
}

Result<std::string> unescape_version(std::string_view escaped) {
  auto version = unescape(escaped);
  if (!version) return std::move(version).error().in("escaped version " + quoted(escaped));
  auto status = check_version_text(*version);
  if (!status) return std::move(status).error().in("version " + quoted(*version));
  return version;
}

std::optional<SplitPath> split_path_version(std::string_view path) {
  if (path.starts_with(kGopkgIn)) return split_gopkg_in(path);
  std::size_t i = path.size();
  bool dot = false;
  while (i > 0 && (is_digit(path[i - 1]) || path[i - 1] == '.')) {
    dot = dot || path[i - 1] == '.';
    --i;
  }
  if (i <= 1 || i == path.size() || path[i - 1] != 'v' || path[i - 2] != '/') {
    return SplitPath{path, {}};
  }
  SplitPath out{path.substr(0, i - 2), path.substr(i - 2)};
  if (dot || out.major[2] == '0' || out.major == "/v1") return std::nullopt;
  return out;
}

bool major_matches(std::string_view version, std::string_view path_major) {
  if (path_major.starts_with(".v") && path_major.ends_with(kUnstable)) {
    path_major.remove_suffix(kUnstable.size());
  }
  if (path_major == ".v1" && version.starts_with("v0.0.0-")) return true;
  const std::string_view major = version.substr(0, version.find('.'));
  if (!path_major.empty()) return major == path_major.substr(1);
  return major == "v0" || major == "v1" || version.ends_with("+incompatible");
}

std::string next_major_path(std::string_view path) {
  auto parts = split_path_version(path);
  if (!parts || parts->major.empty()) return std::string(path) + "/v2";
  std::string_view digits = parts->major.substr(2);
  std::string_view suffix;
  if (digits.ends_with(kUnstable)) {
    suffix = kUnstable;
    digits.remove_suffix(kUnstable.size());
  }
  std::string out(parts->prefix);
  out += parts->major.substr(0, 2);
  out += increment(digits.empty() ? "0" : digits);
  out += suffix;
  return out;
}

Result<ModulePath> ModulePath::parse(std::string_view text) {
  GW_CHECK(check_path(text));
  return ModulePath(std::string(text));
}

ModulePath ModulePath::next_major() const { return ModulePath(next_major_path(text_)); }

}  // namespace gw::mod
