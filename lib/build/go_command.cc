#include "build/go_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "module/goversion.h"

namespace gw::build {

namespace {

constexpr std::uint32_t kInstallFrom = 18;   // go install PATH@VERSION is `go get` before
constexpr std::uint32_t kReadonlyFrom = 18;  // -mod=readonly in GOFLAGS with PATH@VERSION
constexpr std::uint32_t kSerialBelow = 26;   // the compiler's own threads
constexpr std::string_view kReproducible = "-ldflags=-buildid=";

std::uint32_t minor_of(const Key& key) {
  const auto version = mod::parse_go_version(key.go_version);
  return version ? version->minor : 0;
}

std::vector<std::string> arguments(const Key& key, std::vector<std::string> first) {
  std::vector<std::string> out = {"go", minor_of(key) < kInstallFrom ? "get" : "install"};
  for (std::string& argument : first) out.push_back(std::move(argument));
  out.emplace_back("-trimpath");
  out.push_back(std::string(kReproducible) + (key.stripped ? " -s" : ""));
  out.emplace_back("--");
  out.push_back(fmt::format("{}@{}", key.package(), key.version));
  return out;
}

}  // namespace

std::vector<std::string> go_environment(const Key& key, const GoPlaces& places) {
  std::vector<std::string> out = {
      "CGO_ENABLED=0",
      "GO111MODULE=on",
      "GOARCH=" + key.target.goarch,
      "GOAUTH=off",
      "GOCACHE=" + places.build_cache,
      "GOENV=off",
      "GOMODCACHE=" + places.module_cache,
      "GOOS=" + key.target.goos,
      "GOPATH=" + places.gopath,
      "GOPROXY=" + places.proxy,
      "GOROOT=" + places.goroot,
      "GOSUMDB=off",
      "GOTMPDIR=" + places.temporary,
      "GOTOOLCHAIN=local",
      "GOVCS=*:off",
      "GOWORK=off",
      "HOME=" + places.home,
  };
  const std::uint32_t minor = minor_of(key);
  if (minor >= kReadonlyFrom) out.emplace_back("GOFLAGS=-mod=readonly");
  if (minor < kSerialBelow) out.emplace_back("GO19CONCURRENTCOMPILATION=0");
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> fetch_arguments(const Key& key) { return arguments(key, {"-n"}); }

std::vector<std::string> build_arguments(const Key& key) { return arguments(key, {"-x", "-v"}); }

std::vector<std::string> std_arguments(const std::vector<std::string>& packages) {
  std::vector<std::string> out = {"go", "build", "-v", "-trimpath", std::string(kReproducible),
                                  "--"};
  out.insert(out.end(), packages.begin(), packages.end());
  return out;
}

Status check_go_env(std::string_view text) {
  // Set by go_environment() in any case, so what the file says of them is never heard.
  constexpr auto kHarmless = std::to_array<std::string_view>({"GOPROXY", "GOSUMDB", "GOTOOLCHAIN"});
  while (!text.empty()) {
    const std::string_view line = trim(take_line(text));
    if (line.empty() || line.starts_with('#')) continue;
    const std::string_view name = trim(line.substr(0, line.find('=')));
    if (std::find(kHarmless.begin(), kHarmless.end(), name) != kHarmless.end()) continue;
    return usage_error(fmt::format("go.env sets {}, which may change the bytes", quoted(name)),
                       "take a toolchain as it is released");
  }
  return {};
}

}  // namespace gw::build
