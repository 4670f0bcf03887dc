#include "dns/presentation.h"

#include <fmt/format.h>
#include <stdbool.h>  // before ldns, which would define bool, true and false itself
//
#include <ldns/ldns.h>

#include <array>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/dnssec.h"
#include "dns/plain_rdata.h"
#include "dns/rdata.h"
#include "dns/strict_rdata.h"
#include "dns/svcb.h"
#include "dns/wire.h"

namespace gw::dns {

namespace {

struct Free {
  void operator()(ldns_rr* rr) const { ldns_rr_free(rr); }
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
  void operator()(ldns_buffer* buffer) const { ldns_buffer_free(buffer); }
  void operator()(char* text) const { free(text); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Error out_of_memory() { return internal_error("out of memory"); }

Result<std::string> wire_rdata(const ldns_rr* rr) {
  const Owned<ldns_buffer> buffer(ldns_buffer_new(LDNS_MAX_PACKETLEN));
  if (!buffer) return out_of_memory();
  const ldns_status status = ldns_rr_rdata2buffer_wire(buffer.get(), rr);
  if (status != LDNS_STATUS_OK) return usage_error(ldns_get_errorstr_by_id(status));
  return std::string(reinterpret_cast<const char*>(ldns_buffer_begin(buffer.get())),
                     ldns_buffer_position(buffer.get()));
}

std::string wire_name(const ldns_rdf* dname) {
  return {reinterpret_cast<const char*>(ldns_rdf_data(dname)), ldns_rdf_size(dname)};
}

Result<Owned<ldns_rr>> to_ldns(const Record& record) {
  std::string wire = record.owner;
  append_u16(wire, record.type);
  append_u16(wire, record.rrclass);
  append_u32(wire, record.ttl);
  append_u16(wire, static_cast<std::uint16_t>(record.rdata.size()));
  wire += record.rdata;
  ldns_rr* raw = nullptr;
  std::size_t at = 0;
  const ldns_status status = ldns_wire2rr(&raw, reinterpret_cast<const std::uint8_t*>(wire.data()),
                                          wire.size(), &at, LDNS_SECTION_ANSWER);
  if (status != LDNS_STATUS_OK) return corrupt_error(ldns_get_errorstr_by_id(status));
  Owned<ldns_rr> rr(raw);
  // ldns follows compression pointers in rdata: what it read must be what was given.
  auto again = wire_rdata(rr.get());
  if (!again || *again != record.rdata) return corrupt_error("malformed rdata");
  return rr;
}

std::string_view algorithm_mnemonic(std::uint8_t algorithm) {
  return algorithm == algorithm::kEcdsaP256 ? "ECDSAP256SHA256" : "ED25519";
}

// Octets of a private key, and those without which it is a cut file rather than a small number.
constexpr std::size_t kSecret = 32;
constexpr std::size_t kLeastSecret = 24;

// YYYYMMDDHHMMSS, as BIND's key files write times.
std::string bind_time(WallTime time) {
  std::string digits;
  for (const char c : format_rfc3339(time)) {
    if (is_digit(c)) digits.push_back(c);
  }
  return digits;
}

}  // namespace

std::string format_type(std::uint16_t type) {
  const Owned<char> text(ldns_rr_type2str(static_cast<ldns_rr_type>(type)));
  return text ? text.get() : fmt::format("TYPE{}", type);
}

Result<std::uint16_t> parse_type(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::uint16_t>, 7> kUsual = {
      {{"A", rrtype::kA},
       {"AAAA", rrtype::kAaaa},
       {"NS", rrtype::kNs},
       {"CNAME", rrtype::kCname},
       {"MX", rrtype::kMx},
       {"TXT", rrtype::kTxt},
       {"DS", rrtype::kDs}}};
  for (const auto& [usual, type] : kUsual) {
    if (text == usual) return type;
  }
  const std::string name(text);
  // ldns reads TYPE65552 as 16 and TYPE1junk as 1.
  constexpr std::string_view kNumbered = "type";
  if (to_lower(text.substr(0, kNumbered.size())) == kNumbered) {
    const auto number = parse_decimal(text.substr(kNumbered.size()));
    if (!number || *number == 0 || *number > 0xffff) {
      return usage_error(fmt::format("record type {} is none of TYPE1 to TYPE65535", quoted(text)));
    }
    return static_cast<std::uint16_t>(*number);
  }
  const ldns_rr_type type = ldns_get_rr_type_by_name(name.c_str());
  if (type == 0 || name.size() != std::char_traits<char>::length(name.c_str())) {
    return usage_error(fmt::format("record type {} is unknown", quoted(text)),
                       "any type can be written by its number: TYPE65534 \\# LENGTH HEX");
  }
  return static_cast<std::uint16_t>(type);
}

namespace {

// `where` is named in errors.
Result<Record> parse_line(const std::string& line, NameView origin, std::uint32_t default_ttl,
                          const std::string& where) {
  if (line.size() > 4 * kMaxMessage ||
      line.find_first_of(std::string_view("\0\n", 2)) != std::string::npos) {
    return usage_error(where + ": not one line of text");
  }
  const Owned<ldns_rdf> base(
      ldns_dname_new_frm_data(static_cast<std::uint16_t>(origin.size()), origin.data()));
  if (!base) return out_of_memory();
  ldns_rr* raw = nullptr;
  const ldns_status status =
      ldns_rr_new_frm_str(&raw, line.c_str(), default_ttl, base.get(), nullptr);
  if (status != LDNS_STATUS_OK) {
    return usage_error(fmt::format("{}: {}", where, to_lower(ldns_get_errorstr_by_id(status))));
  }
  const Owned<ldns_rr> rr(raw);
  auto rdata = wire_rdata(rr.get());
  if (!rdata) return std::move(rdata).error().in(where);
  Record record;
  record.owner = wire_name(ldns_rr_owner(rr.get()));
  record.type = static_cast<std::uint16_t>(ldns_rr_get_type(rr.get()));
  record.rrclass = static_cast<std::uint16_t>(ldns_rr_get_class(rr.get()));
  record.ttl = ldns_rr_ttl(rr.get());
  record.rdata = *std::move(rdata);
  if (!is_wire_name(record.owner)) return usage_error(where + ": bad owner name");
  return record;
}

}  // namespace

Result<Record> parse_record(std::string_view text, NameView origin, std::uint32_t default_ttl) {
  return parse_line(std::string(text), origin, default_ttl, "record " + quoted(text, 80));
}

namespace {

// ldns takes "MX 70000" for "MX 4464" and "MX -1" for "MX 65535": whether the numbers of the fields
// before the first one that may have several words are numbers in their range.
Status check_numbers(std::uint16_t type, std::string_view text) {
  const ldns_rr_descriptor* form = ldns_rr_descript(type);
  if (form == nullptr || text.starts_with("\\#")) return {};
  for (std::size_t i = 0; i < ldns_rr_descriptor_maximum(form) && !text.empty(); ++i) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (word.empty()) return {};
    std::uint64_t most = 0;
    bool may_be_word = false;
    switch (ldns_rr_descriptor_field_type(form, i)) {
      case LDNS_RDF_TYPE_INT8:
        most = 0xff;
        break;
      case LDNS_RDF_TYPE_ALG:
      case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
      case LDNS_RDF_TYPE_SELECTOR:
      case LDNS_RDF_TYPE_MATCHING_TYPE:
        most = 0xff;
        may_be_word = true;
        break;
      case LDNS_RDF_TYPE_INT16:
        most = 0xffff;
        break;
      case LDNS_RDF_TYPE_CERT_ALG:
        most = 0xffff;
        may_be_word = true;
        break;
      case LDNS_RDF_TYPE_INT32:
        most = 0xffffffff;
        break;
      case LDNS_RDF_TYPE_DNAME:
      case LDNS_RDF_TYPE_A:
      case LDNS_RDF_TYPE_AAAA:
      case LDNS_RDF_TYPE_PERIOD:
      case LDNS_RDF_TYPE_TSIGTIME:
        continue;
      default:
        return {};
    }
    const bool digits = word.find_first_not_of("0123456789") == std::string_view::npos;
    const auto number =
        parse_decimal(word.substr(std::min(word.find_first_not_of('0'), word.size() - 1)));
    const char first = to_lower(word.front());
    if (may_be_word && first >= 'a' && first <= 'z') continue;
    if (!digits) return usage_error(fmt::format("{} is no number", quoted(word)));
    if (!number || *number > most) {
      return usage_error(fmt::format("number {} is above {}", quoted(word), most));
    }
  }
  return {};
}

// The form of any type's rdata (RFC 3597 section 5): `\# LENGTH HEX...`, read to the last digit.
Result<std::string> parse_generic(std::string_view text) {
  text.remove_prefix(2);
  const bool marked = text.empty() || text[0] == ' ' || text[0] == '\t';
  std::vector<std::string_view> words;
  while (!(text = trim(text)).empty()) {
    words.push_back(text.substr(0, text.find_first_of(" \t")));
    text.remove_prefix(words.back().size());
  }
  std::string hex;
  for (std::size_t i = 1; i < words.size(); ++i) hex += words[i];
  const auto size = parse_decimal(words.empty() ? std::string_view() : words.front());
  auto rdata = decode_hex(hex);
  if (!marked || !size || *size > 0xffff || !rdata || rdata->size() != *size) {
    return usage_error("generic data is not \\# LENGTH and as many octets in hex");
  }
  return *std::move(rdata);
}

// What ldns is given of a record's fields: it reads the value of a CAA record only in quotes, and
// RFC 8659 4.1.1 takes one without.
std::string ldns_fields(std::uint16_t type, std::string_view text) {
  constexpr std::uint16_t kCaaType = 257;
  std::string fields(text);
  if (type != kCaaType) return fields;
  const std::size_t flags = text.find(' ');
  const std::size_t value = flags == text.npos ? text.npos : text.find(' ', flags + 1);
  if (value == text.npos || text.find_first_of("\" ", value + 1) != text.npos) return fields;
  return fields.insert(value + 1, 1, '"') + '"';
}

}  // namespace

Result<std::string> parse_rdata(std::uint16_t type, std::string_view text, NameView origin) {
  if (const std::string_view start = trim(text); start.starts_with("\\#")) {
    auto rdata = parse_generic(start);
    if (!rdata) return std::move(rdata).error().in(format_type(type) + " record");
    if (!canonical_rdata(type, *rdata)) {
      return usage_error(format_type(type) + " record: not the form of its type");
    }
    return rdata;
  }
  if (auto plain = parse_plain_rdata(type, text, origin)) return *std::move(plain);
  if (type == rrtype::kSvcb || type == rrtype::kHttps) {
    auto rdata = parse_svcb(text, origin);
    if (!rdata) return std::move(rdata).error().in(format_type(type) + " record");
    return rdata;
  }
  const std::string name = format_type(type);
  if (has_strict_text(type)) {
    auto rdata = parse_strict_rdata(type, text);
    if (!rdata) return std::move(rdata).error().in(name + " record");
    return rdata;
  }
  GW_CHECK(check_numbers(type, text));
  if (Status ok = check_rdata_text(type, text); !ok) {
    return std::move(ok).error().in(name + " record");
  }
  GW_TRY(Record record, parse_line(fmt::format(". 0 IN {} {}", name, ldns_fields(type, text)),
                                   origin, 0, fmt::format("{} record {}", name, quoted(text, 80))));
  if (!canonical_rdata(type, record.rdata)) {
    return usage_error(name + " record: not the form of its type");
  }
  return std::move(record.rdata);
}

Result<std::string> format_record(const Record& record) {
  GW_TRY(const Owned<ldns_rr> rr, to_ldns(record));
  const Owned<char> text(ldns_rr2str(rr.get()));
  if (!text) return out_of_memory();
  std::string line = text.get();
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  return line;
}

Result<PrivateKeyText> parse_private_key(std::string_view text) {
  PrivateKeyText key;
  bool format = false;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      if (!trim(line).empty()) return usage_error("private key: a line without a colon");
      continue;
    }
    const std::string_view name = trim(line.substr(0, colon));
    const std::string_view value = trim(line.substr(colon + 1));
    if (name == "Private-key-format") {
      // A later minor version only adds fields.
      if (value.substr(0, 3) != "v1.") {
        return usage_error("private key: its format is not v1");
      }
      format = true;
    } else if (name == "Algorithm") {
      const auto number = parse_decimal(value.substr(0, value.find(' ')));
      if (!number || *number > 255 || public_key_size(static_cast<std::uint8_t>(*number)) == 0) {
        return usage_error(fmt::format("private key: algorithm{} is neither 13 nor 15",
                                       number ? fmt::format(" {}", *number) : ""));
      }
      key.algorithm = static_cast<std::uint8_t>(*number);
    } else if (name == "PrivateKey") {
      auto secret = decode_base64(value);
      if (!secret || secret->size() < kLeastSecret || secret->size() > kSecret ||
          !key.secret.empty()) {
        return usage_error("private key: PrivateKey is not the base64 of 32 octets");
      }
      key.secret = *std::move(secret);
    }
  }
  if (!format) return usage_error("private key: no Private-key-format line");
  if (key.algorithm == 0) return usage_error("private key: no Algorithm line");
  if (key.secret.empty()) return usage_error("private key: no PrivateKey line");
  // One ECDSA key of 256 begins with a zero octet, which dnssec-keygen leaves out, as it writes a
  // number. An Ed25519 key is octets (RFC 8080), all of them written.
  if (key.algorithm == algorithm::kEd25519 && key.secret.size() != kSecret) {
    return usage_error("private key: PrivateKey is not the base64 of 32 octets");
  }
  key.secret.insert(0, kSecret - key.secret.size(), '\0');
  return key;
}

std::string format_private_key(const PrivateKeyText& key, WallTime created) {
  const std::string time = bind_time(created);
  return fmt::format(
      "Private-key-format: v1.3\nAlgorithm: {} ({})\nPrivateKey: {}\nCreated: {}\nPublish: "
      "{}\nActivate: {}\n",
      key.algorithm, algorithm_mnemonic(key.algorithm), encode_base64(key.secret), time, time,
      time);
}

Result<PublicKeyText> parse_public_key(std::string_view text) {
  std::optional<PublicKeyText> key;
  while (!text.empty()) {
    const std::string_view line = trim(take_line(text));
    if (line.empty() || line.front() == ';') continue;
    auto record = parse_line(std::string(line), kRootName, 3600, "public key");
    if (!record) return std::move(record).error();
    if (record->type != rrtype::kDnskey || key) {
      return usage_error("public key: not one dnskey record");
    }
    auto algorithm = static_cast<std::uint8_t>(record->rdata.size() > 3 ? record->rdata[3] : 0);
    if (public_key_size(algorithm) == 0 || record->rdata.size() != 4 + public_key_size(algorithm)) {
      return usage_error("public key: neither algorithm 13 nor 15, or of the wrong size");
    }
    key = PublicKeyText{lower_name(record->owner), std::move(record->rdata)};
  }
  if (!key) return usage_error("public key: no dnskey record");
  return *std::move(key);
}

std::string format_public_key(const PublicKeyText& key, std::uint32_t ttl) {
  const std::string owner = format_name(key.owner);
  const std::string_view rdata = key.dnskey;
  const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(rdata[i]); };
  return fmt::format("; This is a key-signing key, keyid {}, for {}\n{} {} IN DNSKEY {} {} {} {}\n",
                     key_tag(rdata), owner, owner, ttl, load_u16(rdata.data()), octet(2), octet(3),
                     encode_base64(rdata.substr(4)));
}

}  // namespace gw::dns
