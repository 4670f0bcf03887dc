#include "build/output_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace gw::build {

namespace {

constexpr std::size_t kMaxLine = 400;

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The line around a position.
std::string_view line_at(std::string_view output, std::size_t at) {
  const std::size_t begin = output.rfind('\n', at) + 1;  // npos + 1 is 0
  const std::size_t end = std::min(output.find('\n', at), output.size());
  return at < begin ? std::string_view() : output.substr(begin, end - begin);
}

// "F:LINE:COLUMN: ", F of one word. The position behind it, 0 where there is none.
std::size_t source_position(std::string_view line) {
  const auto digits = [&](std::size_t at) {
    while (at < line.size() && is_digit(line[at])) ++at;
    return at;
  };
  for (std::size_t colon = line.find(':'); colon != std::string_view::npos;
       colon = line.find(':', colon + 1)) {
    if (has(line.substr(0, colon), " ")) return 0;
    const std::size_t second = digits(colon + 1);
    if (colon == 0 || second == colon + 1 || second >= line.size() || line[second] != ':') continue;
    const std::size_t third = digits(second + 1);
    if (third == second + 1 || third + 1 >= line.size()) continue;
    if (line[third] == ':' && line[third + 1] == ' ') return third + 2;
  }
  return 0;
}

bool is_continued(std::string_view line) {
  return !line.empty() && (line[0] == '\t' || line[0] == ' ');
}

// The go command reads modules from us, at an address that says nothing to anybody afterwards.
void drop_our_address(std::string& said) {
  constexpr std::string_view kReading = "reading ";
  constexpr std::string_view kOurs = "http://127.0.0.1:";
  const std::string both = fmt::format("{}{}", kReading, kOurs);
  for (auto at = said.find(both); at != std::string::npos; at = said.find(both, at + 1)) {
    const std::size_t path = said.find('/', at + both.size());
    if (path == std::string::npos) return;
    said.erase(at + kReading.size(), path + 1 - at - kReading.size());
  }
}

}  // namespace

std::optional<std::string_view> find_line(std::string_view output, std::string_view a,
                                          std::string_view b) {
  for (std::size_t at = output.find(a); at != std::string_view::npos;
       at = output.find(a, at + a.size())) {
    const std::string_view line = line_at(output, at);
    const std::size_t in = static_cast<std::size_t>(output.data() + at - line.data());
    if (b.empty() || has(line.substr(in + a.size()), b)) return line;
  }
  return std::nullopt;
}

std::optional<std::string_view> find_source_line(std::string_view output) {
  while (!output.empty()) {
    const std::string_view line = take_line(output);
    if (source_position(line) != 0) return line;
  }
  return std::nullopt;
}

std::string_view last_line(std::string_view output) {
  output = output.substr(0, output.find_last_not_of(" \t\r\n") + 1);  // npos + 1 is 0
  return output.substr(output.rfind('\n') + 1);
}

std::string sentence_at(std::string_view output, std::string_view line) {
  const char* const outputs = output.data();
  std::size_t begin = static_cast<std::size_t>(line.data() - outputs);
  std::size_t end = begin + line.size();
  bool cut = false;
  while (begin != 0 && is_continued(output.substr(begin))) {
    const std::string_view before = begin < 2 ? "" : line_at(output, begin - 2);
    if (before.empty() || before.ends_with(':')) break;
    cut = end - begin + before.size() > kMaxLine;
    if (cut) break;
    begin -= before.size() + 1;
  }
  while (end < output.size() && end - begin < kMaxLine && is_continued(output.substr(end + 1))) {
    end += 1 + line_at(output, end + 1).size();
  }
  std::string said = cut ? "..." : "";
  for (std::string_view rest = output.substr(begin, end - begin); !rest.empty();) {
    const std::string_view part = trim(take_line(rest));
    if (!said.empty() && !part.empty()) said += ' ';
    said += part;
  }
  drop_our_address(said);
  if (said.size() > kMaxLine) said.resize(kMaxLine);
  return said;
}

}  // namespace gw::build
