// Log files over HTTP, as both the address of a log and a module proxy serve them. Part of
// net/source.h; nothing else includes this.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"
#include "tlog/source.h"

namespace gw::net {

// Fetches files below a base URL, and leaves a server alone for as long as it asked.
class HttpFiles {
 public:
  static Result<HttpFiles> create(const HttpOptions& options, Duration timeout);

  // The contract of tlog::TileSource::fetch.
  std::vector<Result<std::string>> fetch(const std::string& base,
                                         std::span<const tlog::FetchRequest> requests);

 private:
  HttpFiles(HttpClient client, Duration timeout) : client_(std::move(client)), timeout_(timeout) {}
  HttpClient client_;
  Duration timeout_;
  MonoTime quiet_until_{};
};

// A base URL without its final slashes. kUsage for a query, a fragment or no URL.
Result<std::string> base_url(std::string_view url);

struct ProxyEntry {
  enum Kind { kUrl, kDirect, kOff } kind = kUrl;
  std::string url;         // kUrl: without final slash
  bool after_any = false;  // the next one is tried after any error, not only 404 and 410
  bool operator==(const ProxyEntry&) const = default;
};

// A list as in GOPROXY. kUsage, naming the entry.
Result<std::vector<ProxyEntry>> parse_proxy_list(std::string_view list);

// `direct` may be null when the list ends in "off".
std::unique_ptr<tlog::TileSource> make_proxy_source(std::vector<ProxyEntry> list,
                                                    const std::string& log_name, HttpFiles files,
                                                    std::unique_ptr<tlog::TileSource> direct);

}  // namespace gw::net
