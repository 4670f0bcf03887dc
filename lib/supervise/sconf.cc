#include "supervise/sconf.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxTabs = 16;

struct SconfLine {
  std::size_t number = 0;
  std::size_t tabs = 0;
  std::string_view text;  // without them
};

std::vector<SconfLine> split_sconf(std::string_view text) {
  std::vector<SconfLine> out;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty() || trim(line).starts_with('#')) continue;
    SconfLine read{number, 0, line};
    for (;; ++read.tabs) {
      if (read.text.starts_with('\t')) {
        read.text.remove_prefix(1);
      } else if (read.text.starts_with("    ")) {
        read.text.remove_prefix(4);
      } else {
        break;
      }
    }
    out.push_back(read);
  }
  return out;
}

class SconfReader {
 public:
  SconfReader(std::string_view text, std::string_view file)
      : file_(file), lines_(split_sconf(text)) {}

  Result<Sconf> read_struct(std::size_t tabs) {
    Sconf out{Sconf::Kind::kStruct, next_ < lines_.size() ? lines_[next_].number : 1};
    while (const SconfLine* line = take(tabs)) {
      if (line->tabs > tabs) return error(*line, "indented too far");
      const std::size_t colon = line->text.find(':');
      if (colon == line->text.npos) return error(*line, "no colon behind a key");
      const std::string key(line->text.substr(0, colon));
      if (key.empty() || trim(key) != key) return error(*line, "not a key: " + quoted(key));
      if (out.find(key) != nullptr) return error(*line, quoted(key) + " is there twice");
      GW_TRY(Sconf value, read_value(*line, line->text.substr(colon + 1)));
      out.members.emplace_back(key, std::move(value));
    }
    return out;
  }

 private:
  Error error(const SconfLine& line, std::string_view what) const {
    return sconf_error(file_, line.number, what);
  }

  // The next line if it is so deep; whoever began what is less deep goes on with that.
  const SconfLine* take(std::size_t tabs) {
    if (next_ == lines_.size() || lines_[next_].tabs < tabs) return nullptr;
    return &lines_[next_++];
  }

  // What is behind a colon or a dash, and below it.
  Result<Sconf> read_value(const SconfLine& line, std::string_view rest) {
    if (rest.ends_with('\r')) return error(line, "a carriage return: lines end without one");
    if (!rest.empty() && !rest.starts_with(' ')) {
      return error(line, "no space between the sign and what is behind it");
    }
    Sconf out{Sconf::Kind::kText, line.number, std::string(rest.substr(rest.empty() ? 0 : 1))};
    const bool deeper = next_ < lines_.size() && lines_[next_].tabs > line.tabs;
    if (!out.text.empty() || !deeper) return out;
    if (line.tabs + 1 > kMaxTabs) return error(line, "too deep");
    const bool list = lines_[next_].text.starts_with('-');
    auto below = list ? read_list(line.tabs + 1) : read_struct(line.tabs + 1);
    if (below) below->line = line.number;
    return below;
  }

  Result<Sconf> read_list(std::size_t tabs) {
    Sconf out{Sconf::Kind::kList, 0};
    while (const SconfLine* line = take(tabs)) {
      if (line->tabs > tabs) return error(*line, "indented too far");
      if (!line->text.starts_with('-')) return error(*line, "no dash before an item");
      GW_TRY(Sconf item, read_value(*line, line->text.substr(1)));
      out.items.push_back(std::move(item));
    }
    return out;
  }

  const std::string_view file_;
  const std::vector<SconfLine> lines_;
  std::size_t next_ = 0;
};

}  // namespace

const Sconf* Sconf::find(std::string_view key) const {
  const auto at =
      std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == key; });
  return at == members.end() ? nullptr : &at->second;
}

Error sconf_error(std::string_view file, std::size_t line, std::string_view what) {
  return usage_error(fmt::format("{}:{}: {}", file, line, what));
}

Result<Sconf> parse_sconf(std::string_view text, std::string_view file) {
  return SconfReader(text, file).read_struct(0);
}

}  // namespace gw::supervise
