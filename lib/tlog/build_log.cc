#include "tlog/build_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "module/goversion.h"
#include "module/path.h"

namespace gw::tlog {
namespace {

constexpr std::string_view kStripped = "stripped";
constexpr std::size_t kFields = 9;
constexpr std::uint32_t kOldestMinor = 13;
constexpr std::uint32_t kZeroPatchFrom = 21;  // the first minor whose first release is go1.N.0
constexpr std::size_t kSumChars = 28;
constexpr std::size_t kMaxPlatformBytes = 32;

// GOOS or GOARCH.
bool is_platform(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPlatformBytes &&
         std::all_of(text.begin(), text.end(), is_lower_or_digit);
}

bool is_go_version(std::string_view text) {
  const auto v = mod::parse_go_version(text);
  if (!v || v->minor < kOldestMinor) return false;
  if (!v->is_release() || v->patch != 0) return true;
  // Each toolchain has one spelling.
  return text.ends_with(".0") == (v->minor >= kZeroPatchFrom);
}

bool is_path_element(std::string_view text) {
  const auto good = [](char c) {
    return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || c == '+';
  };
  return !text.empty() && text.back() != '.' && std::all_of(text.begin(), text.end(), good);
}

// "/" or "/a/b".
bool is_dir(std::string_view text) {
  if (!text.starts_with('/') || text.size() > mod::kMaxPathBytes) return false;
  if (text.size() == 1) return true;
  while (!text.empty()) {
    text.remove_prefix(1);
    const std::string_view element = text.substr(0, text.find('/'));
    if (!is_path_element(element)) return false;
    text.remove_prefix(element.size());
  }
  return true;
}

bool is_target(const BuildTarget& t) {
  return mod::check_path(t.module) && mod::escape_version(t.version) && is_dir(t.dir) &&
         is_platform(t.goos) && is_platform(t.goarch) && is_go_version(t.goversion);
}

// `0` and 27 digits, of which the last carries two unused bits that are clear.
bool is_sum(std::string_view text) {
  constexpr std::string_view kLastDigits = "AEIMQUYcgkosw048";
  return text.size() == kSumChars && text.front() == '0' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_'; }) &&
         kLastDigits.find(text.back()) != std::string_view::npos;
}

// Exactly N parts divided by single `between`s.
template <std::size_t N>
std::optional<std::array<std::string_view, N>> split(std::string_view text, char between) {
  std::array<std::string_view, N> out;
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t end = text.find(between);
    if ((end == std::string_view::npos) != (i + 1 == N)) return std::nullopt;
    out[i] = text.substr(0, end);
    if (i + 1 < N) text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

std::optional<BuildRecord> parse_build_record(std::string_view text) {
  if (!text.ends_with('\n')) return std::nullopt;
  text.remove_suffix(1);
  const auto field = split<kFields>(text, ' ');
  if (!field) return std::nullopt;
  const auto& [module, version, dir, goos, goarch, goversion, size, sum, variant] = *field;
  const auto bytes = parse_decimal(size);
  if (!bytes || !is_sum(sum) || !(variant.empty() || variant == kStripped)) return std::nullopt;
  const BuildTarget target{module, version, dir, goos, goarch, goversion, !variant.empty()};
  if (!is_target(target)) return std::nullopt;
  return BuildRecord{target, *bytes, sum};
}

std::string format_build_record(const BuildRecord& r) {
  const BuildTarget& t = r.target;
  return fmt::format("{} {} {} {} {} {} {} {} {}\n", t.module, t.version, t.dir, t.goos, t.goarch,
                     t.goversion, r.size, r.sum, t.stripped ? kStripped : "");
}

std::optional<BuildTarget> parse_build_key(std::string_view key) {
  const std::size_t at = key.find('@');
  if (at == std::string_view::npos || !key.ends_with('/')) return std::nullopt;
  BuildTarget t;
  t.module = key.substr(0, at);
  std::string_view rest = key.substr(at + 1);
  rest.remove_suffix(1);
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  t.version = rest.substr(0, slash);
  rest.remove_prefix(slash);
  // DIR/GOOS-GOARCH-GOVER, or /GOOS-... at the module's root.
  const std::size_t last = rest.rfind('/');
  t.dir = rest.substr(0, std::max<std::size_t>(last, 1));
  std::string_view platform = rest.substr(last + 1);
  if (platform.ends_with("-stripped")) {
    t.stripped = true;
    platform.remove_suffix(kStripped.size() + 1);
  }
  const auto parts = split<3>(platform, '-');
  if (!parts) return std::nullopt;
  t.goos = (*parts)[0];
  t.goarch = (*parts)[1];
  t.goversion = (*parts)[2];
  if (!is_target(t) || (last > 0 && t.dir.size() == 1)) return std::nullopt;
  return t;
}

std::string format_build_key(const BuildTarget& t) {
  return fmt::format("{}@{}{}{}{}-{}-{}{}/", t.module, t.version, t.dir,
                     t.dir.size() == 1 ? "" : "/", t.goos, t.goarch, t.goversion,
                     t.stripped ? "-stripped" : "");
}

std::string build_log_url(std::string_view name) {
  const bool local = name.find('.') == std::string_view::npos;
  const bool has_port = name.find(':') != std::string_view::npos;
  return fmt::format("{}://{}{}/tlog", local ? "http" : "https", name,
                     local && !has_port ? ":8000" : "");
}

namespace {

std::optional<RecordSubject> find_subject(std::string_view record) {
  const auto r = parse_build_record(record);
  if (!r) return std::nullopt;
  return RecordSubject{r->target.module, r->target.version};
}

std::string key_of(std::string_view record) {
  const auto r = parse_build_record(record);
  return r ? format_build_key(r->target) : std::string();
}

Result<std::string> lookup_path(std::string_view key) {
  if (!parse_build_key(key)) {
    return usage_error(quoted(key) + ": no MODULE@VERSION/[DIR/]GOOS-GOARCH-GOVERSION[-stripped]/");
  }
  return fmt::format("lookup/{}", key);
}

Status check_answer(std::string_view record, std::string_view key) {
  if (!parse_build_record(record)) return untrusted_error("record is not that of a build");
  if (key_of(record) != key) return another_record_error(key);
  return {};
}

}  // namespace

constinit const LogFormat kBuildLog{.name = "build",
                                    .origin = kSumdbOrigin,
                                    .find_subject = find_subject,
                                    .key_of = key_of,
                                    .lookup_path = lookup_path,
                                    .check_answer = check_answer};

}  // namespace gw::tlog
