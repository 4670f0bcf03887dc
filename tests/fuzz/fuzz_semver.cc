// Versions: two of them, divided by a line feed. The parts give the text again; comparing is a
// total order that agrees in both directions; summaries read back as they were written.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "fuzz/require.h"
#include "module/goversion.h"
#include "module/releases.h"
#include "module/semver.h"

namespace fuzz_semver {

using namespace gw;
using namespace gw::mod;

namespace {

void check_one(std::string_view text) {
  if (auto v = parse_semver(text)) {
    std::string again =
        "v" + std::string(v->major) + "." + std::string(v->minor) + "." + std::string(v->patch);
    if (!v->prerelease.empty()) again += "-" + std::string(v->prerelease);
    if (v->incompatible) again += "+incompatible";
    if (again != text || compare_semver(*v, *v) != 0) std::abort();
  }
  if (auto p = parse_pseudo_version(text)) {
    std::string again =
        std::string(p->base) + std::string(p->time) + "-" + std::string(p->revision);
    if (p->incompatible) again += "+incompatible";
    if (again != text) std::abort();
  }
  if (auto r = parse_toolchain_version(text)) {
    if (!parse_go_version(r->go_version)) std::abort();
    if ("v0.0.1-" + std::string(r->go_version) + "." + std::string(r->platform) != text)
      std::abort();
  }
  if (auto s = ReleaseSummary::parse(text); s && s->format() != text) std::abort();
  if (auto s = ToolchainSummary::parse(text); s && s->format() != text) std::abort();
  ServedReleases it(text);
  for (std::size_t n = 0; it.next(); ++n) {
    if (n > text.size()) std::abort();
  }
}

}  // namespace

FUZZ_TARGET(semver)(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  check_one(input);
  std::size_t lf = input.find('\n');
  if (lf == std::string_view::npos) return 0;
  std::string_view one = input.substr(0, lf);
  std::string_view two = input.substr(lf + 1);
  check_one(one);
  check_one(two);
  auto a = parse_semver(one);
  auto b = parse_semver(two);
  if (a && b && compare_semver(*a, *b) != -compare_semver(*b, *a)) std::abort();
  ReleaseSummary ab;
  ReleaseSummary ba;
  ab.add(one, 1);
  ab.add(two, 2);
  ba.add(two, 2);
  ba.add(one, 1);
  if (ab.format() != ba.format()) std::abort();
  if (ReleaseSummary::parse(ab.format())->format() != ab.format()) std::abort();
  ToolchainSummary tc;
  tc.add(one, 1);
  tc.add(two, 2);
  if (ToolchainSummary::parse(tc.format())->format() != tc.format()) std::abort();
  return 0;
}

}  // namespace fuzz_semver
