#include "vanity/zone_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "vanity/import_path.h"

namespace gw::vanity {
namespace {

constexpr std::size_t kMaxString = 255;
constexpr std::size_t kMaxMessage = 65535;
constexpr std::size_t kRecordHead = 12;  // pointer, type, class, TTL, length
// Header, question, OPT record, and a signature of 64 bytes with its names.
constexpr std::size_t kMessageRest = 12 + 11 + 130;

struct Domain {
  std::string name;  // go-import.DOMAIN
  std::vector<const GoImport*> entries;
};

std::vector<Domain> by_domain(std::span<const GoImport> entries, ZoneText& out) {
  std::vector<Domain> domains;
  std::unordered_map<std::string, std::size_t> where;  // in domains, by name
  std::unordered_map<std::string_view, std::vector<const GoImport*>> same_prefix;
  for (const GoImport& e : entries) {
    std::string name = record_name(e.prefix);
    const auto [at, added] = where.try_emplace(name, domains.size());
    if (added) domains.push_back({std::move(name), {}});
    bool again = false;
    auto& others = same_prefix[e.prefix];
    for (const GoImport* other : others) {
      if (*other == e) {
        out.warnings.push_back("left out, there already: " + format_import(e));
        again = true;
        break;
      }
      if ((other->vcs == "mod") == (e.vcs == "mod")) {
        out.warnings.push_back(
            fmt::format("two different records for {}: lookups of it will fail", quoted(e.prefix)));
      }
    }
    if (again) continue;
    others.push_back(&e);
    domains[at->second].entries.push_back(&e);
  }
  return domains;
}

}  // namespace

std::string format_txt(std::string_view text) {
  std::string out;
  do {
    out += out.empty() ? "\"" : " \"";
    for (const char c : text.substr(0, kMaxString)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 || byte >= 0x7f) {
        out += fmt::format("\\{:03}", byte);
        continue;
      }
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
    text.remove_prefix(std::min(text.size(), kMaxString));
  } while (!text.empty());
  return out;
}

std::size_t txt_record_size(std::string_view text) {
  return kRecordHead + text.size() +
         std::max<std::size_t>(1, (text.size() + kMaxString - 1) / kMaxString);
}

std::size_t canonical_size(std::string_view name, std::span<const std::string> rdatas) {
  constexpr std::size_t kFixed = 10;  // type, class, TTL, length
  std::size_t size = 0;
  for (const std::string& rdata : rdatas) size += name.size() + 2 + kFixed + rdata.size();
  return size;
}

std::vector<std::string> size_warnings(std::size_t records, std::size_t bytes) {
  std::vector<std::string> out;
  if (bytes > kSafeMessage) {
    out.push_back(fmt::format("{} bytes of records need TCP, as more than 1232 do", bytes));
  }
  if (records > kMostRecords) {
    out.push_back(
        fmt::format("{} records: BIND, as a server and as a resolver, refuses more than 100 at one "
                    "name, unless its max-records-per-type is raised",
                    records));
  }
  return out;
}

std::string unverifiable(std::size_t canonical) {
  return fmt::format(
      "{} bytes of records, each with its name, are more than resolvers of libunbound can verify "
      "(64 KB)",
      canonical);
}

Result<ZoneText> format_zone_text(std::span<const GoImport> entries, const ZoneStyle& style) {
  ZoneText out;
  const bool update = style.format == ZoneFormat::kNsupdate;
  std::string zone = to_lower(style.zone);
  if (zone.ends_with('.')) zone.pop_back();
  for (const Domain& domain : by_domain(entries, out)) {
    std::size_t size = 0;
    std::size_t canonical = 0;
    const std::string owner = domain.name + ".";
    if (!zone.empty() && !domain.name.ends_with("." + zone)) {
      return usage_error(fmt::format("{} is not in the zone {}", owner, quoted(zone)));
    }
    if (update && !zone.empty()) out.text += fmt::format("zone {}.\n", zone);
    if (update) out.text += fmt::format("update delete {} TXT\n", owner);
    for (const GoImport* e : domain.entries) {
      const std::string text = format_import(*e);
      size += txt_record_size(text);
      canonical += domain.name.size() + txt_record_size(text);  // in place of a pointer of 2 octets
      out.text += fmt::format("{}{} {}{}{}\n", update ? "update add " : "", owner, style.ttl,
                              update ? " TXT " : " IN TXT ", format_txt(text));
    }
    if (update) out.text += "send\n";
    if (size + kMessageRest + owner.size() > kMaxMessage) {
      return usage_error(
          fmt::format("{}: {} bytes of records do not fit a DNS message", owner, size));
    }
    if (canonical > kMostCanonical) {
      return usage_error(fmt::format("{}: {}", owner, unverifiable(canonical)),
                         "they would call it bogus: move some paths to a domain of their own");
    }
    for (std::string& w : size_warnings(domain.entries.size(), size)) {
      out.warnings.push_back(std::move(w.insert(0, owner + ": ")));
    }
  }
  return out;
}

}  // namespace gw::vanity
