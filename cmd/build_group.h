// What the build commands share: where modules, toolchains and proofs come from, which targets, and
// the parts of lib/build that are made from that.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "build/cache.h"
#include "build/go_runner.h"
#include "build/module_store.h"
#include "build/private_modules.h"
#include "build/proxy_client.h"
#include "build/sums.h"
#include "build/target.h"
#include "build/toolchain_place.h"
#include "frame/options.h"
#include "groups.h"
#include "os/stop.h"

namespace gw::cmd {

// --proxy, --log-key, --source, --ca-file, --netrc, --private*, --nosumdb, --toolchain,
// --go-stop-before, --sandbox, --max-*; --cache and --cache-size by functions of their own.
struct BuildPlaces {
  std::string proxy = "https://proxy.golang.org";
  LogSourceValues log;
  build::PrivateRules private_rules;
  std::optional<std::string> private_proxy;
  std::optional<std::string> private_log_key;
  std::optional<std::string> private_source;
  std::optional<std::string> netrc;
  std::optional<std::string> cache;
  std::uint64_t cache_size = 20'000;  // MB
  std::string toolchain = "module";
  std::optional<std::string> go_stop_before;
  build::SandboxMode sandbox = build::SandboxMode::kFull;
  std::uint64_t max_memory = 8000;  // MB
  std::uint64_t max_disk = 20'000;  // MB
  std::uint64_t max_processes = 1024;
  std::chrono::seconds max_time = std::chrono::hours(1);
};
void add_build_places(Command& c, BuildPlaces* v);
build::BuildLimits build_limits(const BuildPlaces& v);
void add_build_cache(Command& c, BuildPlaces* v);
void add_build_cache_size(Command& c, BuildPlaces* v, std::string more);
Result<std::string> build_cache_path(const BuildPlaces& v);

// --target, --go, --stripped.
struct BuildTargets {
  std::vector<build::Target> targets;
  std::optional<std::string> go;
  bool stripped = false;
};
// `go`: what is taken without --go, for people.
void add_build_targets(Command& c, BuildTargets* v, std::string go);
// Empty for `latest`; "go1.26.latest" as it is.
std::string wanted_go(const std::optional<std::string>& go);

// For options that name one: "go1.27.0" or "go1.27".
Status check_go_line(std::string_view text);

// Each borrows from those above it.
struct BuildParts {
  build::Cache cache;
  std::unique_ptr<const build::PrivateRules> private_rules = nullptr;
  std::unique_ptr<build::ProxyClient> public_proxy = nullptr;
  std::unique_ptr<build::ProxyClient> private_proxy = nullptr;  // may be null
  std::unique_ptr<build::PrivateProxies> proxies = nullptr;
  std::unique_ptr<build::ModuleSums> public_sums = nullptr;
  std::unique_ptr<build::ModuleSums> private_sums = nullptr;  // may be null
  std::unique_ptr<build::FirstSeenSums> first_seen = nullptr;
  std::unique_ptr<build::PrivateSums> sums = nullptr;
  std::unique_ptr<build::ModuleStore> store = nullptr;
  const os::Stop* stop = nullptr;  // the caller's
};
struct BuildContext {
  std::string cache;
  const Clock& clock;
  const os::Stop& stop;
  build::OnFetched on_fetched = nullptr;
  build::OnReceived on_received = nullptr;
};
Result<BuildParts> make_build_parts(const BuildPlaces& v, BuildContext context);
build::ToolchainPlace toolchain_place(const BuildPlaces& v, const BuildParts& parts);

// Subcommands: genkey and sum; serve; get and verify; audit, log publish and log mirror.
void add_build_owner(Command& c);
void add_build_serve(Command& c);
void add_build_get(Command& c);
void add_build_verify(Command& c);
void add_build_audit(Command& c);
void add_build_log(Command& c);

}  // namespace gw::cmd
