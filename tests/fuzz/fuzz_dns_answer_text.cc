// TXT answers: what is read and fits in one string is written and read back as the same.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dns/answer_text.h"
#include "fuzz/require.h"

namespace fuzz_dns_answer_text {

FUZZ_TARGET(dns_answer_text)(const std::uint8_t* data, std::size_t size) {
  using namespace gw::dns;  // NOLINT(google-build-using-namespace)
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::array<char, kMaxTxt> out;
  if (auto versions = parse_module_answer(text)) {
    std::vector<ModuleVersionView> views;
    for (const ModuleVersion& version : *versions)
      views.push_back({version.version, version.found});
    const ModuleVersion* latest = latest_version(*versions);
    require(latest == nullptr || (latest >= versions->data() && latest < &*versions->end()));
    if (std::size_t n = format_module_answer(views, out)) {
      auto again = parse_module_answer({out.data(), n});
      require(again && again->size() <= versions->size());
      for (std::size_t i = 0; i < again->size(); ++i) require((*again)[i] == (*versions)[i]);
    }
  }
  if (auto toolchains = parse_toolchain_answer(text)) {
    require(toolchains->size() <= 3);
    std::vector<ToolchainView> views;
    for (const auto& t : *toolchains) views.push_back({t.version, t.kind, t.found});
    if (std::size_t n = format_toolchain_answer(views, out)) {
      auto again = parse_toolchain_answer({out.data(), n});
      require(again && again->size() <= toolchains->size());
      for (std::size_t i = 0; i < again->size(); ++i) require((*again)[i] == (*toolchains)[i]);
    }
  }
  // Two records, divided by a line feed.
  std::size_t line = text.find('\n');
  std::vector<std::string> records = {std::string(text.substr(0, line))};
  if (line != std::string_view::npos) records.emplace_back(text.substr(line + 1));
  (void)parse_updates(records);
  return 0;
}

}  // namespace fuzz_dns_answer_text
