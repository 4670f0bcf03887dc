// Binaries that are built on this machine, by `gwtool build` in a process of its own: what it is
// told, and what it says.
//
// It fetches modules and toolchain, and verifies them by the Go checksum database, as for anybody
// else; where we are root it is a user of nobody's. Its word is a claim: the sum that it says is
// what the bytes have to have that are taken over from its directory, and they have to say of
// themselves that they are that build. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/key.h"

namespace gw::supervise {

struct LocalBuilds {
  bool wanted = false;  // else a build service's
  std::string proxy = "https://proxy.golang.org";
  std::string log_key = {};  // of the checksum database; empty: Go's own
  std::string log_source = {};
  std::string toolchain = "module";  // as `gwtool build --toolchain`
  std::string sandbox = "full";      // likewise
  std::string cache = {};            // empty: in the supervisor's directory
  bool operator==(const LocalBuilds&) const = default;
};

// The command's words. `cache`: empty for its own. `output` is a file, or ends in a slash: the
// binary gets its name there, binary_name().
std::vector<std::string> build_words(const LocalBuilds& builds, const build::Key& key,
                                     const std::string& ca_file, const std::string& cache,
                                     const std::string& output);

// The variables of this process: "NAME=value".
std::vector<std::string> own_environment();
// Of the variables "NAME=value" those that a build needs: where programs and proxies are.
std::vector<std::string> build_environment(const std::vector<std::string>& ours);

struct Built {
  build::Key key;
  std::uint64_t size = 0;
  std::string sum;
};
// From all that the command wrote, its errors too, and its exit code. Errors are the command's, and
// kUntrusted for an answer about another build.
Result<Built> parse_built(std::string_view output, int exit_code, const build::Key& key);

}  // namespace gw::supervise
