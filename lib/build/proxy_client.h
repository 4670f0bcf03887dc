// The files of module proxies, asked in the order of a list as in GOPROXY.
//
// Nothing that comes out of here is believed: build/module_store.h compares go.mods and zips with
// the checksum database, and what is not in it (lists, version infos) only decides what is asked
// for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "module/proxy.h"
#include "net/http.h"

namespace gw::build {

// The seam for tests. Any thread.
class ProxyFiles {
 public:
  virtual ~ProxyFiles() = default;
  // The answer's bytes, no more than mod::max_answer_bytes(). kNotFound: there is none, says
  // whoever was asked last; kUnavailable: a retry may help; kUntrusted: too large; kIo: a file:
  // URL's.
  virtual Result<std::string> fetch(const mod::ProxyRequest& request) = 0;
};

// For progress: `bytes` of a zip have come from the network, of `all`, or 0 where the proxy does
// not say. Called by any thread, many times.
using OnReceived =
    std::function<void(const mod::ProxyRequest& request, std::uint64_t bytes, std::uint64_t all)>;

class ProxyClient final : public ProxyFiles {
 public:
  // Contacts nobody. kUsage: mod::parse_proxy_entries(), net::HttpClient::create().
  static Result<std::unique_ptr<ProxyClient>> create(std::string_view list,
                                                     net::HttpOptions options,
                                                     OnReceived on_received = nullptr);

  Result<std::string> fetch(const mod::ProxyRequest& request) override;

 private:
  ProxyClient(std::vector<mod::ProxyEntry> entries, net::HttpOptions options,
              OnReceived on_received)
      : entries_(std::move(entries)),
        options_(std::move(options)),
        on_received_(std::move(on_received)) {}
  Result<std::string> fetch_from(const mod::ProxyEntry& entry, const mod::ProxyRequest& request,
                                 const std::string& path);
  Result<std::string> fetch_url(const std::string& url, const mod::ProxyRequest& request);

  const std::vector<mod::ProxyEntry> entries_;
  const net::HttpOptions options_;
  const OnReceived on_received_;
  Mutex mutex_;
  // Clients that nobody uses just now: one belongs to one thread at a time, and keeps its
  // connections.
  std::vector<net::HttpClient> idle_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::build
