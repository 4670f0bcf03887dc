#include "build/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace gw::build {

namespace {

constexpr auto kTargets = std::to_array<KnownTarget>({
    {"aix", "ppc64"},         {"android", "386", true}, {"android", "amd64", true},
    {"android", "arm", true}, {"android", "arm64"},     {"darwin", "amd64"},
    {"darwin", "arm64"},      {"dragonfly", "amd64"},   {"freebsd", "386"},
    {"freebsd", "amd64"},     {"freebsd", "arm"},       {"freebsd", "arm64"},
    {"illumos", "amd64"},     {"ios", "amd64", true},   {"ios", "arm64", true},
    {"js", "wasm"},           {"linux", "386"},         {"linux", "amd64"},
    {"linux", "arm"},         {"linux", "arm64"},       {"linux", "loong64"},
    {"linux", "mips"},        {"linux", "mips64"},      {"linux", "mips64le"},
    {"linux", "mipsle"},      {"linux", "ppc64"},       {"linux", "ppc64le"},
    {"linux", "riscv64"},     {"linux", "s390x"},       {"netbsd", "386"},
    {"netbsd", "amd64"},      {"netbsd", "arm"},        {"netbsd", "arm64"},
    {"openbsd", "386"},       {"openbsd", "amd64"},     {"openbsd", "arm"},
    {"openbsd", "arm64"},     {"openbsd", "ppc64"},     {"openbsd", "riscv64"},
    {"plan9", "386"},         {"plan9", "amd64"},       {"plan9", "arm"},
    {"solaris", "amd64"},     {"wasip1", "wasm"},       {"windows", "386"},
    {"windows", "amd64"},     {"windows", "arm64"},
});

const KnownTarget* find_known(std::string_view goos, std::string_view goarch) {
  const auto* const found = std::find_if(kTargets.begin(), kTargets.end(), [&](const auto& t) {
    return t.goos == goos && t.goarch == goarch;
  });
  return found == kTargets.end() ? nullptr : found;
}

// What there is for the system, or else for the processor.
std::string hint_for(std::string_view goos, std::string_view goarch) {
  std::string same_system;
  std::string same_processor;
  for (const KnownTarget& t : kTargets) {
    if (t.needs_cgo) continue;
    if (t.goos == goos) same_system += fmt::format(" {}/{}", t.goos, t.goarch);
    if (t.goarch == goarch) same_processor += fmt::format(" {}/{}", t.goos, t.goarch);
  }
  if (!same_system.empty()) return "there is" + same_system;
  if (!same_processor.empty()) return "there is" + same_processor;
  return "write GOOS/GOARCH, such as linux/amd64";
}

}  // namespace

std::span<const KnownTarget> known_targets() { return kTargets; }

Result<Target> parse_target(std::string_view text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view goos = text.substr(0, slash);
  const std::string_view goarch = text.substr(std::min(slash + 1, text.size()));
  if (find_known(goos, goarch) == nullptr) {
    return usage_error(quoted(text) + ": Go knows no such target", hint_for(goos, goarch));
  }
  return Target{std::string(goos), std::string(goarch)};
}

bool needs_cgo(const Target& target) {
  const KnownTarget* const known = find_known(target.goos, target.goarch);
  return known != nullptr && known->needs_cgo;
}

std::string format_target(const Target& target) {
  return fmt::format("{}/{}", target.goos, target.goarch);
}

Target host_target() {
#if defined(__x86_64__)
  return {"linux", "amd64"};
#elif defined(__aarch64__)
  return {"linux", "arm64"};
#elif defined(__riscv)
  return {"linux", "riscv64"};
#elif defined(__powerpc64__)
  return {"linux", "ppc64le"};
#elif defined(__s390x__)
  return {"linux", "s390x"};
#elif defined(__i386__)
  return {"linux", "386"};
#else
  return {"linux", "arm"};
#endif
}

}  // namespace gw::build
