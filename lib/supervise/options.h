// What an operator says of a supervised service. Plain values; times are seconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "os/user.h"
#include "supervise/local_build.h"
#include "supervise/messages.h"
#include "supervise/readiness.h"
#include "supervise/web.h"
#include "update/plan.h"
#include "update/policy.h"
#include "update/schedule.h"

namespace gw::supervise {

// What an option is set to, to be shown.
struct Setting {
  std::string name = {};
  std::string value = {};
  bool given = false;  // by the operator
};

struct Options {
  std::vector<std::string> command = {};  // a path with a slash, and its arguments
  std::string directory = "gw";           // for state, lock and control socket

  Sources sources = {};
  LocalBuilds local = {};
  update::Policies policies = {};
  update::Timing timing = {};
  update::Schedule schedule = {};
  std::chrono::seconds interval = std::chrono::hours(24);      // between two checks
  std::chrono::seconds first_check = std::chrono::minutes(1);  // after a start
  bool monitor = false;  // look, and install nothing by itself

  std::chrono::milliseconds trial = std::chrono::seconds(5);
  std::chrono::milliseconds stop_timeout = std::chrono::seconds(90);
  Readiness ready = {};
  bool overlap = false;  // start the new one beside the old one
  std::chrono::milliseconds ready_timeout = std::chrono::seconds(60);
  unsigned ready_passes = 3;
  std::string before = {};  // a command before each update
  // After each of these events, or after all: a command, and a POST of JSON.
  std::vector<std::string> events = {};
  std::string on_event = {};
  std::string event_url = {};
  WebOptions web = {};  // the page; without addresses there is none

  std::optional<os::User> user = {};  // that the service runs as
  // When we are root, who speaks to the network, and who serves the page: neither is the service's
  // user, nor the other. Without a name the page has a number of its own, and the helper, too,
  // where the service is not root's.
  std::optional<os::User> helper_user = {};
  std::optional<os::User> page_user = {};
  // Who builds, when we are root; neither of them. Without a name a number of its own.
  std::optional<os::User> builder_user = {};
  std::vector<int> ambient = {};         // capabilities
  std::vector<std::string> listen = {};  // sockets that are held for it
  std::vector<os::ResourceLimit> limits = {};
  bool no_new_privileges = false;
  std::vector<Setting> settings = {};  // all of it as text, without passwords
};

}  // namespace gw::supervise
