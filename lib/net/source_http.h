// Log files over HTTP, as both the address of a log and a module proxy serve them. Part of
// net/source.h; nothing else includes this.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "module/proxy.h"
#include "net/http.h"
#include "tlog/source.h"

namespace gw::net {

// Fetches files below a base URL, and leaves a server alone for as long as it asked.
//
// A file that did not come while others of the same call did is asked for again, a few times and
// with pauses that grow: a server that loses one answer in ten costs a tenth more requests, and not
// the whole call. When none came, that is for the caller to wait out, unless the server said
// how long (Retry-After): then it is asked until a minute is over, or the patience.
class HttpFiles {
 public:
  // As in SourceOptions.
  struct Pace {
    Duration timeout;   // for one file
    Duration pause;     // before the first one is asked for again
    Duration patience;  // with a server that is busy
  };
  // `headers`: sent with every request.
  static Result<HttpFiles> create(const HttpOptions& options, Pace pace,
                                  std::vector<HttpHeader> headers = {});

  // The contract of tlog::TileSource::fetch.
  std::vector<Result<std::string>> fetch(const std::string& base,
                                         std::span<const tlog::FetchRequest> requests);

 private:
  struct Reply {
    Result<std::string> body;
    bool passing = false;  // a fault that may be gone the next time
  };
  HttpFiles(HttpClient client, const HttpOptions& options, Pace pace,
            std::vector<HttpHeader> headers)
      : client_(std::move(client)),
        headers_(std::move(headers)),
        pace_(pace),
        deadline_(options.deadline),
        stop_(options.stop) {}
  std::vector<Reply> fetch_once(const std::string& base,
                                std::span<const tlog::FetchRequest> requests);
  void fetch_failed(const std::string& base, std::span<const tlog::FetchRequest> requests,
                    std::vector<Reply>& replies);
  Duration quiet_for(const std::string& base) const;
  Duration most_waiting() const;
  bool wait(Duration pause) const;

  HttpClient client_;
  std::vector<HttpHeader> headers_;
  Pace pace_;
  std::optional<MonoTime> deadline_;
  const os::Stop* stop_;
  std::map<std::string, MonoTime> quiet_until_;  // of each base, as its server asked
};

// A list as in GOPROXY whose addresses are base URLs as above. kUsage, naming the entry.
Result<std::vector<mod::ProxyEntry>> parse_proxy_list(std::string_view list);

// `direct` may be null when the list ends in "off".
std::unique_ptr<tlog::TileSource> make_proxy_source(std::vector<mod::ProxyEntry> list,
                                                    const std::string& log_name, HttpFiles files,
                                                    std::unique_ptr<tlog::TileSource> direct);

}  // namespace gw::net
