// The options of serve-dns, and what the server is to be made of.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dnsd/server.h"
#include "follow_group.h"
#include "frame/options.h"

namespace gw::cmd {

struct ServeValues {
  std::optional<std::string> db;
  std::optional<std::string> zone;
  std::vector<std::string> name_servers;
  std::optional<std::string> key;
  std::vector<std::string> zone_files;  // ORIGIN=FILE
  std::vector<std::string> zone_keys;
  std::uint64_t max_zone_records = 2'000'000;
  std::vector<std::string> listen;
  std::optional<std::string> metrics;
  std::vector<std::string> metrics_names;
  std::optional<std::string> status_socket;
  std::optional<std::string> user;
  std::optional<std::string> id;
  std::optional<std::string> cookie_secrets;
  std::optional<std::string> rname;
  std::uint64_t ttl = 300;
  std::uint64_t negative_ttl = 300;
  bool partial = false;
  bool follow = false;
  FollowValues following;
  std::uint64_t workers = 0;
  std::uint64_t cache_mb = 48;
  std::optional<std::uint32_t> rate_limit;
  std::optional<std::uint64_t> signing_limit = {};
  std::uint64_t tcp_connections = 1000;
  std::uint64_t tcp_per_network = 100;
  std::chrono::seconds tcp_idle{10};
};

// A zone's name as it is given on the command line: at least one label, and room for names in it.
Result<std::string> parse_zone(std::string_view text);
Status check_zone(std::string_view text);

// All options, and the rules about what goes with what.
void add_serve_options(Command& command, const std::shared_ptr<ServeValues>& v);

// kUsage.
Result<dnsd::ServerOptions> server_options(const ServeValues& v);

}  // namespace gw::cmd
