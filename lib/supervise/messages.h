// What the supervisor and its helper say to each other: a job, and frames.
//
//   frame = kind (1 byte) length (4 bytes, big endian) payload
//   answer, proof, error: JSON; data: bytes of a binary; service: a number, from 0, whose proof or
//   error follows. An answer after those ends them, and what follows is of the build. Refused: why
//   the helper may do more than it should.
//
// A job is a file that the helper inherits, and its frames come by a pipe: one way only, and so it
// is never answered and needs no further descriptor. Messages of a SEQPACKET would have to be cut
// to its buffer's size, and put together here all the same.
//
// The helper speaks to the network and reads what strangers wrote, so nothing of its word is
// believed: lengths are bounded, JSON is read member by member, and a binary counts only by the
// log's proof, which the supervisor verifies itself. FrameReader: one thread; all else is pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "build/agreement.h"
#include "build/key.h"
#include "module/vulnerability.h"
#include "update/policy.h"

namespace gw::supervise {

enum class FrameKind : char {
  kAnswer = 'A',
  kProof = 'P',
  kData = 'D',
  kError = 'E',
  kService = 'S',
  kRefused = 'R',
};

struct Frame {
  FrameKind kind = FrameKind::kError;
  std::string payload;
};

inline constexpr std::size_t kMaxData = std::size_t{1} << 20;
inline constexpr std::size_t kMaxDocument = std::size_t{16} << 20;

std::string format_frame(FrameKind kind, std::string_view payload);

// Takes what comes, in any pieces.
class FrameReader {
 public:
  void add(std::string_view bytes) { buffer_ += bytes; }
  // The next whole frame; nothing when it has not come yet. kUntrusted: no frame, or too long.
  Result<std::optional<Frame>> next();
  // Bytes of a frame that did not come to its end.
  bool in_the_middle() const { return !buffer_.empty(); }

 private:
  std::string buffer_;
};

// Where things are asked for; the same for every job.
struct Sources {
  std::string dns = {};       // the zone; empty: DNS is not asked
  std::string resolver = {};  // as net/resolver.h
  std::string trust_anchor = {};
  bool need_secure = true;           // an answer that is not signed does not count
  std::string proxy = {};            // as GOPROXY; empty: not asked
  std::string toolchain_proxy = {};  // for Go's versions; empty: as `proxy`
  std::string build_key = {};        // of the service's log
  std::string build_url = {};
  std::vector<std::string> verifiers = {};  // other services: "VKEY" or "VKEY=URL"
  std::uint64_t servers = 0;                // so many of all must say the same; 0: all
  std::string own_domain = {};              // that announces gwtool's versions; empty: not asked
  std::string vulnerabilities = {};         // as net/vulnerability_database.h; empty: not looked at
  std::string ca_file = {};
  bool operator==(const Sources&) const = default;
};

// The build services, that of build_key first, and how many must say the same.
std::vector<build::ServiceName> services_of(const Sources& sources);
// How a service is called in messages: its key's name.
std::string service_title(const build::ServiceName& service);
std::size_t wanted_of(const Sources& sources);

struct Job {
  enum class Kind { kDiscover, kFetch, kProve, kReady, kTell } kind = Kind::kDiscover;
  Sources sources;
  build::Key key;             // kDiscover: of what runs; the others: what is wanted
  update::Policies policies;  // kDiscover: when the list of all versions is worth asking for
  std::vector<std::string> heads = {};  // kFetch: the remembered one of each service; or empty
  std::vector<mod::Component> components = {};  // kDiscover: what runs is made of these
  // kDiscover: versions that are known already, and the Go that they need where that is known, too.
  std::map<std::string, std::string> known = {};
  // kReady: as parse_readiness(); kTell: a URL to post `body` to. Both answer by how they end.
  std::string where = {};
  std::string body = {};
  std::uint64_t timeout_ms = 0;
  // What it may call, compiled (helper_calls.h).
  std::vector<std::uint64_t> calls = {};
};
std::string format_job(const Job& job);
// kUsage.
Result<Job> parse_job(std::string_view text);

// What is out there.
struct Discovered {
  struct Seen {
    std::optional<WallTime> published = {};  // as the source says
  };
  std::map<std::string, Seen> versions;
  update::SupportedToolchains toolchains;
  std::map<std::string, WallTime> toolchain_times;
  std::vector<std::string> retracted;           // of these and the known ones
  std::map<std::string, std::string> go_lines;  // of go.mod: "1.24"
  std::string deprecated;                       // what the module's authors say instead
  std::string problem;                          // of a source, where another one answered
  std::string own_version = {};                 // gwtool's newest, as its domain says
  // Of what runs; nothing: nobody looked. And which of them each version, or Go version, mends.
  std::optional<std::vector<mod::Finding>> vulnerabilities = {};
  std::map<std::string, std::vector<std::string>> fixes = {};
};
// As the state file, status and the helper's answer have them. kUntrusted would be too much: what
// is no finding is left out.
Json findings_json(const std::vector<mod::Finding>& findings);
std::vector<mod::Finding> read_findings(const Json& list);
std::map<std::string, std::vector<std::string>> read_fixes(const Json& object);

std::string format_discovered(const Discovered& found);
// kUntrusted. What is no version is left out.
Result<Discovered> parse_discovered(std::string_view text);

// The files of a log by their paths: all that it takes to verify a record again.
using ProofFiles = std::map<std::string, std::string>;
std::string format_proof(const ProofFiles& files);
Result<ProofFiles> parse_proof(std::string_view text);  // kUntrusted

std::string format_error(const Error& error);
Error parse_error(std::string_view text);

}  // namespace gw::supervise
