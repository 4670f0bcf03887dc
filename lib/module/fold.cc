#include "module/fold.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "module/unicode.h"

namespace gw::mod {

namespace {

struct FoldRange {
  char32_t first, last, stride, to;
};

#include "module/fold_table.inc"

char32_t fold_rune(char32_t c) {
  const FoldRange* after =
      std::upper_bound(std::begin(kFolds), std::end(kFolds), c,
                       [](char32_t v, const FoldRange& r) { return v < r.first; });
  if (after == std::begin(kFolds)) return c;
  const FoldRange& range = *std::prev(after);
  if (c > range.last || (c - range.first) % range.stride != 0) return c;
  return range.to + (c - range.first);
}

}  // namespace

std::string fold_case(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = decode_rune(text);
    if (rune.value < 0x80) {
      out.push_back(to_lower(static_cast<char>(rune.value)));
    } else {
      append_rune(out, fold_rune(rune.value));
    }
    text.remove_prefix(rune.size);
  }
  return out;
}

}  // namespace gw::mod
