// Where a log's files come from: its web address, a directory, or a module proxy.
//
// All three answer the same question, a path below the log's base ("latest", "tile/8/0/x001/234",
// "lookup/golang.org/x/text@v0.3.0"), and none of them is believed: whoever asked verifies. So the
// cheapest one may be used, and a mirror is as good as the log itself.
//
// Cost: a directory's file is one openat, fstat, read and close, about 5 µs; requests over the
// network run in parallel (net/http.h).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"
#include "tlog/source.h"

namespace gw::net {

struct SourceOptions {
  std::string log_name = {};  // the key's name, as "sum.golang.org"
  // A URL, or a directory (also as file:///…) that holds the same files. Empty: https://LOG_NAME.
  std::string source = {};
  // Module proxies as in GOPROXY, asked for /sumdb/LOG_NAME/…: URLs separated by "," (the next one
  // when this one does not carry the log: 404 or 410) or "|" (the next one after any error), then
  // `source`, unless the list ends in "off". Empty: none.
  std::string proxy = {};
  HttpOptions http = {};
  Duration timeout = std::chrono::seconds(30);  // for one file
  std::vector<HttpHeader> headers = {};         // with every request
  // A server that is busy and says when to come back (503 or 429 with Retry-After) is asked again
  // then, if that is within this time of the first answer. 0: within a minute.
  Duration patience = {};
  // Before a file that failed while others came is asked for again; it grows, at most five times.
  Duration pause = std::chrono::milliseconds(100);
};

// A source that checks its options and contacts nobody yet. kUsage: a URL that is none, a directory
// that does not exist, a proxy list that is malformed.
//
// Results of fetch() are in the order of the requests; their errors name the file:
//   kNotFound     the source answered that it has no such file (404, 410, ENOENT)
//   kUnavailable  no good answer: network, another status, every proxy refused, a web page in
//                 place of the file
//   kUntrusted    more than max_bytes
//   kIo           the directory or file cannot be read
//   kUsage        a path that no log has (absolute, empty or dot elements, odd characters), no CA
//                 file
// A server that answers with Retry-After is not asked again before that time, at most five minutes;
// until then fetch() waits, or fails at once with kUnavailable where that is more than it may.
// Results are final: what a retry of one file could mend has been retried. One thread at a time.
Result<std::unique_ptr<tlog::TileSource>> make_source(const SourceOptions& options);

// kUsage unless SourceOptions::source may be this: the form of a URL, of which nothing is asked;
// what may be a directory is not looked for.
Status check_source(std::string_view source);
// kUsage unless SourceOptions::proxy may be this list.
Status check_proxy_list(std::string_view list);

// A path is relative, made of non-empty elements of letters, digits and -._~!@+=$,:;&'()* that are
// not "." or "..", and at most 4096 bytes long. One slash may end a lookup: the keys of build logs
// do.
bool is_source_path(std::string_view path);

}  // namespace gw::net
