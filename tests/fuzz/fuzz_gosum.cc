// Any bytes as go.sum: what is accepted says the same when it is written down plainly and read
// again, and nothing of it is proven before somebody was asked; errors are printable and name a
// line of the text.
#include <cstdint>
#include <string>
#include <string_view>

#include "check/gosum_file.h"
#include "fuzz/require.h"
#include "module/gosum.h"

namespace fuzz_gosum {

namespace {

void check_error(const gw::Error& error) {
  require(error.kind == gw::ErrorKind::kUsage);
  for (const char c : error.message) require(c >= 0x20 && c < 0x7f);
}

}  // namespace

FUZZ_TARGET(gosum)(const std::uint8_t* data, std::size_t size) {
  using gw::check::SumLine;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  gw::check::SumFiles found;
  gw::check::read_gosum("go.sum", text, found);
  for (const auto& line : found.lines) {
    require(line.open() || line.state == SumLine::State::kFailed);
    require(line.open() != line.error.has_value());
    if (line.error) check_error(*line.error);
  }
  const auto lines = gw::mod::parse_gosum(text);
  if (!lines) {
    check_error(lines.error());
    return 0;
  }
  require(found.lines.size() == lines->size());
  std::string plain;
  for (const auto& line : *lines) {
    plain += std::string(line.module) + " " + std::string(line.version) +
             (line.gomod ? "/go.mod " : " ") + std::string(line.hash) + "\n";
  }
  const auto again = gw::mod::parse_gosum(plain);
  require(again && again->size() == lines->size());
  for (std::size_t i = 0; i < lines->size(); ++i) {
    auto a = (*lines)[i];
    const auto& b = (*again)[i];
    a.line = b.line;
    require(a == b);
  }
  return 0;
}

}  // namespace fuzz_gosum
