#include "net/resolver_anchors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/zone_lexer.h"
#include "os/file.h"

namespace gw::net {
namespace {

constexpr std::size_t kMaxAnchorFile = std::size_t{1} << 20;

std::optional<unsigned> parse_number(std::string_view text, unsigned max) {
  // zone files allow leading zeros
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  const auto n = parse_decimal(text);
  if (!n || *n > max) return std::nullopt;
  return static_cast<unsigned>(*n);
}

bool equal_fold(std::string_view a, std::string_view b) { return to_lower(a) == to_lower(b); }

// A TTL such as 3600 or 1h30m (BIND's notation).
bool is_ttl(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return false;
  return text.find_first_not_of("0123456789smhdwSMHDW") == std::string_view::npos;
}

// The owner in lower case with its final dot; nothing when it is no domain name.
std::optional<std::string> parse_owner(std::string_view text) {
  if (text == ".") return std::string(".");
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 253) return std::nullopt;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return std::nullopt;
      label = 0;
      continue;
    }
    const bool plain = is_alnum(c) || c == '-' || c == '_';
    if (!plain || ++label > 63) return std::nullopt;
  }
  if (label == 0) return std::nullopt;
  return to_lower(text) + ".";
}

std::string joined(std::span<const std::string_view> fields) {
  std::string out;
  for (const auto f : fields) out += f;
  return out;
}

// What libunbound in Debian validates: RSA with SHA-1, SHA-256 and SHA-512, ECDSA P-256 and P-384,
// Ed25519. Ed448 (16) is not built in.
bool algorithm_is_validated(unsigned algorithm) {
  constexpr std::array<unsigned, 7> kAlgorithms = {5, 7, 8, 10, 13, 14, 15};
  return std::find(kAlgorithms.begin(), kAlgorithms.end(), algorithm) != kAlgorithms.end();
}

// The length of a DS digest by its type (RFC 4034, 4509, 6605); 0 when it is not validated.
std::size_t digest_size(unsigned type) {
  switch (type) {
    case 1:
      return 20;
    case 2:
      return 32;
    case 4:
      return 48;
    default:
      return 0;
  }
}

// An anchor, or a reason why the record is well formed but of no use.
struct Checked {
  std::string rdata;
  std::string unusable;
};

Result<Checked> check_ds(std::span<const std::string_view> f) {
  if (f.size() < 4) return usage_error("a DS record has key tag, algorithm, digest type, digest");
  const auto tag = parse_number(f[0], 65535);
  const auto algorithm = parse_number(f[1], 255);
  const auto type = parse_number(f[2], 255);
  const auto digest = decode_hex(joined(f.subspan(3)));
  if (!tag || !algorithm || !type) return usage_error("bad number in a DS record");
  if (!digest || digest->empty()) return usage_error("bad hexadecimal digest in a DS record");
  Checked out;
  out.rdata = fmt::format("DS {} {} {} {}", *tag, *algorithm, *type, encode_hex(*digest));
  const std::size_t size = digest_size(*type);
  if (size != 0 && digest->size() != size) {
    return usage_error(
        fmt::format("a digest of type {} has {} bytes, this one {}", *type, size, digest->size()));
  }
  if (size == 0) out.unusable = fmt::format("digest type {}", *type);
  if (!algorithm_is_validated(*algorithm)) {
    out.unusable = fmt::format("algorithm {}", *algorithm);
  }
  return out;
}

Result<Checked> check_dnskey(std::span<const std::string_view> f) {
  if (f.size() < 4) return usage_error("a DNSKEY record has flags, protocol, algorithm, key");
  const auto flags = parse_number(f[0], 65535);
  const auto protocol = parse_number(f[1], 255);
  const auto algorithm = parse_number(f[2], 255);
  const auto key = decode_base64(joined(f.subspan(3)));
  if (!flags || !protocol || !algorithm) return usage_error("bad number in a DNSKEY record");
  if (!key || key->empty()) return usage_error("bad base64 key in a DNSKEY record");
  if (*protocol != 3) return usage_error("the protocol of a DNSKEY is 3");
  Checked out;
  out.rdata = fmt::format("DNSKEY {} 3 {} {}", *flags, *algorithm, encode_base64(*key));
  const std::size_t exact = *algorithm == 13   ? 64
                            : *algorithm == 14 ? 96
                            : *algorithm == 15 ? 32
                                               : 0;
  if (exact != 0 && key->size() != exact) {
    return usage_error(fmt::format("a key of algorithm {} has {} bytes, this one {}", *algorithm,
                                   exact, key->size()));
  }
  constexpr unsigned kZone = 0x0100;
  constexpr unsigned kRevoke = 0x0080;
  if ((*flags & kZone) == 0) out.unusable = "a key that is no zone key";
  if ((*flags & kRevoke) != 0) out.unusable = "a revoked key";
  if (!algorithm_is_validated(*algorithm)) {
    out.unusable = fmt::format("algorithm {}", *algorithm);
  }
  return out;
}

// ---- BIND's statements ----

// The words of a configuration file of BIND, with "{", "}" and ";" as words of their own. Comments
// are those of C, C++ and the shell.
class BindWords {
 public:
  explicit BindWords(std::string_view text) : rest_(text) {}

  // "" at the end.
  std::string_view next() {
    skip();
    if (rest_.empty()) return {};
    if (rest_[0] == '"') {
      const std::size_t end = rest_.find('"', 1);
      return take(end == rest_.npos ? rest_.size() : end + 1);
    }
    if (is_mark(rest_[0])) return take(1);
    return take(std::min(rest_.find_first_of(" \t\r\n{};\""), rest_.size()));
  }
  std::size_t line() const { return line_; }

 private:
  static bool is_mark(char c) { return c == '{' || c == '}' || c == ';'; }

  std::string_view take(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    line_ += static_cast<std::size_t>(std::count(out.begin(), out.end(), '\n'));
    rest_.remove_prefix(size);
    return out;
  }
  void skip() {
    for (;;) {
      const std::size_t blank = std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size());
      take(blank);
      if (rest_.starts_with("/*")) {
        const std::size_t end = rest_.find("*/", 2);
        take(end == rest_.npos ? rest_.size() : end + 2);
      } else if (rest_.starts_with("//") || rest_.starts_with("#")) {
        take(std::min(rest_.find('\n'), rest_.size()));
      } else {
        return;
      }
    }
  }

  std::string_view rest_;
  std::size_t line_ = 1;
};

bool opens_anchors(std::string_view word) {
  return word == "trust-anchors" || word == "managed-keys" || word == "trusted-keys";
}

bool is_bind_file(std::string_view text) { return opens_anchors(BindWords(text).next()); }

// One entry, up to its ";", as a record of a zone file.
Result<std::string> bind_record(std::vector<std::string> words) {
  for (std::string& word : words) std::erase(word, '"');
  if (words.size() < 2) return usage_error("an anchor has a name, a kind, three numbers and a key");
  std::string owner = words[0].ends_with('.') ? words[0] : words[0] + ".";
  const bool ds = words[1].ends_with("-ds");
  // trusted-keys has no kinds.
  const std::size_t numbers = is_digit(words[1].empty() ? 'x' : words[1][0]) ? 1 : 2;
  if (words.size() < numbers + 4) {
    return usage_error("an anchor has a name, a kind, three numbers and a key");
  }
  std::string out = fmt::format("{} {}", owner, ds ? "DS" : "DNSKEY");
  for (std::size_t i = numbers; i < words.size(); ++i) {
    out += i <= numbers + 3 ? " " : "";
    for (const char c : words[i]) {
      if (c != ' ' && c != '\t' && c != '\r' && c != '\n') out += c;
    }
  }
  return out;
}

// The statements as records, each on the line that it had.
Result<std::string> bind_records(std::string_view text, std::string_view source) {
  std::string out;
  BindWords words(text);
  std::size_t line = 1;  // of `out`
  const auto fault = [&](std::string_view what) {
    return usage_error(std::string(what)).in(at_line(source, words.line()));
  };
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    if (!opens_anchors(word))
      return fault("neither trust-anchors nor managed-keys: " + quoted(word));
    if (words.next() != "{") return fault("no { after " + quoted(word));
    std::vector<std::string> entry;
    for (word = words.next(); word != "}"; word = words.next()) {
      if (word.empty()) return fault("no } at the end");
      if (word != ";") {
        entry.emplace_back(word);
        continue;
      }
      auto record = bind_record(std::exchange(entry, {}));
      if (!record) return std::move(record).error().in(at_line(source, words.line()));
      if (words.line() > line) out.append(words.line() - line, '\n');
      line = std::max(line, words.line()) + 1;
      out += *record + "\n";
    }
    if (words.next() != ";") return fault("no ; after }");
  }
  return out;
}

struct ParsedAnchor {
  TrustAnchor anchor;
  std::string unusable;
};

Result<ParsedAnchor> parse_entry(const dns::ZoneEntry& entry) {
  std::span<const std::string_view> f = entry.tokens;
  if (f[0].starts_with('$')) return usage_error("directives are not read here: " + quoted(f[0]));
  if (entry.owner_left_out) return usage_error("a record without its owner's name");
  const auto owner = parse_owner(f[0]);
  if (!owner) return usage_error("bad owner name " + quoted(f[0]));
  f = f.subspan(1);
  for (int i = 0; i < 2 && !f.empty(); ++i) {  // TTL and class in either order
    if (is_ttl(f[0]) || equal_fold(f[0], "IN")) f = f.subspan(1);
  }
  if (f.empty()) return usage_error("a record without a type");
  const bool ds = equal_fold(f[0], "DS");
  if (!ds && !equal_fold(f[0], "DNSKEY")) {
    return usage_error("neither a DS nor a DNSKEY record: " + quoted(f[0]));
  }
  GW_TRY(Checked checked, ds ? check_ds(f.subspan(1)) : check_dnskey(f.subspan(1)));
  return ParsedAnchor{{*owner, fmt::format("{} IN {}", *owner, checked.rdata)},
                      std::move(checked.unusable)};
}

}  // namespace

const std::vector<TrustAnchor>& builtin_trust_anchors() {
  static const std::vector<TrustAnchor> kAnchors = {
      {".", ". IN DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"},
      {".", ". IN DS 38696 8 2 683d2d0acb8c9b712a1948b27f741219298d0a450d612c483af444a4c0fb2b16"},
  };
  return kAnchors;
}

Result<std::vector<TrustAnchor>> parse_trust_anchors(std::string_view text,
                                                     std::string_view source) {
  std::vector<TrustAnchor> anchors;
  std::set<std::string> usable;
  struct Unusable {
    std::string owner;
    std::string what;
    std::size_t line;
  };
  std::vector<Unusable> unusable;
  std::string records;
  if (is_bind_file(text)) {
    GW_TRY(records, bind_records(text, source));
    text = records;
  }
  dns::ZoneLexer lexer(text);
  dns::ZoneEntry entry;
  while (true) {
    const auto more = lexer.next(entry);
    if (!more) return more.error().in(at_line(source, lexer.line()));
    if (!*more) break;
    auto parsed = parse_entry(entry);
    if (!parsed) return std::move(parsed).error().in(at_line(source, entry.line));
    if (!parsed->unusable.empty()) {
      unusable.push_back({parsed->anchor.owner, parsed->unusable, entry.line});
      continue;
    }
    usable.insert(parsed->anchor.owner);
    anchors.push_back(std::move(parsed->anchor));
  }
  for (const auto& u : unusable) {
    if (usable.contains(u.owner)) continue;
    return usage_error(fmt::format("{} cannot be validated here, so {} would have no trust anchor "
                                   "and count as unsigned",
                                   u.what, u.owner))
        .in(at_line(source, u.line));
  }
  if (anchors.empty()) {
    return usage_error(std::string(source) + ": no DS or DNSKEY record in it");
  }
  return anchors;
}

Result<std::vector<TrustAnchor>> load_trust_anchors(const std::string& path) {
  auto text = os::read_file(path, kMaxAnchorFile);
  if (!text) {
    Error error = std::move(text).error();
    error.kind = ErrorKind::kUsage;
    return std::move(error).in("trust anchor");
  }
  return parse_trust_anchors(*text, path);
}

const std::string* find_anchor_owner(const std::vector<TrustAnchor>& anchors,
                                     std::string_view name) {
  const std::string* best = nullptr;
  for (const auto& a : anchors) {
    const bool above = a.owner == "." || name == a.owner ||
                       (name.size() > a.owner.size() && name.ends_with(a.owner) &&
                        name[name.size() - a.owner.size() - 1] == '.');
    if (above && (best == nullptr || a.owner.size() > best->size())) best = &a.owner;
  }
  return best;
}

}  // namespace gw::net
