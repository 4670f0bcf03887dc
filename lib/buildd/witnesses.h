// Witnesses: others who sign a log's newest head when it continues every head of this log that they
// have seen, so that clients who ask for their signatures notice a log that tells two histories.
//
// A round offers the newest checkpoint to each of them, with the proof that it continues the one
// that the witness signed last. Those that have another last one in mind say which (409), and get
// the proof from there. What comes back is verified, and once enough have signed, the checkpoint
// with their signatures is what is served.
//
//   POST URL/add-checkpoint
//     old SIZE\n
//     [BASE64 of a hash\n]...   RFC 6962 consistency proof, none from 0
//     \n
//     the checkpoint, a signed note
//   200: signature lines · 409: SIZE\n
//
// Source: c2sp.org/tlog-witness. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"
#include "tlog/cosignature.h"
#include "tlog/log_store.h"
#include "tlog/log_writer.h"

namespace gw::buildd {

struct Witness {
  tlog::CosignerKey key;
  std::string url;  // without its last slash
  // "KEY=URL". kUsage.
  static Result<Witness> parse(std::string_view text);
};

// What a witness is sent. Precondition: old <= size.
Result<std::string> format_add_checkpoint(std::uint64_t old, std::uint64_t size,
                                          std::string_view checkpoint, tlog::NodeSource& nodes);

class Witnesses {
 public:
  // `post`: one request, one answer; for tests. `quorum`: so many must have signed.
  using Post = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;
  Witnesses(std::vector<Witness> witnesses, std::size_t quorum, Post post);

  // What became of a round: the size that is witnessed now, and why some did not sign.
  struct Round {
    std::uint64_t size = 0;  // 0: too few signed
    std::vector<Error> errors;
  };
  // Nothing is asked when the log has not grown since enough signed.
  Result<Round> round(tlog::LogStore& store, tlog::LogWriter& log);

 private:
  Result<std::string> ask(std::size_t n, std::uint64_t size, const std::string& checkpoint,
                          tlog::NodeSource& nodes);
  struct Known {
    Witness witness;
    std::uint64_t signed_size = 0;  // that it signed last
  };
  std::vector<Known> witnesses_;
  const std::size_t quorum_;
  const Post post_;
  std::uint64_t witnessed_ = 0;
};

}  // namespace gw::buildd
