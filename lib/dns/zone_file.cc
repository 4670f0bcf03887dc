#include "dns/zone_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/presentation.h"
#include "dns/rdata.h"
#include "dns/static_zone.h"
#include "dns/zone_lexer.h"

namespace gw::dns {

namespace {

constexpr unsigned kMaxIncludes = 8;              // within each other
constexpr std::size_t kMostWarnings = 10'000;     // nobody reads more of them
constexpr std::uint64_t kMaxAnyTtl = 0x7fffffff;  // RFC 2181 8

// "3600", or BIND's "1h30m".
std::optional<std::uint32_t> parse_ttl(std::string_view text) {
  std::uint64_t total = 0;
  std::uint64_t number = 0;
  bool digits = false;
  bool units = false;
  for (const char c : text) {
    std::uint64_t unit = 0;
    switch (to_lower(c)) {
      case 'w':
        unit = 7 * 86400;
        break;
      case 'd':
        unit = 86400;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'm':
        unit = 60;
        break;
      case 's':
        unit = 1;
        break;
      default:
        if (!is_digit(c)) return std::nullopt;
        number = number * 10 + static_cast<std::uint64_t>(c - '0');
        if (number > kMaxAnyTtl) return std::nullopt;
        digits = true;
        continue;
    }
    if (!digits) return std::nullopt;
    total += number * unit;
    number = 0;
    digits = false;
    units = true;
  }
  if (digits == units) return std::nullopt;  // nothing, or "1h30"
  total += number;
  if (total > kMaxAnyTtl) return std::nullopt;
  return static_cast<std::uint32_t>(total);
}

bool is_directive(const ZoneEntry& entry) {
  return entry.tokens.front().front() == '$' && !entry.owner_left_out;
}

class Parser {
 public:
  Parser(NameView origin, const ZoneFileOptions& options) : options_(options), origin_(origin) {}

  Status file(std::string_view text, const std::string& name);
  ZoneFileText take();

 private:
  Status entry(const ZoneEntry& entry);
  Status directive(const ZoneEntry& entry);
  Status include(const ZoneEntry& entry);
  Status record(const ZoneEntry& entry);
  Result<std::uint32_t> ttl_of(std::optional<std::uint32_t> given);
  Status add(std::uint16_t type, std::uint32_t ttl, std::string_view rdata);
  void warn(std::string text) {
    if (out_.warnings.size() < kMostWarnings) out_.warnings.push_back(std::move(text));
  }
  std::string where() const { return at_line(file_, line_); }

  const ZoneFileOptions& options_;
  std::string origin_;
  std::string owner_;  // of the record before; empty: none
  std::optional<std::uint32_t> default_ttl_;
  std::optional<std::uint32_t> last_ttl_;
  std::string file_;
  std::size_t line_ = 0;
  unsigned depth_ = 0;
  ZoneFileText out_;
};

Status Parser::file(std::string_view text, const std::string& name) {
  file_ = name;
  ZoneLexer lexer(text);
  ZoneEntry one;
  for (;;) {
    auto more = lexer.next(one);
    if (!more) return std::move(more).error().in(at_line(name, lexer.line()));
    if (!*more) return {};
    line_ = one.line;
    if (options_.stopped && options_.stopped()) {
      return unavailable_error(name + ": stopped");
    }
    // An error within an included file names that one already.
    if (is_directive(one) && to_lower(one.tokens.front()) == "$include") {
      GW_CHECK(include(one));
    } else if (Status status = entry(one); !status) {
      return std::move(status).error().in(where());
    }
  }
}

Status Parser::entry(const ZoneEntry& entry) {
  if (is_directive(entry)) return directive(entry);
  return record(entry);
}

Status Parser::directive(const ZoneEntry& entry) {
  const std::string_view written = entry.tokens.front();
  const std::string name = to_lower(written);
  if (name != "$origin" && name != "$ttl") {
    return usage_error(fmt::format("unknown directive {}", quoted(written)),
                       "known are $ORIGIN, $TTL and $INCLUDE");
  }
  if (entry.tokens.size() != 2) return usage_error(fmt::format("{} takes one value", written));
  const std::string_view value = entry.tokens[1];
  if (name == "$ttl") {
    default_ttl_ = parse_ttl(value);
    if (!default_ttl_) return usage_error(fmt::format("$TTL {} is no time", quoted(value)));
    return {};
  }
  GW_TRY(origin_, complete_name(value, origin_));
  return {};
}

Status Parser::include(const ZoneEntry& entry) {
  const std::string at = where();
  if (entry.tokens.size() < 2 || entry.tokens.size() > 3) {
    return usage_error(at + ": $INCLUDE takes a file's name and, if need be, an origin");
  }
  if (!options_.include) return usage_error(at + ": $INCLUDE is not possible here");
  if (depth_ == kMaxIncludes) {
    return usage_error(fmt::format("{}: more than {} files within each other", at, kMaxIncludes));
  }
  std::string origin = origin_;
  if (entry.tokens.size() == 3) {
    auto given = complete_name(entry.tokens[2], origin_);
    if (!given) return std::move(given).error().in(at);
    origin = *std::move(given);
  }
  std::string name(entry.tokens[1]);
  if (name.size() >= 2 && name.front() == '"') name = name.substr(1, name.size() - 2);
  const std::string from = file_;
  auto part = options_.include(name, from);
  if (!part) return std::move(part).error().in(at);
  std::swap(origin, origin_);
  const std::string owner = owner_;
  ++depth_;
  GW_CHECK(file(part->text, part->name));
  --depth_;
  origin_ = std::move(origin);
  owner_ = owner;
  file_ = from;
  return {};
}

Result<std::uint32_t> Parser::ttl_of(std::optional<std::uint32_t> given) {
  if (given) last_ttl_ = given;
  std::optional<std::uint32_t> ttl = given ? given : default_ttl_ ? default_ttl_ : last_ttl_;
  if (!ttl) return usage_error("no ttl", "give the record one, or put a $TTL line before it");
  if (*ttl <= options_.max_ttl) return *ttl;
  warn(fmt::format("{}: ttl {} lowered to {}", where(), *ttl, options_.max_ttl));
  return options_.max_ttl;
}

Status Parser::record(const ZoneEntry& entry) {
  std::size_t i = 0;
  if (!entry.owner_left_out) {
    GW_TRY(owner_, complete_name(entry.tokens[i++], origin_));
    owner_ = lower_name(owner_);
  } else if (owner_.empty()) {
    return usage_error("the first record has no owner");
  }
  std::optional<std::uint32_t> given_ttl;
  bool has_class = false;
  for (; i < entry.tokens.size(); ++i) {
    const std::string_view token = entry.tokens[i];
    if (is_digit(token.front()) && !given_ttl) {
      given_ttl = parse_ttl(token);
      if (!given_ttl) {
        return usage_error(fmt::format("{} is no ttl", quoted(token)),
                           fmt::format("seconds up to {}, or as in 1h30m", kMaxAnyTtl));
      }
    } else if (const std::string c = to_lower(token); !has_class && (c == "in" || c == "class1")) {
      has_class = true;
    } else if (c == "ch" || c == "hs" || c.starts_with("class")) {
      return usage_error(fmt::format("class {}: only IN is served", quoted(token)));
    } else {
      break;
    }
  }
  if (i == entry.tokens.size()) return usage_error("a record without a type");
  GW_TRY(const std::uint16_t type, parse_type(entry.tokens[i++]));
  GW_TRY(const std::uint32_t ttl, ttl_of(given_ttl));
  std::string text;
  for (; i < entry.tokens.size(); ++i) text.append(text.empty() ? "" : " ").append(entry.tokens[i]);
  GW_TRY(const std::string rdata, parse_rdata(type, text, origin_));
  return add(type, ttl, rdata);
}

Status Parser::add(std::uint16_t type, std::uint32_t ttl, std::string_view rdata) {
  if (options_.max_records != 0 && out_.records.size() == options_.max_records) {
    return usage_error(fmt::format("more than {} records", options_.max_records),
                       "--max-zone-records lets a zone have more");
  }
  GW_CHECK(out_.records.set_file(file_));
  return out_.records.add(owner_, type, ttl, rdata, static_cast<std::uint32_t>(line_));
}

// One set has one ttl (RFC 2181 5.2).
ZoneFileText Parser::take() {
  RecordList& records = out_.records;
  records.sort();
  const auto same_set = [&](std::size_t a, std::size_t b) {
    return records[a].type == records[b].type &&
           records.owner(records[a]) == records.owner(records[b]);
  };
  for (std::size_t begin = 0; begin < records.size();) {
    std::uint32_t ttl = records[begin].ttl;
    std::size_t end = begin + 1;
    for (; end < records.size() && same_set(begin, end); ++end) {
      if (records[end].ttl == ttl) continue;
      ttl = std::min(ttl, records[end].ttl);
      warn(fmt::format("{}: {} {}: records of one set have different ttls: all get the lowest, {}",
                       records.where(records[end]), format_name(records.owner(records[end])),
                       format_type(records[end].type), ttl));
    }
    for (; begin < end; ++begin) records[begin].ttl = ttl;
  }
  return std::move(out_);
}

}  // namespace

Result<ZoneFileText> parse_zone_file(std::string_view text, NameView origin,
                                     const ZoneFileOptions& options) {
  Parser parser(lower_name(origin), options);
  GW_CHECK(parser.file(text, options.name));
  return parser.take();
}

Status check_servable(const StaticZone& zone) {
  Node node;
  zone.find(zone.origin(), node);
  const RrsetView* ns = node.find(rrtype::kNs);
  const std::string name = format_name(zone.origin());
  if (ns == nullptr) return usage_error(fmt::format("zone {}: needs ns records at its apex", name));
  for (NameView server : unpack_rdatas(ns->rdatas)) {
    if (!is_subdomain(server, zone.origin())) continue;
    Node at;
    zone.find(server, at);
    // Below a delegation it is that zone's; the glue of the delegation is what helps to find it.
    const bool glue = at.kind == NodeKind::kCut &&
                      std::any_of(at.glue.begin(), at.glue.end(),
                                  [&](const GlueView& g) { return g.owner == server; });
    const bool own = at.kind == NodeKind::kNode &&
                     (at.find(rrtype::kA) != nullptr || at.find(rrtype::kAaaa) != nullptr);
    if (glue || own) continue;
    return usage_error(fmt::format("zone {}: its name server {} needs an address (A or AAAA)", name,
                                   format_name(server)));
  }
  return {};
}

}  // namespace gw::dns
