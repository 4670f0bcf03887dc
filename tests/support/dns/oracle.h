// Responses as ldns reads them: the oracle for what our writer writes and our signer signs.
#pragma once

#include <stdbool.h>  // before ldns
//
#include <ldns/ldns.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "dns/wire.h"

namespace gw::dns::test {

struct FreePacket {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
};
using Packet = std::unique_ptr<ldns_pkt, FreePacket>;

inline std::string rr_text(const ldns_rr* rr) {
  char* raw = ldns_rr2str(rr);
  std::string text = raw;
  free(raw);
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) {
    if (c == '\t') c = ' ';
  }
  return text;
}

struct Reply {
  bool parsed = false;
  std::string error;
  int rcode = 0;      // with the extended bits
  std::string flags;  // "qr aa tc rd ra ad cd", those that are set
  std::vector<std::string> answer, authority, additional;
  bool edns = false;
  bool dnssec_ok = false;
  bool compact_ok = false;
  int udp_size = 0;
  std::map<int, std::string> options;
  Packet packet;
};

inline std::vector<std::string> section_text(const ldns_rr_list* list) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
    out.push_back(rr_text(ldns_rr_list_rr(list, i)));
  }
  return out;
}

inline Reply read_reply(std::string_view bytes) {
  Reply reply;
  ldns_pkt* raw = nullptr;
  ldns_status status =
      ldns_wire2pkt(&raw, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (status != LDNS_STATUS_OK) {
    reply.error = ldns_get_errorstr_by_id(status);
    return reply;
  }
  reply.packet.reset(raw);
  reply.parsed = true;
  auto flag = [&](bool set, std::string_view name) {
    if (!set) return;
    if (!reply.flags.empty()) reply.flags += ' ';
    reply.flags += name;
  };
  flag(ldns_pkt_qr(raw), "qr");
  flag(ldns_pkt_aa(raw), "aa");
  flag(ldns_pkt_tc(raw), "tc");
  flag(ldns_pkt_rd(raw), "rd");
  flag(ldns_pkt_ra(raw), "ra");
  flag((static_cast<unsigned char>(bytes[3]) & 0x40) != 0, "z");
  flag(ldns_pkt_ad(raw), "ad");
  flag(ldns_pkt_cd(raw), "cd");
  reply.rcode = ldns_pkt_get_rcode(raw);
  reply.answer = section_text(ldns_pkt_answer(raw));
  reply.authority = section_text(ldns_pkt_authority(raw));
  reply.additional = section_text(ldns_pkt_additional(raw));
  reply.edns = ldns_pkt_edns(raw);
  if (reply.edns) {
    reply.rcode |= ldns_pkt_edns_extended_rcode(raw) << 4;
    reply.dnssec_ok = ldns_pkt_edns_do(raw);
    reply.compact_ok = (ldns_pkt_edns_z(raw) & 0x4000) != 0;
    reply.udp_size = ldns_pkt_edns_udp_size(raw);
    if (const ldns_rdf* data = ldns_pkt_edns_data(raw); data != nullptr) {
      std::string_view rest(reinterpret_cast<const char*>(ldns_rdf_data(data)),
                            ldns_rdf_size(data));
      while (rest.size() >= 4) {
        std::size_t size = load_u16(rest.data() + 2);
        reply.options[load_u16(rest.data())] = rest.substr(4, size);
        rest.remove_prefix(4 + size);
      }
    }
  }
  return reply;
}

// Verifies each RRSIG of a section over the RRset beside it, at `time`; "" when all are good, and
// every RRset has one.
inline std::string verify_section(const ldns_rr_list* section, std::string_view dnskey_rdata,
                                  std::string_view zone, std::uint32_t time) {
  std::string key_wire(zone);
  append_u16(key_wire, rrtype::kDnskey);
  append_u16(key_wire, rrclass::kIn);
  append_u32(key_wire, 3600);
  append_u16(key_wire, static_cast<std::uint16_t>(dnskey_rdata.size()));
  key_wire += dnskey_rdata;
  ldns_rr* key = nullptr;
  std::size_t at = 0;
  if (ldns_wire2rr(&key, reinterpret_cast<const std::uint8_t*>(key_wire.data()), key_wire.size(),
                   &at, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK) {
    return "bad key";
  }
  ldns_rr_list* keys = ldns_rr_list_new();
  ldns_rr_list_push_rr(keys, key);
  std::string problem;
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(section) && problem.empty(); ++i) {
    ldns_rr* rr = ldns_rr_list_rr(section, i);
    if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG) continue;
    ldns_rr_list* set = ldns_rr_list_new();
    ldns_rr_list* sigs = ldns_rr_list_new();
    for (std::size_t j = 0; j < ldns_rr_list_rr_count(section); ++j) {
      ldns_rr* other = ldns_rr_list_rr(section, j);
      if (ldns_dname_compare(ldns_rr_owner(rr), ldns_rr_owner(other)) != 0) continue;
      if (ldns_rr_get_type(other) == ldns_rr_get_type(rr)) {
        ldns_rr_list_push_rr(set, ldns_rr_clone(other));
      } else if (ldns_rr_get_type(other) == LDNS_RR_TYPE_RRSIG &&
                 ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(other)) == ldns_rr_get_type(rr)) {
        ldns_rr_list_push_rr(sigs, ldns_rr_clone(other));
        if (ldns_rr_ttl(other) != ldns_rr_ttl(rr)) problem = "rrsig ttl differs: " + rr_text(rr);
      }
    }
    if (problem.empty()) {
      ldns_status status = ldns_verify_time(set, sigs, keys, time, nullptr);
      if (status != LDNS_STATUS_OK) {
        problem = std::string(ldns_get_errorstr_by_id(status)) + ": " + rr_text(rr);
      }
    }
    ldns_rr_list_deep_free(set);
    ldns_rr_list_deep_free(sigs);
  }
  ldns_rr_list_deep_free(keys);
  return problem;
}

}  // namespace gw::dns::test
