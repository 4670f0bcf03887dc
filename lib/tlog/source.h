// Where a log's files come from: the network, a directory, a module proxy, a test. lib/tlog has no
// implementation; nothing that comes out of one is believed before it is verified.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace gw::tlog {

struct FetchRequest {
  // Below the log's base URL, escaped: "latest", "tile/8/0/x001/234",
  // "lookup/github.com/!a/b@v1.0.0".
  std::string path;
  // A longer body is an error (kUntrusted); implementations stop reading there.
  std::size_t max_bytes = 0;
};

class TileSource {
 public:
  virtual ~TileSource() = default;

  // The bodies in the order of the requests, fetched in parallel where that helps. kNotFound when
  // the source says that there is no such file; kUnavailable when a retry may help; kIo for files
  // that cannot be read. Called by one thread at a time.
  virtual std::vector<Result<std::string>> fetch(std::span<const FetchRequest> requests) = 0;

  // For messages: "https://sum.golang.org", "directory /srv/sumdb".
  virtual std::string describe() const = 0;

  // Whether what comes is the log's own word, and not that of a mirror or a proxy, which can send
  // anything without having signed it.
  virtual bool is_log() const { return true; }
  // After this one gave what is not the log's: goes on with another source. False: there is none.
  virtual bool try_next() { return false; }
};

}  // namespace gw::tlog
