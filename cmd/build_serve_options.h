// What gwtool build serve can be told. Part of that command; nothing else includes this.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "build_group.h"
#include "os/thread.h"

namespace gw::cmd {

inline constexpr std::uint16_t kPagesPort = 8000;
inline constexpr std::uint16_t kAdminPort = 8001;
inline constexpr std::string_view kOff = "off";

enum class Gate : std::uint8_t { kOn, kOff };

struct BuildServeValues : BuildPlaces {
  std::string data;
  std::string key;
  std::string listen = "127.0.0.1:8000";
  std::string admin_listen = "127.0.0.1:8001";
  std::vector<std::string> admin_names;
  std::optional<std::string> tls_certificate;
  std::optional<std::string> tls_key;
  std::optional<std::string> base_url;
  std::optional<std::string> notes;
  std::optional<std::string> head_file;
  std::optional<std::string> vuln;
  std::optional<std::string> user;
  std::optional<std::string> go_oldest;
  std::uint64_t builders = os::processors();
  std::uint64_t queue = 100;
  std::uint64_t keep_binaries = 20'000;
  bool build_once = false;
  Gate gate = Gate::kOn;
  bool limits = true;
  std::vector<std::string> verifiers;
  std::chrono::seconds rebuild_every = std::chrono::hours(24);
  std::chrono::seconds verifier_wait = std::chrono::minutes(15);
  std::chrono::seconds audit_every = std::chrono::hours(24 * 7);
  std::optional<std::string> verify_only;
  std::chrono::seconds follow_every = std::chrono::minutes(1);
  std::vector<std::string> witnesses;
  std::uint64_t witness_quorum = 0;  // all
  std::chrono::seconds witness_every = std::chrono::minutes(1);
  std::vector<std::string> trusted_proxies, refused_networks, refused_agents, allowed_modules;
};

void add_serve_options(Command& c, const std::shared_ptr<BuildServeValues>& v);

}  // namespace gw::cmd
