// Any bytes as go.mod: what is accepted says the same when it is written down plainly and read
// again; what strict reading accepts, lax reading accepts and says the same of what it reads;
// errors are printable and name a line of the text.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "fuzz/require.h"
#include "module/gomod.h"
#include "module/path.h"
#include "module/semver.h"

namespace fuzz_gomod {

using namespace gw;
using namespace gw::mod;

namespace {

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
      out += c;
    } else {
      out += "\\x" + encode_hex({&c, 1});
    }
  }
  return out + "\"";
}

// `text` as comments, the first line after `mark`; none when it is empty.
std::string comments(std::string_view mark, std::string_view text) {
  if (text.empty()) return {};
  std::string out = "//" + std::string(mark);
  for (char c : text) {
    out += c;
    if (c == '\n') out += "//";
  }
  return out + "\n";
}

std::string optional_version(const std::string& version) {
  return version.empty() ? "" : " " + quote(version);
}

// Every directive on a line of its own, every string quoted.
std::string write(const GoMod& m) {
  std::string out;
  if (m.module) {
    out +=
        comments(" Deprecated: ", m.module->deprecated) + "module " + quote(m.module->path) + "\n";
  }
  if (m.go) out += "go " + m.go->text + "\n";
  if (m.toolchain) out += "toolchain " + m.toolchain->text + "\n";
  for (const auto& d : m.godebug) out += "godebug " + d.key + "=" + d.value + "\n";
  for (const auto& r : m.require) {
    out += "require " + quote(r.path) + " " + quote(r.version);
    out += r.indirect ? " // indirect\n" : "\n";
  }
  for (const auto& x : m.exclude) out += "exclude " + quote(x.path) + " " + quote(x.version) + "\n";
  for (const auto& r : m.replace) {
    out += "replace " + quote(r.path) + optional_version(r.version) + " => " + quote(r.with) +
           optional_version(r.with_version) + "\n";
  }
  for (const auto& r : m.retract) {
    out += comments(" ", r.rationale) + "retract [" + quote(r.low) + ", " + quote(r.high) + "]\n";
  }
  for (const auto& t : m.tool) out += "tool " + quote(t.path) + "\n";
  for (const auto& i : m.ignore) out += "ignore " + quote(i.path) + "\n";
  return out;
}

void forget_lines(auto& list) {
  for (auto& item : list) item.line = 0;
}

GoMod without_lines(GoMod m) {
  if (m.module) m.module->line = 0;
  if (m.go) m.go->line = 0;
  if (m.toolchain) m.toolchain->line = 0;
  forget_lines(m.godebug);
  forget_lines(m.require);
  forget_lines(m.exclude);
  forget_lines(m.replace);
  forget_lines(m.retract);
  forget_lines(m.tool);
  forget_lines(m.ignore);
  return m;
}

void check_values(const GoMod& m) {
  for (const auto& r : m.require) {
    require(canonical_version(r.version) == r.version);
    const auto parts = split_path_version(r.path);
    require(parts && major_matches(r.version, parts->major));
  }
  for (const auto& r : m.replace) require(!r.with.empty());
}

void check_error(std::string_view text, const Error& error) {
  for (char c : error.message) require(c >= 0x20 && c < 0x7f);
  require(error.message.starts_with("go.mod:"));
  std::size_t line = 0;
  std::from_chars(error.message.data() + 7, error.message.data() + error.message.size(), line);
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  require(line >= 1 && line <= lines);
}

}  // namespace

FUZZ_TARGET(gomod)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto strict = parse_gomod(text, GoModMode::kStrict);
  const auto lax = parse_gomod(text, GoModMode::kLax);
  if (!strict) check_error(text, strict.error());
  if (!lax) {
    check_error(text, lax.error());
    require(!strict);
    return 0;
  }
  check_values(*lax);
  const auto again = parse_gomod(write(*lax), GoModMode::kStrict);
  require(again && without_lines(*again) == without_lines(*lax));
  if (!strict) return 0;
  check_values(*strict);
  const auto strict_again = parse_gomod(write(*strict), GoModMode::kStrict);
  require(strict_again && without_lines(*strict_again) == without_lines(*strict));
  GoMod main_only = *strict;
  main_only.toolchain.reset();
  main_only.godebug.clear();
  main_only.exclude.clear();
  main_only.replace.clear();
  main_only.tool.clear();
  require(main_only == *lax);
  return 0;
}

}  // namespace fuzz_gomod
