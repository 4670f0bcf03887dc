#include "module/gosum.h"

#include <fmt/format.h>

#include "base/text.h"

namespace gw::mod {

Result<std::vector<GoSumLine>> parse_gosum(std::string_view text) {
  constexpr std::string_view kHashOfNothing = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=";
  constexpr std::string_view kGoMod = "/go.mod";
  std::vector<GoSumLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto words = split_words(take_line(text));
    if (words.empty()) continue;
    if (words.size() != 3) {
      return usage_error(
          fmt::format("go.sum:{}: {} words in place of MODULE VERSION HASH", number, words.size()));
    }
    if (words[2] == kHashOfNothing) continue;
    GoSumLine line{words[0], words[1], false, words[2], number};
    if (line.version.ends_with(kGoMod)) {
      line.gomod = true;
      line.version.remove_suffix(kGoMod.size());
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace gw::mod
