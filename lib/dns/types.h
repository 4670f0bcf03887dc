// The numbers of the DNS that gwtool names: record types, classes, opcodes, response codes, EDNS
// options and extended errors. Values from the IANA registries "Domain Name System (DNS)
// Parameters"; a value that no code names is carried as a plain integer and is never an error
// (RFC 3597).
#pragma once

#include <cstddef>
#include <cstdint>

namespace gw::dns {

namespace rrtype {
inline constexpr std::uint16_t kA = 1;
inline constexpr std::uint16_t kNs = 2;
inline constexpr std::uint16_t kCname = 5;
inline constexpr std::uint16_t kSoa = 6;
inline constexpr std::uint16_t kPtr = 12;
inline constexpr std::uint16_t kMx = 15;
inline constexpr std::uint16_t kTxt = 16;
inline constexpr std::uint16_t kAaaa = 28;
inline constexpr std::uint16_t kSrv = 33;
inline constexpr std::uint16_t kDname = 39;
inline constexpr std::uint16_t kOpt = 41;
inline constexpr std::uint16_t kDs = 43;
inline constexpr std::uint16_t kRrsig = 46;
inline constexpr std::uint16_t kNsec = 47;
inline constexpr std::uint16_t kDnskey = 48;
inline constexpr std::uint16_t kNsec3 = 50;
inline constexpr std::uint16_t kNsec3Param = 51;
inline constexpr std::uint16_t kCds = 59;
inline constexpr std::uint16_t kCdnskey = 60;
inline constexpr std::uint16_t kSvcb = 64;
inline constexpr std::uint16_t kHttps = 65;
inline constexpr std::uint16_t kNxname = 128;  // RFC 9824: only ever in a type bitmap
inline constexpr std::uint16_t kTkey = 249;
inline constexpr std::uint16_t kTsig = 250;
inline constexpr std::uint16_t kIxfr = 251;
inline constexpr std::uint16_t kAxfr = 252;
inline constexpr std::uint16_t kAny = 255;
}  // namespace rrtype

namespace rrclass {
inline constexpr std::uint16_t kIn = 1;
inline constexpr std::uint16_t kCh = 3;
inline constexpr std::uint16_t kAny = 255;
}  // namespace rrclass

namespace opcode {
inline constexpr std::uint8_t kQuery = 0;
inline constexpr std::uint8_t kNotify = 4;
}  // namespace opcode

enum class Rcode : std::uint16_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kYxDomain = 6,
  kNotAuth = 9,
  kBadVers = 16,  // and everything above it: needs an OPT record to be said
  kBadCookie = 23,
};

namespace edns {
inline constexpr std::uint16_t kNsid = 3;          // RFC 5001
inline constexpr std::uint16_t kCookie = 10;       // RFC 7873
inline constexpr std::uint16_t kKeepalive = 11;    // RFC 7828
inline constexpr std::uint16_t kError = 15;        // RFC 8914
inline constexpr std::uint16_t kZoneVersion = 19;  // RFC 9660
inline constexpr std::uint16_t kFlagDo = 0x8000;   // RFC 3225
inline constexpr std::uint16_t kFlagCo = 0x4000;   // RFC 9824
}  // namespace edns

// Extended DNS errors (RFC 8914 and its registry).
enum class Ede : std::uint16_t {
  kOther = 0,
  kNotReady = 14,
  kProhibited = 18,
  kNotAuthoritative = 20,
  kInvalidQueryType = 30,
  kNone = 0xffff,  // not a code: say nothing
};

namespace algorithm {
inline constexpr std::uint8_t kEcdsaP256 = 13;  // RFC 6605
inline constexpr std::uint8_t kEd25519 = 15;    // RFC 8080
}  // namespace algorithm

inline constexpr std::size_t kMaxName = 255;           // octets of a wire name, the root included
inline constexpr std::size_t kMaxLabel = 63;           // octets of a label
inline constexpr std::size_t kHeaderSize = 12;         // octets of a message header
inline constexpr std::size_t kMaxMessage = 65535;      // over TCP
inline constexpr std::size_t kMinUdpSize = 512;        // without EDNS, and the least with it
inline constexpr std::size_t kDefaultUdpSize = 1232;   // RFC 9715
inline constexpr std::size_t kMaxLabels = 127;         // labels of a name, without the root
inline constexpr std::uint16_t kDnskeyFlagsCsk = 257;  // zone key and secure entry point

}  // namespace gw::dns
