#include "buildd/build_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"
#include "build/resolve.h"
#include "module/path.h"

namespace gw::buildd {

namespace {

constexpr std::string_view kLatest = "latest";
constexpr std::string_view kStripped = "stripped";

Error no_page(std::string message) {
  return not_found_error(std::move(message),
                         "paths are MODULE, MODULE@VERSION/DIR, or "
                         "MODULE@VERSION/DIR/GOOS-GOARCH-GOVERSION[-stripped]/");
}

struct TargetPart {
  build::Target target;
  std::string go_version;
  bool stripped = false;
};

// By its form; whether there is such a target comes later.
std::optional<TargetPart> find_target(std::string_view text) {
  const auto parts = split(text, '-');
  if (parts.size() < 3 || parts.size() > 4) return std::nullopt;
  if (parts.size() == 4 && parts[3] != kStripped) return std::nullopt;
  for (const std::string_view platform : {parts[0], parts[1]}) {
    if (platform.empty() || !std::all_of(platform.begin(), platform.end(), is_lower_or_digit)) {
      return std::nullopt;
    }
  }
  if (!parts[2].starts_with("go") && parts[2] != kLatest) return std::nullopt;
  return TargetPart{
      {std::string(parts[0]), std::string(parts[1])}, std::string(parts[2]), parts.size() == 4};
}

Status check_target(const TargetPart& part) {
  const auto known = build::parse_target(build::format_target(part.target));
  if (!known) return no_page(known.error().message);
  if (build::is_go_query(part.go_version)) return {};
  const Status go = build::check_go_version(part.go_version);
  if (!go) return not_found_error(go.error().message, go.error().hint);
  return {};
}

std::string join(const std::vector<std::string_view>& parts, std::size_t end) {
  std::string out;
  for (std::size_t i = 0; i < end; ++i) {
    out += '/';
    out += parts[i];
  }
  return out;
}

Status set_dir(BuildPath& out, std::string dir) {
  if (dir.empty()) return {};
  const auto valid = mod::check_import_path(out.key.module + dir);
  if (!valid) return no_page(valid.error().message);
  out.key.dir = std::move(dir);
  return {};
}

// `rest`: behind the target, from its slash on.
Status parse_behind(BuildPath& out, std::string_view rest) {
  if (rest.empty()) {
    out.misspelled = true;
    return {};
  }
  rest.remove_prefix(1);
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    out.sum = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
    if (!is_binary_sum(out.sum)) return no_page(quoted(out.sum) + ": no binary's sum");
    if (rest.find('/') != std::string_view::npos) return no_page("nothing is that deep");
  } else if (is_binary_sum(rest)) {
    out.sum = rest;
    out.misspelled = true;
    return {};
  }
  out.page = rest;
  return {};
}

// `rest`: behind the version.
Result<BuildPath> parse_version_path(BuildPath out, std::string_view rest) {
  std::vector<std::string_view> parts;
  if (!rest.empty()) parts = split(rest.substr(1), '/');
  // The last one that is followed by something, or else the last one.
  std::optional<std::size_t> at;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (find_target(parts[i]) && (i + 1 < parts.size() || !at)) at = i;
  }
  if (!at) {
    out.kind = BuildPath::Kind::kVersion;
    out.misspelled = rest.ends_with('/');
    if (out.misspelled) rest.remove_suffix(1);
    GW_CHECK(set_dir(out, std::string(rest)));
    return out;
  }
  out.kind = BuildPath::Kind::kBuild;
  const TargetPart part = *find_target(parts[*at]);
  GW_CHECK(check_target(part));
  out.key.target = part.target;
  out.key.go_version = part.go_version;
  out.key.stripped = part.stripped;
  GW_CHECK(set_dir(out, join(parts, *at)));
  const std::size_t behind = join(parts, *at + 1).size();
  GW_CHECK(parse_behind(out, rest.substr(behind)));
  return out;
}

}  // namespace

Result<BuildPath> parse_build_path(std::string_view path) {
  BuildPath out;
  if (!path.starts_with('/')) return no_page("no path");
  path.remove_prefix(1);
  if (path.empty()) return out;
  const std::size_t at = path.find('@');
  out.key.module = path.substr(0, at);
  if (at == std::string_view::npos) {
    out.kind = BuildPath::Kind::kModule;
    if (out.key.module.ends_with('/')) {
      out.key.module.pop_back();
      out.misspelled = true;
    }
  }
  if (const Status valid = mod::check_path(out.key.module); !valid) {
    return no_page(valid.error().message);
  }
  if (at == std::string_view::npos) return out;
  path.remove_prefix(at + 1);
  out.key.version = path.substr(0, path.find('/'));
  path.remove_prefix(out.key.version.size());
  // kUsage for words that ask for no version.
  GW_TRY([[maybe_unused]] const auto request,
         build::parse_request(fmt::format("{}@{}", out.key.module, out.key.version)));
  if (!mod::escape_version(out.key.version)) return no_page("no version");
  return parse_version_path(std::move(out), path);
}

std::string format_build_path(const BuildPath& path) {
  switch (path.kind) {
    case BuildPath::Kind::kHome:
      return "/";
    case BuildPath::Kind::kModule:
      return "/" + path.key.module;
    case BuildPath::Kind::kVersion:
      return fmt::format("/{}@{}{}", path.key.module, path.key.version,
                         path.key.dir.size() > 1 ? path.key.dir : "");
    case BuildPath::Kind::kBuild:
      break;
  }
  return fmt::format("/{}{}{}{}", build::format_key(path.key), path.sum,
                     path.sum.empty() ? "" : "/", path.page);
}

std::string build_page(const build::Key& key) { return "/" + build::format_key(key); }

bool is_binary_sum(std::string_view text) {
  constexpr std::string_view kLastDigits = "AEIMQUYcgkosw048";
  constexpr std::size_t kChars = 28;
  return text.size() == kChars && text.front() == '0' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_'; }) &&
         kLastDigits.find(text.back()) != std::string_view::npos;
}

bool is_named_page(std::string_view page) {
  constexpr std::array<std::string_view, 8> kNamed{"",       "log",   "dl",         "record",
                                                   "events", "retry", "provenance", "modules"};
  return std::find(kNamed.begin(), kNamed.end(), page) != kNamed.end();
}

bool is_known_page(const BuildPath& path) {
  if (is_named_page(path.page)) return true;
  const std::string file = build::binary_name(path.key);
  constexpr std::array<std::string_view, 4> kEnds{"", ".gz", ".tlog-proof", ".gz.tlog-proof"};
  return std::any_of(kEnds.begin(), kEnds.end(), [&](std::string_view end) {
    return path.page == fmt::format("{}{}", file, end);
  });
}

build::Target guess_target(std::string_view user_agent) {
  const auto has = [&](std::string_view text) {
    return user_agent.find(text) != std::string_view::npos;
  };
  std::string goos = "linux";
  if (has("Windows")) {
    goos = "windows";
  } else if (has("iPhone") || has("iPad")) {
    // Nothing can be built for it; who reads there wants it for another machine.
  } else if (has("Android")) {
    return {"android", "arm64"};
  } else if (has("Mac OS X") || has("Macintosh")) {
    goos = "darwin";
  } else if (has("FreeBSD")) {
    goos = "freebsd";
  } else if (has("OpenBSD")) {
    goos = "openbsd";
  } else if (has("NetBSD")) {
    goos = "netbsd";
  }
  std::string goarch = "amd64";
  if (has("aarch64") || has("arm64") || has("ARM64")) {
    goarch = "arm64";
  } else if (has("armv7") || has("armv6")) {
    goarch = "arm";
  } else if (has("i686") || has("i386")) {
    goarch = "386";
  } else if (has("riscv64")) {
    goarch = "riscv64";
  }
  // A browser on Apple's processors says that it is an Intel's.
  if (goos == "darwin") goarch = "arm64";
  if (!build::parse_target(fmt::format("{}/{}", goos, goarch))) goarch = "amd64";
  return {goos, goarch};
}

}  // namespace gw::buildd
