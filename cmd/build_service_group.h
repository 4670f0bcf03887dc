// What commands share that ask build services: which ones, and how long to wait for them.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "build/agreement.h"
#include "build/log_client.h"
#include "frame/options.h"
#include "os/stop.h"

namespace gw::cmd {

// --log-key, --source, --wait, --ca-file, --cache; and --verifier and --servers, where others are
// asked, too.
struct BuildServiceValues {
  std::string log_key;
  std::optional<std::string> source;
  std::vector<std::string> verifiers;
  std::string servers;  // "K/N"; empty: all
  std::optional<std::string> ca_file;
  std::optional<std::string> cache;
  std::chrono::seconds wait = std::chrono::minutes(30);
};

void add_build_service(Command& c, BuildServiceValues* v);
void add_build_services(Command& c, BuildServiceValues* v);

using build::split_build_service;
Status check_build_service(std::string_view text);
// Of a log's second key, NAME/tlog.
Status check_checkpoint_key(std::string_view text);

// How many of `count` services must say the same. kUsage: --servers says another count.
Result<std::size_t> wanted_servers(const BuildServiceValues& v, std::size_t count);

Result<std::unique_ptr<build::LogClient>> open_build_service(
    const BuildServiceValues& v, const build::ServiceName& service, const Clock& clock,
    const os::Stop& stop, std::vector<net::HttpHeader> headers = {});

}  // namespace gw::cmd
