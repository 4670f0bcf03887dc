// The seams of lookup.h over the real network: net::Resolver and net::HttpClient.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "vanity/lookup.h"

namespace gw::vanity {

struct NetworkOptions {
  std::string resolver;      // ADDR[@PORT], also for the names of web servers; empty: the system's
  std::string trust_anchor;  // file; empty: the root's keys
  bool recurse = false;      // the root is asked past a resolver that gives no signatures
  bool need_anchor = true;   // that an anchor covers each domain: nothing unsigned is good enough
  std::string ca_file;       // empty: the system's
  std::vector<std::string> connect_to;  // HOST:PORT:ADDR:PORT
  Duration timeout = std::chrono::seconds(10);
};

// Checks the options and contacts nobody; kUsage names the one that is wrong.
Result<std::unique_ptr<TxtLookups>> new_txt_lookups(const NetworkOptions& options);
Result<NewPageFetcher> new_page_fetchers(const NetworkOptions& options);

}  // namespace gw::vanity
