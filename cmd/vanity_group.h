// What vanity-lookup and its commands for owners of domains share: the options of the network, and
// how import paths are given.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "frame/options.h"
#include "groups.h"
#include "vanity/lookup.h"
#include "vanity/network.h"

namespace gw::cmd {

struct VanityNetwork : ResolverValues {
  VanityNetwork() { timeout = std::chrono::seconds(10); }

  std::optional<std::string> ca_file;
  std::vector<std::string> connect_to;
  std::string goinsecure;
  std::optional<std::string> netrc;
  bool insecure = false;

  vanity::NetworkOptions network() const {
    return {.resolver = resolver.value_or(""),
            .trust_anchor = trust_anchor.value_or(""),
            .recurse = may_recurse(),
            .need_anchor = !insecure && goinsecure.empty(),
            .ca_file = ca_file.value_or(""),
            .connect_to = connect_to,
            .timeout = timeout};
  }
  // Reads the netrc file; kUsage when it cannot.
  Result<vanity::LookupOptions> lookup() const {
    vanity::LookupOptions options;
    if (netrc) {
      GW_TRY(options.netrc, load_netrc(*netrc));
    }
    options.insecure = insecure;
    options.goinsecure = goinsecure;
    options.timeout = timeout;
    return options;
  }
};

void add_vanity_network(Command& command, VanityNetwork* out);

// Adds the commands zone, compare and lint (vanity_owner.cc).
void add_vanity_owner(Command& command);

// The given import paths, "-" replaced by the list on standard input.
Result<std::vector<std::string>> expand_vanity_paths(const std::vector<std::string>& given);

}  // namespace gw::cmd
