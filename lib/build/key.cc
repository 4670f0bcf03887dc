#include "build/key.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "module/zip.h"

namespace gw::build {

namespace {

constexpr std::size_t kSumBytes = 20;

// Everything of a key that check_go_version() does not care about is known to be good.
Key key_of_go(std::string_view go_version) {
  return {.module = "example.org/a",
          .version = "v1.0.0",
          .target = {"linux", "amd64"},
          .go_version = std::string(go_version)};
}

bool round_trips(const Key& key) {
  const std::string text = format_key(key);
  const auto parsed = tlog::parse_build_key(text);
  return parsed && *parsed == key.view();
}

std::string name_of(const Key& key, std::string_view target) {
  const std::string_view path = key.dir.size() > 1 ? key.dir : key.module;
  const std::string_view base = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  return fmt::format("{}-{}-{}{}{}{}", base, key.version, target, key.go_version,
                     key.stripped ? "-stripped" : "", key.target.goos == "windows" ? ".exe" : "");
}

}  // namespace

std::string Key::package() const { return dir.size() > 1 ? module + dir : module; }

tlog::BuildTarget Key::view() const {
  return {module, version, dir, target.goos, target.goarch, go_version, stripped};
}

Key key_of_record(const tlog::BuildRecord& record) {
  const tlog::BuildTarget& t = record.target;
  return {std::string(t.module),    std::string(t.version),
          std::string(t.dir),       {std::string(t.goos), std::string(t.goarch)},
          std::string(t.goversion), t.stripped};
}

std::string format_key(const Key& key) { return tlog::format_build_key(key.view()); }

Status check_go_version(std::string_view go_version) {
  if (round_trips(key_of_go(go_version))) return {};
  return usage_error(quoted(go_version) + ": no Go version that builds are made with",
                     "write go1.26.8; from 1.21 on a first release has its .0, before never; the "
                     "oldest is go1.13");
}

Status check_key(const Key& key) {
  GW_CHECK(mod::check_module_version(key.module, key.version));
  GW_CHECK(check_go_version(key.go_version));
  if (!round_trips(key)) return usage_error(quoted(format_key(key)) + ": cannot be a build's key");
  return {};
}

std::string binary_name(const Key& key) { return name_of(key, ""); }

std::string result_path(const Key& key, std::string_view sum) {
  return fmt::format("{}{}/", format_key(key), sum);
}

std::string binary_path(const Key& key, std::string_view sum, bool packed) {
  return fmt::format("{}{}{}", result_path(key, sum), binary_name(key), packed ? ".gz" : "");
}

std::string binary_name_with_target(const Key& key) {
  return name_of(key, fmt::format("{}-{}-", key.target.goos, key.target.goarch));
}

std::string format_binary_sum(const Hash& sha256) {
  std::string text = encode_base64(as_bytes(sha256).substr(0, kSumBytes));
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return "0" + text;
}

}  // namespace gw::build
