// The go command as a build runs it: its environment, made from nothing, and its arguments.
//
// Whatever reaches the bytes of a binary is decided here and nowhere else: settings that end up in
// the build information (GOAMD64, GOEXPERIMENT, tags, ...) are never set, so that they have the
// toolchain's defaults, and no variable of the caller's is passed on. Reasons of the less obvious:
// - GOFLAGS=-mod=readonly: without it `go install M@V` of a module whose go.mod does not cover its
//   imports takes the newest version of what is missing, so that one key has other bytes every day.
// - GOSUMDB=off: every file was verified before it got here; without it a full module cache still
//   asks the network.
// - The final build ID is emptied because it holds a hash of inputs that need not count.
//
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "build/key.h"

namespace gw::build {

// Absolute paths, as the go command sees them.
struct GoPlaces {
  std::string goroot;
  std::string gopath;  // bin/ below it gets the binary
  std::string module_cache;
  std::string build_cache;
  std::string temporary;
  std::string home;
  std::string proxy;  // GOPROXY: a file URL, or the forwarder's
};

// "NAME=value", sorted. Precondition: check_key() took the key.
std::vector<std::string> go_environment(const Key& key, const GoPlaces& places);

// Arguments from argv[0] on. Fetching runs no compiler: it resolves what would be built, which
// makes the go command download exactly that.
std::vector<std::string> fetch_arguments(const Key& key);
std::vector<std::string> build_arguments(const Key& key);
// Compiles packages of the standard library into the build cache, as a build of the key would.
std::vector<std::string> std_arguments(const std::vector<std::string>& packages);

// Below HOME, with the content "off": the go command then neither counts nor starts a helper.
inline constexpr std::string_view kTelemetryMode = ".config/go/telemetry/mode";

// What the file GOROOT/go.env of a toolchain that nobody verified may say: it holds defaults that
// GOENV=off does not turn off. kUsage for a setting that could change the bytes.
Status check_go_env(std::string_view text);

}  // namespace gw::build
