#include "supervise/local_build.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/text.h"
#include "build/client.h"
#include "supervise/json_fields.h"

extern char** environ;

namespace gw::supervise {
namespace {

// Of `gwtool build`, as every command has them.
ErrorKind kind_of_exit(int code) {
  constexpr int kUsageCode = 2;
  constexpr int kTemporaryCode = 3;
  constexpr int kUntrustedCode = 4;
  if (code == kUsageCode) return ErrorKind::kUsage;
  if (code == kTemporaryCode) return ErrorKind::kUnavailable;
  return code == kUntrustedCode ? ErrorKind::kUntrusted : ErrorKind::kNotFound;
}

// The line is of this build in every field.
bool is_about(const Json& line, const build::Key& key) {
  return text_member(line, "module") == key.module && text_member(line, "version") == key.version &&
         text_member(line, "dir") == key.dir && text_member(line, "goos") == key.target.goos &&
         text_member(line, "goarch") == key.target.goarch &&
         text_member(line, "go_version") == key.go_version &&
         flag_member(line, "stripped") == key.stripped;
}

}  // namespace

std::vector<std::string> build_words(const LocalBuilds& builds, const build::Key& key,
                                     const std::string& ca_file, const std::string& cache,
                                     const std::string& output) {
  std::vector<std::string> out{"gwtool",     "build", "--json",      "--proxy",
                               builds.proxy, "--go",  key.go_version};
  const auto add = [&out](const char* option, const std::string& value) {
    if (!value.empty()) out.insert(out.end(), {option, value});
  };
  add("--toolchain", builds.toolchain);
  add("--sandbox", builds.sandbox);
  add("--cache", cache);
  add("--log-key", builds.log_key);
  add("--source", builds.log_source);
  add("--ca-file", ca_file);
  add("--target", fmt::format("{}/{}", key.target.goos, key.target.goarch));
  add("-o", output);
  if (key.stripped) out.emplace_back("--stripped");
  out.push_back(fmt::format("{}@{}", key.package(), key.version));
  return out;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) out.emplace_back(*entry);
  return out;
}

std::vector<std::string> build_environment(const std::vector<std::string>& ours) {
  constexpr std::array<std::string_view, 10> kKept{
      "PATH",       "TMPDIR",      "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY",
      "http_proxy", "https_proxy", "NO_PROXY",      "no_proxy",   "LC_ALL"};
  std::vector<std::string> out;
  for (const std::string& entry : ours) {
    const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
    if (std::find(kKept.begin(), kKept.end(), name) != kKept.end()) out.push_back(entry);
  }
  return out;
}

Result<Built> parse_built(std::string_view output, int exit_code, const build::Key& key) {
  constexpr std::string_view kError = "gwtool: error: ";
  Error error{kind_of_exit(exit_code), "gwtool build said nothing", ""};
  std::optional<Built> built;
  while (!output.empty()) {
    const std::string_view line = take_line(output);
    if (line.starts_with(kError)) error.message = line.substr(kError.size());
    if (!line.starts_with('{')) continue;
    const auto json = parse_json(line);
    if (json && json->is_object() && json->contains("error"))
      continue;  // its text is in a line, too
    const auto size = json ? number_member(*json, "size") : std::nullopt;
    if (!size || !is_about(*json, key)) return untrusted_error("gwtool build built something else");
    built = Built{key, *size, text_member(*json, "sum")};
  }
  if (exit_code != 0 || !built) return error.in("building " + build::format_key(key));
  if (built->size == 0 || built->size > build::kMaxBinaryBytes) {
    return untrusted_error(fmt::format("gwtool build built {} bytes", built->size));
  }
  return *std::move(built);
}

}  // namespace gw::supervise
