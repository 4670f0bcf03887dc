// What other services say they got for a build while they ask for ours, so that two services that
// verify each other need not wait for each other.
//
// A service that asks another's log for a build sends a mark along: what it got itself, signed with
// its log's key. The one asked, when it verifies its own builds by the first, has the answer then:
// it compares, and asks no more. Without a mark its question would wait for the first one's record,
// which waits for the answer to that very lookup. Anybody could send a bare claim to get around a
// verification: only those count that are signed by the key of a verifier, name this build and are
// not old. Their answer is as good as the log's: it is signed by the same key. All marks are passed
// on, also those that do not count here and those that come late, so that the same holds for a ring
// of services: the next one may be verifying with whoever made them.
//
//   Gwtool-Hop: base64 of a signed note (tlog/note.h) with the text
//     gwtool build hop\n
//     SECONDS\n                 since 1970
//     RECORD                    tlog/build_log.h, with its line feed
//
// No head of a log has that text: a signature means one thing. Any thread.
#pragma once

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "os/stop.h"
#include "tlog/note.h"

namespace gw::buildd {

inline constexpr std::string_view kHopHeader = "Gwtool-Hop";
inline constexpr std::string_view kHopOrigin = "gwtool build hop";
// For clocks that differ, and verifications that take long.
inline constexpr std::chrono::hours kHopStays{1};

// The text that a mark signs; `record` is regular.
std::string format_hop_text(std::string_view record, WallTime now);
struct Hop {
  WallTime at{};
  std::string record;
};
// Nothing when it is another text. The record is a build's.
std::optional<Hop> parse_hop_text(std::string_view text);

class Claims {
 public:
  // `verifiers`: whose word counts.
  Claims(std::vector<tlog::VerifierKey> verifiers, const Clock& clock)
      : verifiers_(std::move(verifiers)), clock_(clock) {}

  // The marks of a request for a build, as they came. Whether one of them counts.
  bool take(std::string_view key, const std::vector<std::string_view>& marks);

  // A question to a verifier that its claim answers, whenever that comes.
  class Question {
   public:
    Question(Claims& claims, std::string key, std::string verifier);
    ~Question();
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    // To be passed on with it.
    const std::vector<std::string>& marks() const { return marks_; }
    // Requested when a claim has come, or more marks, or close() was called: for whoever waits for
    // another answer.
    const os::Stop& settled() const { return settled_; }
    // The record that the verifier claims.
    std::optional<std::string> record() const;
    // It was settled because there are more marks to pass on: another one must be asked.
    bool has_more_marks() const;

   private:
    friend class Claims;
    Claims& claims_;
    const std::string key_;
    const std::string verifier_;
    std::vector<std::string> marks_;
    os::Stop settled_;
  };

  // Ends all waiting: the service stops.
  void close();

 private:
  struct Claim {
    WallTime at{};
    std::string record;
    std::string mark;      // as it came
    std::string verifier;  // whose it is; empty: nobody's that counts
  };
  std::optional<Claim> open(std::string_view key, std::string_view mark) const;
  bool make_room(bool counts) GW_REQUIRES(mutex_);
  void keep(const std::string& key, Claim claim) GW_REQUIRES(mutex_);
  const Claim* find(const std::string& key, const std::string& verifier) const GW_REQUIRES(mutex_);
  std::vector<std::string> marks(const std::string& key) const GW_REQUIRES(mutex_);
  bool is_fresh(WallTime at) const;

  const std::vector<tlog::VerifierKey> verifiers_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, std::vector<Claim>> claims_ GW_GUARDED_BY(mutex_);  // by key
  std::list<Question*> questions_ GW_GUARDED_BY(mutex_);
  bool closed_ GW_GUARDED_BY(mutex_) = false;
};

}  // namespace gw::buildd
