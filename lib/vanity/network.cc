#include "vanity/network.h"

#include <algorithm>
#include <utility>

#include "os/address.h"

namespace gw::vanity {
namespace {

class ResolverLookups : public TxtLookups {
 public:
  explicit ResolverLookups(net::Resolver resolver) : resolver_(std::move(resolver)) {}
  std::vector<Result<net::DnsAnswer>> lookup(std::span<const net::Question> questions,
                                             MonoTime deadline) override {
    return resolver_.lookup(questions, deadline);
  }

 private:
  net::Resolver resolver_;
};

class ClientFetcher : public PageFetcher {
 public:
  explicit ClientFetcher(net::HttpClient client) : client_(std::move(client)) {}
  void fetch(std::vector<net::HttpRequest> requests, const net::HttpClient::Done& done) override {
    client_.fetch_each(std::move(requests), done);
  }

 private:
  net::HttpClient client_;
};

}  // namespace

Result<std::unique_ptr<TxtLookups>> new_txt_lookups(const NetworkOptions& options) {
  net::ResolverOptions resolver;
  resolver.resolver = options.resolver;
  resolver.trust_anchor_file = options.trust_anchor;
  resolver.need_anchor = options.need_anchor;
  resolver.recurse = options.recurse;
  resolver.patience = std::min<Duration>(resolver.patience, options.timeout / 2);
  GW_TRY(net::Resolver made, net::Resolver::create(std::move(resolver)));
  return std::unique_ptr<TxtLookups>(new ResolverLookups(std::move(made)));
}

Result<NewPageFetcher> new_page_fetchers(const NetworkOptions& options) {
  net::HttpOptions http;
  http.ca_file = options.ca_file;
  http.connect_to = options.connect_to;
  http.ask_dead_again = false;
  http.connect_timeout = std::min<Duration>(http.connect_timeout, options.timeout);
  if (!options.resolver.empty()) {
    GW_TRY(const os::SocketAddress server, os::SocketAddress::parse(options.resolver, 53));
    http.dns_servers = server.format();
  }
  // Refuses bad options now instead of once per path.
  GW_TRY(const net::HttpClient checked, net::HttpClient::create(http));
  return NewPageFetcher([http]() -> Result<std::unique_ptr<PageFetcher>> {
    GW_TRY(net::HttpClient client, net::HttpClient::create(http));
    return std::unique_ptr<PageFetcher>(new ClientFetcher(std::move(client)));
  });
}

}  // namespace gw::vanity
