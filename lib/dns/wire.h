// DNS messages at the server's edge: a strict bounded reader for queries and a bounded writer for
// responses (RFC 1035 4.1, RFC 6891).
//
// The reader goes over a packet once, copies nothing but the lower-cased name, and decides what
// RFC 8906 and RFC 9619 want for each kind of malformed query; the writer puts the response
// straight into the caller's packet buffer, points every owner name at the question where it can,
// and keeps room for the OPT record so that a truncated answer still has it. Neither allocates.
// Reading a query costs some tens of nanoseconds (tests/bench/bench_wire.cc).
//
// A Query views the packet it was read from; a ResponseWriter the Query. Objects belong to one
// thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dns/name.h"
#include "dns/types.h"
#include "dns/zone.h"

namespace gw::dns {

enum class Transport { kUdp, kTcp };

enum class QueryStatus {
  kOk,
  kDrop,        // under 12 bytes, or a response: no reply at all
  kFormErr,     // everything malformed: counts, names, OPT, options, bytes after the message
  kNotImp,      // an opcode other than QUERY; the body was not looked at
  kBadVers,     // EDNS version above 0
  kNoQuestion,  // there is none, and a cookie in its place (RFC 7873 5.4)
};

struct Query {
  std::string_view message;  // the packet

  // Header.
  std::uint16_t id = 0;
  std::uint8_t opcode = 0;
  bool recursion_desired = false;

  // Question; `question` is empty when none was read: then none is echoed.
  std::string_view question;  // name, type and class as they stand in the packet
  std::uint16_t qtype = 0;
  std::uint16_t qclass = 0;

  // EDNS: also of a FORMERR whose OPT record was understood, as the reply has one then, too.
  bool has_edns = false;
  bool dnssec_ok = false;
  bool compact_ok = false;  // CO, and DO with it
  std::uint8_t edns_version = 0;
  std::uint16_t udp_size = 0;  // as the client said, at least 512; 512 without EDNS
  bool wants_nsid = false;
  bool wants_zone_version = false;
  bool wants_keepalive = false;
  std::string_view cookie;  // the first such option's value, in the packet; empty: none (RFC 7873)
  // The TSIG record, which is the message's last; 0 when absent. Its rdata was not looked at.
  std::uint16_t tsig_offset = 0;

  // The name asked for, lower-cased.
  NameView name() const { return {lower.data(), name_size}; }
  // The start of label `i`'s length octet within name(), leftmost first; i < labels.
  std::uint16_t name_size = 0;
  std::uint8_t labels = 0;  // without the root
  std::array<std::uint8_t, kMaxLabels + 1> label_offsets;
  alignas(8) std::array<char, kMaxName + 9> lower;  // spare bytes: copied eight at a time
};

// Reads `packet`. `out` holds what was understood before the problem, so that an error reply can
// echo it: the header unless kDrop, the question if it was whole.
QueryStatus read_query(std::string_view packet, Query& out);

enum class Section : std::uint8_t { kAnswer, kAuthority, kAdditional };

// What the OPT record of a response says.
struct OptFields {
  Rcode rcode = Rcode::kNoError;  // the upper eight bits go here
  std::uint16_t udp_size = kDefaultUdpSize;
  bool dnssec_ok = false;
  bool compact_ok = false;
};

// Writes one response into `out`. Every append returns false and leaves the response as it was when
// it does not fit; the caller then calls truncate(). Records are appended in section order.
class ResponseWriter {
 public:
  // `limit`: the size the response may have, at most out.size() and at least 512. `out` does not
  // overlap the query's packet.
  ResponseWriter(std::span<char> out, std::size_t limit, const Query& query);

  // Bytes kept back for the OPT record and its options.
  void reserve(std::size_t bytes);

  // The whole RRset with this TTL. `owner` is lower-cased.
  bool add_rrset(Section section, NameView owner, const RrsetView& rrset, std::uint32_t ttl);
  // One record, of which the caller writes the rdata: begin_record returns where, and how much room
  // there is; end_record takes its size, at most that. An empty span: no room for the fixed part.
  std::span<char> begin_record(Section section, NameView owner, std::uint16_t type,
                               std::uint16_t rrclass, std::uint32_t ttl);
  void end_record(std::size_t rdata_size);

  // Forgets every record and sets TC.
  void truncate();
  // Forgets every record.
  void clear();

  void set_rcode(Rcode rcode) { rcode_ = rcode; }
  void set_authoritative(bool aa) { authoritative_ = aa; }
  Rcode rcode() const { return rcode_; }
  bool truncated() const { return truncated_; }
  std::uint16_t count(Section section) const { return counts_[static_cast<int>(section)]; }

  // The OPT record; always fits. Its options are appended next; false when one does not fit.
  void add_opt(const OptFields& opt);
  bool add_option(std::uint16_t code, std::string_view data);
  static constexpr std::size_t kOptSize = 11;

  // Writes the header and returns the response's size.
  std::size_t finish();

 private:
  // How an owner is written: so many octets of it, then a pointer, or the root when there is none.
  struct OwnerForm {
    std::size_t spelled;
    std::uint16_t pointer;
    std::size_t size() const { return spelled + (pointer != 0 ? 2 : 1); }
  };
  struct RecordFields {
    std::uint16_t type;
    std::uint16_t rrclass;
    std::uint32_t ttl;
  };
  OwnerForm owner_form(NameView owner) const;
  std::size_t write_head(std::size_t at, NameView owner, OwnerForm form,
                         const RecordFields& fields) const;

  char* out_;
  std::size_t limit_;
  std::size_t size_;
  std::size_t body_;  // where records begin
  std::size_t reserved_ = 0;
  std::size_t record_ = 0;      // where the open record's RDLENGTH is
  std::size_t opt_length_ = 0;  // where the OPT record's RDLENGTH is
  Section section_ = Section::kAnswer;
  const Query* query_;
  std::array<std::uint16_t, 3> counts_{};
  Rcode rcode_ = Rcode::kNoError;
  bool authoritative_ = false;
  bool truncated_ = false;
};

// Big-endian integers at an address.
inline void store_u16(char* at, std::uint16_t v) {
  at[0] = static_cast<char>(v >> 8);
  at[1] = static_cast<char>(v);
}
inline void store_u32(char* at, std::uint32_t v) {
  store_u16(at, static_cast<std::uint16_t>(v >> 16));
  store_u16(at + 2, static_cast<std::uint16_t>(v));
}
inline std::uint16_t load_u16(const char* at) {
  return static_cast<std::uint16_t>((static_cast<std::uint8_t>(at[0]) << 8) |
                                    static_cast<std::uint8_t>(at[1]));
}
inline std::uint32_t load_u32(const char* at) {
  return (static_cast<std::uint32_t>(load_u16(at)) << 16) | load_u16(at + 2);
}

}  // namespace gw::dns
