#include "module/proxy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "module/dirhash.h"
#include "module/path.h"
#include "module/semver.h"
#include "module/zip.h"

namespace gw::mod {

namespace {

constexpr std::string_view kVersionPart = "/@v/";
constexpr std::string_view kListPart = "/@v/list";
constexpr std::string_view kLatestPart = "/@latest";

// What follows the version in a path; empty for kinds without one.
std::string_view extension(ProxyRequest::Kind kind) {
  switch (kind) {
    case ProxyRequest::Kind::kInfo:
      return ".info";
    case ProxyRequest::Kind::kMod:
      return ".mod";
    case ProxyRequest::Kind::kZip:
      return ".zip";
    default:
      return {};
  }
}

// Only a canonical version has a go.mod and a zip; what else can be asked about is a query.
Status check_version(const ProxyRequest& request) {
  if (request.kind == ProxyRequest::Kind::kInfo) return {};
  return check_module_version(request.module, request.version);
}

// Calls `use` with the words of every line that begins with a version of this module.
template <class Use>
void each_version_line(std::string_view module, std::string_view answer, Use use) {
  while (!answer.empty()) {
    const std::vector<std::string_view> words = split_words(take_line(answer));
    if (!words.empty() && check_module_version(module, words[0])) use(words);
  }
}

bool older(const std::string& a, const std::string& b) {
  const int order = compare_semver(*parse_semver(a), *parse_semver(b));
  return order != 0 ? order < 0 : a < b;
}

// "20060102150405", UTC.
std::optional<WallTime> parse_pseudo_time(std::string_view digits) {
  const auto number = [&](std::size_t at, std::size_t n) {
    unsigned value = 0;
    for (const char c : digits.substr(at, n)) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
  };
  return make_time(static_cast<int>(number(0, 4)), number(4, 2), number(6, 2), number(8, 2),
                   number(10, 2), number(12, 2));
}

}  // namespace

Result<std::string> format_proxy_path(const ProxyRequest& request) {
  GW_TRY(const std::string path, escape_path(request.module));
  if (request.kind == ProxyRequest::Kind::kList) return path + std::string(kListPart);
  if (request.kind == ProxyRequest::Kind::kLatest) return path + std::string(kLatestPart);
  GW_CHECK(check_version(request));
  GW_TRY(const std::string version, escape_version(request.version));
  return fmt::format("{}{}{}{}", path, kVersionPart, version, extension(request.kind));
}

Result<ProxyRequest> parse_proxy_path(std::string_view path) {
  ProxyRequest out;
  const auto unescape_module = [&](std::string_view escaped) -> Status {
    GW_TRY(out.module, unescape_path(escaped));
    return {};
  };
  if (path.ends_with(kLatestPart) || path.ends_with(kListPart)) {
    const bool latest = path.ends_with(kLatestPart);
    out.kind = latest ? ProxyRequest::Kind::kLatest : ProxyRequest::Kind::kList;
    path.remove_suffix(latest ? kLatestPart.size() : kListPart.size());
    GW_CHECK(unescape_module(path));
    return out;
  }
  const std::size_t part = path.find(kVersionPart);
  if (part != std::string_view::npos) {
    const std::string_view file = path.substr(part + kVersionPart.size());
    for (const auto kind :
         {ProxyRequest::Kind::kInfo, ProxyRequest::Kind::kMod, ProxyRequest::Kind::kZip}) {
      if (!file.ends_with(extension(kind))) continue;
      out.kind = kind;
      GW_CHECK(unescape_module(path.substr(0, part)));
      GW_TRY(out.version, unescape_version(file.substr(0, file.size() - extension(kind).size())));
      GW_CHECK(check_version(out));
      return out;
    }
  }
  return usage_error("no path of a module proxy: " + quoted(path));
}

std::uint64_t max_answer_bytes(ProxyRequest::Kind kind) {
  switch (kind) {
    case ProxyRequest::Kind::kList:
      return 4UL << 20U;
    case ProxyRequest::Kind::kMod:
      return kMaxSpecialFileBytes;
    case ProxyRequest::Kind::kZip:
      return kMaxZipBytes;
    default:
      return 64UL << 10U;
  }
}

std::vector<std::string> parse_version_list(std::string_view module, std::string_view answer) {
  std::vector<std::string> out;
  each_version_line(module, answer, [&](const std::vector<std::string_view>& words) {
    if (!parse_pseudo_version(words[0])) out.emplace_back(words[0]);
  });
  std::sort(out.begin(), out.end(), older);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::optional<std::string> find_latest_by_time(std::string_view module, std::string_view answer) {
  std::optional<std::string> best;
  WallTime best_time{};
  each_version_line(module, answer, [&](const std::vector<std::string_view>& words) {
    std::optional<WallTime> time;
    if (words.size() > 1) {
      time = parse_rfc3339(words[1]);
    } else if (const auto pseudo = parse_pseudo_version(words[0])) {
      time = parse_pseudo_time(pseudo->time);
    }
    if (!time || (best && *time <= best_time)) return;
    best = std::string(words[0]);
    best_time = *time;
  });
  return best;
}

Result<VersionInfo> parse_version_info(const ProxyRequest& request, std::string_view answer) {
  const auto json = parse_json(answer);
  if (!json || !json->is_object()) return untrusted_error("version info is not a JSON object");
  const auto version = json->find("Version");
  if (version == json->end() || !version->is_string()) {
    return untrusted_error("version info without a version");
  }
  VersionInfo out{version->get<std::string>(), std::nullopt};
  if (auto s = check_module_version(request.module, out.version); !s) {
    return untrusted_error("version info: " + s.error().message);
  }
  if (request.kind == ProxyRequest::Kind::kInfo && out.version != request.version &&
      check_module_version(request.module, request.version)) {
    return untrusted_error(
        fmt::format("version info of {} where {} was asked for", out.version, request.version));
  }
  if (const auto time = json->find("Time"); time != json->end() && !time->is_null()) {
    if (time->is_string()) out.time = parse_rfc3339(time->get_ref<const std::string&>());
    if (!out.time) return untrusted_error("version info with a malformed time");
  }
  return out;
}

Status verify_gomod(std::string_view answer, std::string_view sum) {
  if (answer.size() > kMaxSpecialFileBytes) return untrusted_error("go.mod larger than 16 MiB");
  if (const std::string own = hash_gomod(answer); own != sum) {
    return untrusted_error(fmt::format("go.mod has the sum {}, not {}", own, quoted(sum)));
  }
  return {};
}

}  // namespace gw::mod
