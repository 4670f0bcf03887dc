// The log's records as they come, for those who follow: server-sent events whose id is the record's
// number, so that a reader who lost the connection goes on where it was (Last-Event-ID).
//
// Who is far behind gets a part and is asked to come again, so that nobody's past is held in
// memory. Any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/mutex.h"
#include "buildd/ledger.h"
#include "http/reply.h"
#include "http/request.h"
#include "tlog/log_writer.h"

namespace gw::buildd {

class Feed {
 public:
  // Both must outlive it. Nothing is told that the log's head does not cover.
  Feed(Ledger& ledger, const tlog::LogWriter& log) : ledger_(ledger), log_(log) {}
  // From Last-Event-ID, or `from=NUMBER` in the query, or what comes next.
  void follow(const http::Request& request, const http::Reply& reply);
  // The log has grown, and a published head covers it.
  void published();

 private:
  struct Reader {
    http::Stream stream;
    std::uint64_t next = 0;
  };
  // False: it has left, or is to come again.
  bool send_to(Reader& reader, std::uint64_t size) const;

  Ledger& ledger_;
  const tlog::LogWriter& log_;
  Mutex mutex_;
  std::vector<Reader> readers_ GW_GUARDED_BY(mutex_);
};

}  // namespace gw::buildd
