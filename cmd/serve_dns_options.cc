#include "serve_dns_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "dns/name.h"
#include "dnsd/status_socket.h"
#include "os/file.h"
#include "os/secrets.h"
#include "os/user.h"

namespace gw::cmd {
namespace {

constexpr std::uint64_t kMaxTtl = 86400;  // a signature outlives it by far

}  // namespace

Result<std::string> parse_zone(std::string_view text) {
  GW_TRY(std::string zone, dns::parse_lower_name(text));
  if (zone == dns::kRootName) return usage_error("the root cannot be served: name a zone");
  GW_CHECK(dns::check_name_text(text, dns::NameUse::kZone));
  return zone;
}

Status check_zone(std::string_view text) {
  auto zone = parse_zone(text);
  return zone ? Status() : Status(std::move(zone).error());
}

namespace {

// "hostmaster.example.org", or as a mail address: the part before the @ is one label.
Result<std::string> parse_rname(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return dns::parse_lower_name(text);
  if (text.find('@', at + 1) != std::string_view::npos) {
    return usage_error("--rname has more than one @", "write it as hostmaster@example.org");
  }
  std::string escaped;
  for (const char c : text.substr(0, at)) {
    if (c == '.' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return dns::parse_lower_name(escaped.append(".").append(text.substr(at + 1)));
}

Status check_module_zone(std::string_view text) {
  GW_TRY(const std::string zone, parse_zone(text));
  if (zone.size() > 150) return usage_error("a zone's name this long leaves no room for modules");
  return {};
}

// "ORIGIN=FILE" of --zone-file and --zone-key.
struct OriginFile {
  std::string origin;  // wire, lower-cased
  std::string file;
};

Result<OriginFile> parse_origin_file(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals + 1 == text.size()) {
    return usage_error(fmt::format("{} is not ORIGIN=FILE", quoted(text)));
  }
  GW_TRY(std::string origin, parse_zone(text.substr(0, equals)));
  return OriginFile{std::move(origin), std::string(text.substr(equals + 1))};
}

Status check_origin_file(std::string_view text) {
  auto parsed = parse_origin_file(text);
  return parsed ? Status() : Status(std::move(parsed).error());
}

// In the zone above: the zone itself says that it takes no mail.
std::string default_rname(std::string_view zone) {
  const std::size_t dot = zone.find('.');
  const bool has_parent = dot != std::string_view::npos && dot + 1 < zone.size();
  return "hostmaster." + std::string(has_parent ? zone.substr(dot + 1) : zone);
}

Status check_rname(std::string_view text) {
  auto parsed = parse_rname(text);
  return parsed ? Status() : Status(std::move(parsed).error());
}

// What can be said of it without the zone.
Status check_name_server(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('='));
  return name.empty() ? usage_error("a name server's name is missing") : dns::check_host_text(name);
}

Status check_dns_address(std::string_view text) {
  auto address = os::SocketAddress::parse(text, std::uint16_t{53});
  return address ? Status() : Status(std::move(address).error());
}

Status check_metrics(std::string_view text) {
  auto address = os::SocketAddress::parse(text);
  return address ? Status() : Status(std::move(address).error());
}

Result<dnsd::ModuleOptions> module_options(const ServeValues& v) {
  dnsd::ModuleOptions o;
  o.db = *v.db;
  o.key_file = *v.key;
  o.allow_partial = v.partial;
  GW_TRY(o.zone.origin, parse_zone(*v.zone));
  for (const std::string& text : v.name_servers) {
    GW_TRY(auto server, dnsd::NameServer::parse(text, o.zone.origin));
    for (const auto& other : o.zone.name_servers) {
      if (other.name == server.name) {
        return usage_error(fmt::format("--ns {} is given twice", dns::format_host(server.name)),
                           "give all its addresses at once: --ns NAME=ADDR,ADDR");
      }
    }
    o.zone.name_servers.push_back(std::move(server));
  }
  GW_TRY(o.zone.rname,
         v.rname ? parse_rname(*v.rname) : dns::parse_lower_name(default_rname(*v.zone)));
  o.zone.ttl = static_cast<std::uint32_t>(v.ttl);
  o.zone.negative_ttl = static_cast<std::uint32_t>(v.negative_ttl);
  return o;
}

Result<std::vector<dnsd::FileZoneOptions>> file_zone_options(const ServeValues& v) {
  std::vector<dnsd::FileZoneOptions> zones;
  for (const std::string& text : v.zone_files) {
    GW_TRY(auto given, parse_origin_file(text));
    if (std::any_of(zones.begin(), zones.end(),
                    [&](const auto& z) { return z.origin == given.origin; })) {
      return usage_error(
          fmt::format("--zone-file {} is given twice", dns::format_host(given.origin)));
    }
    zones.push_back({.origin = std::move(given.origin),
                     .file = std::move(given.file),
                     .key_file = "",
                     .max_records = static_cast<std::size_t>(v.max_zone_records)});
  }
  for (const std::string& text : v.zone_keys) {
    GW_TRY(auto given, parse_origin_file(text));
    auto zone = std::find_if(zones.begin(), zones.end(),
                             [&](const auto& z) { return z.origin == given.origin; });
    const std::string name = dns::format_host(given.origin);
    if (zone == zones.end()) {
      return usage_error(fmt::format("--zone-key {0} without a --zone-file {0}", name));
    }
    if (!zone->key_file.empty()) {
      return usage_error(fmt::format("--zone-key {} is given twice", name));
    }
    zone->key_file = std::move(given.file);
  }
  for (const auto& zone : zones) {
    if (!zone.key_file.empty()) continue;
    const std::string name = dns::format_host(zone.origin);
    return usage_error(
        fmt::format("--zone-file {} needs a --zone-key", name),
        fmt::format("make one with: gwtool serve-dns key new --zone {} --key FILE", name));
  }
  return zones;
}

Status check_together(const ServeValues& v) {
  if (v.zone) {
    std::vector<std::string> missing;
    if (!v.db) missing.emplace_back("--db");
    if (v.name_servers.empty()) missing.emplace_back("--ns");
    if (!v.key) missing.emplace_back("--key");
    if (missing.empty()) return {};
    std::string names = missing.back();
    missing.pop_back();
    if (!missing.empty()) names = fmt::format("{} and {}", fmt::join(missing, ", "), names);
    return usage_error("--zone needs " + names);
  }
  if (v.zone_files.empty()) {
    return usage_error("nothing to serve: --zone or --zone-file is needed");
  }
  const std::array<std::pair<bool, const char*>, 6> module_only{{{v.db.has_value(), "--db"},
                                                                 {!v.name_servers.empty(), "--ns"},
                                                                 {v.key.has_value(), "--key"},
                                                                 {v.rname.has_value(), "--rname"},
                                                                 {v.follow, "--follow"},
                                                                 {v.partial, "--partial"}}};
  for (const auto& [given, name] : module_only) {
    if (given) {
      return usage_error(
          fmt::format("{} without --zone", name),
          "it is for the module zone; ordinary zones have --zone-file and --zone-key");
    }
  }
  return {};
}

// What is only for a follower would be passed over without a word.
Status check_following(const ServeValues& v) {
  if (v.follow) return {};
  const FollowValues& f = v.following;
  const FollowValues unset;
  const std::array<std::pair<bool, const char*>, 10> only{
      {{f.log.log_key != unset.log.log_key, "--log-key"},
       {f.log.source.has_value(), "--source"},
       {f.log.proxy.has_value(), "--proxy"},
       {f.from != unset.from, "--from"},
       {f.keep.has_value(), "--keep"},
       {f.interval != unset.interval, "--interval"},
       {f.max_age != unset.max_age, "--max-age"},
       {!f.submit_latest.empty(), "--submit-latest"},
       {!f.compare_latest.empty(), "--compare-latest"},
       {!f.on_alarm.empty(), "--on-alarm"}}};
  for (const auto& [given, name] : only) {
    if (!given) continue;
    return usage_error(
        fmt::format("{} without --follow", name),
        "it says how the log is followed: give --follow, or leave it to follow-tlog");
  }
  return {};
}

// That what is to be read is there, and a key nobody else's: who starts a server wants to know
// before it does not.
Status check_there(const std::string& option, const std::string& file, const std::string& zone) {
  const bool is_key = option.ends_with("key");
  if (os::file_exists(file)) {
    if (!is_key) return {};
    auto secret = os::check_secret_file(file, os::SecretUse::kGroup);
    return secret ? Status() : std::move(secret).error().in(option);
  }
  return usage_error(
      fmt::format("{} {}: does not exist", option, file),
      is_key ? fmt::format("make one with: gwtool serve-dns key new --zone {} --key {}", zone, file)
             : "");
}

Status check_user(const std::string& name) {
  auto user = os::find_user(name);
  if (user) return {};
  Error error = std::move(user).error().in("--user");
  error.kind = ErrorKind::kUsage;
  return error;
}

Status check_files(const ServeValues& v) {
  if (v.user) GW_CHECK(check_user(*v.user));
  if (v.zone && v.key) GW_CHECK(check_there("--key", *v.key, *v.zone));
  if (v.cookie_secrets) {
    auto secret = os::check_secret_file(*v.cookie_secrets, os::SecretUse::kGroup);
    if (!secret)
      return usage_error("--cookie-secret-file: " + secret.error().message, secret.error().hint);
  }
  for (const std::string& text : v.zone_files) {
    GW_TRY(const auto given, parse_origin_file(text));
    GW_CHECK(check_there("--zone-file", given.file, ""));
  }
  for (const std::string& text : v.zone_keys) {
    GW_TRY(const auto given, parse_origin_file(text));
    GW_CHECK(check_there("--zone-key", given.file, dns::format_host(given.origin)));
  }
  return {};
}

}  // namespace

Result<dnsd::ServerOptions> server_options(const ServeValues& v) {
  dnsd::ServerOptions o;
  if (v.zone) {
    GW_TRY(o.modules, module_options(v));
  }
  GW_TRY(o.files, file_zone_options(v));
  for (const std::string& text : v.listen) {
    GW_TRY(const auto address, os::SocketAddress::parse(text, std::uint16_t{53}));
    if (std::find(o.listen.begin(), o.listen.end(), address) != o.listen.end() &&
        address.port() != 0) {
      return usage_error(fmt::format("--listen {} is given twice", address.format()));
    }
    o.listen.push_back(address);
  }
  if (v.metrics) {
    GW_TRY(o.metrics, os::SocketAddress::parse(*v.metrics));
  }
  o.metrics_names = v.metrics_names;
  o.status_socket = v.status_socket ? *v.status_socket
                    : v.db          ? dnsd::StatusSocket::default_path(*v.db)
                                    : "";
  o.user = v.user.value_or("");
  o.id = v.id.value_or("");
  o.cookie_secret_file = v.cookie_secrets.value_or("");
  o.workers = static_cast<unsigned>(v.workers);
  o.cache_bytes = v.cache_mb << 20;
  o.rate_limit = v.rate_limit;
  if (v.signing_limit) o.signing_limit = static_cast<std::uint32_t>(*v.signing_limit);
  o.tcp.total = static_cast<unsigned>(v.tcp_connections);
  o.tcp.per_network = static_cast<unsigned>(v.tcp_per_network);
  o.tcp.idle = v.tcp_idle;
  return o;
}

namespace {

void add_zone_options(Command& c, const std::shared_ptr<ServeValues>& v) {
  c.add(
      text_option("zone", "ZONE", &v->zone, "the zone of modules to serve")
          .check(check_module_zone)
          .more("Modules are at NAME.v0.ZONE, toolchains at toolchain.v0.ZONE. It needs --db, --ns "
                "and --key."));
  c.add(list_option("ns", "NAME[=ADDR,...]", &v->name_servers, "a name server of the zone")
            .check(check_name_server)
            .more("The first one is the SOA's primary. A name inside the zone needs its addresses, "
                  "which are then served; for a name outside the zone they are its own zone's "
                  "business."));
  c.add(text_option("rname", "MAILBOX", &v->rname, "the mailbox in the SOA record")
            .check(check_rname)
            .default_text("hostmaster in the zone above ZONE"));
  c.add(number_option("ttl", "SECONDS", &v->ttl, 1, kMaxTtl, "how long answers may be kept"));
  c.add(number_option("negative-ttl", "SECONDS", &v->negative_ttl, 1, kMaxTtl,
                      "how long it may be remembered that there is no answer"));
  c.add(text_option("id", "TEXT", &v->id, "a name for this server, told to who asks")
            .more("As NSID, and as the TXT record id.server of class CH.")
            .check([](std::string_view text) {
              return text.size() <= 255 ? Status() : Status(usage_error("at most 255 bytes"));
            }));
}

void add_limit_options(Command& c, const std::shared_ptr<ServeValues>& v) {
  c.add(number_option("workers", "N", &v->workers, 0, 256, "threads that answer; 0: one a core"));
  c.add(number_option("signature-cache", "MB", &v->cache_mb, 1, 65536,
                      "memory for signatures that were made already"));
  c.add(
      custom_option(
          "rate-limit", "N",
          [v](std::string_view text) {
            const auto n = parse_decimal(text);
            if (!n || *n > 1'000'000) {
              return Status(usage_error("a number from 0 to 1000000, 0 for no limit"));
            }
            v->rate_limit = static_cast<std::uint32_t>(*n);
            return Status();
          },
          "UDP answers of one kind a second to one network")
          .default_text("200, and none for loopback")
          .more("A network is a /24 of IPv4 or a /56 of IPv6. What is answered for one name "
                "that exists counts as one kind, answers for missing names all as another, errors "
                "all as a third. Of the answers over the "
                "limit every second one is sent truncated, so that a real client comes back over "
                "TCP, and the others are dropped. Errors over it are only dropped. 0: no limit. "
                "A limit that is given holds for loopback too. There is none for who sends a DNS "
                "cookie of this server's; a client that knows cookies is sent BADCOOKIE and one, "
                "in place of a truncated answer."));
  c.add(path_option("cookie-secret-file", "FILE", &v->cookie_secrets, PathUse::kInput,
                    "the secrets of DNS cookies, the same for all servers of an address")
            .more("A line of 32 hexadecimal digits for each: the first one makes cookies, up to "
                  "three others are taken, too. To change it where there are several servers, add "
                  "the new one as the second everywhere, then make it the first everywhere, and "
                  "remove the old one an hour later. Read again on SIGHUP.")
            .default_text("one of its own, a new one each day"));
  c.add(custom_option(
            "signing-limit", "N",
            [v](std::string_view text) {
              const auto n = parse_decimal(text);
              if (!n || *n > 10'000'000) {
                return Status(usage_error("a number from 0 to 10000000, 0 for no limit"));
              }
              v->signing_limit = *n;
              return Status();
            },
            "fresh signatures a second, half of them for UDP; 0: no limit")
            .default_text("a twentieth of what this machine can make")
            .more("A quarter of UDP's is for what was asked for before. Over the limit a UDP "
                  "answer that needs a fresh signature is sent truncated, and "
                  "over TCP it waits."));
  c.add(number_option("tcp-connections", "N", &v->tcp_connections, 1, 1'000'000,
                      "TCP connections at once")
            .more("When there are more, those go whose last question is longest ago."));
  c.add(number_option("tcp-per-network", "N", &v->tcp_per_network, 1, 1'000'000,
                      "TCP connections at once from one network")
            .more("A network is a /24 of IPv4 or a /56 of IPv6; four times as many may come from a "
                  "/16 or a /32, twice as many from a /48."));
  c.add(duration_option("tcp-idle", &v->tcp_idle, std::chrono::seconds(1),
                        std::chrono::seconds(3600),
                        "close a TCP connection without a complete query for so long"));
}

}  // namespace

void add_serve_options(Command& c, const std::shared_ptr<ServeValues>& v) {
  c.add(path_option("db", "FILE", &v->db, PathUse::kState, "the follower's database")
            .more("Reading it is enough, and FILE-wal and FILE-shm, which the follower leaves "
                  "beside it."));
  add_zone_options(c, v);
  c.add(path_option("key", "FILE", &v->key, PathUse::kState, "the module zone's signing key")
            .more("Made by `gwtool serve-dns key new`. The zone's serial number is kept beside it, "
                  "in FILE.serial."));
  c.add(
      list_option("zone-file", "ORIGIN=FILE", &v->zone_files, "an ordinary zone to serve")
          .more("A master file (RFC 1035), without signatures: those are made as the answers are. "
                "It is read again when it has changed; one with an error leaves the zone as it "
                "was. Of zones that lie within each other the outer one must delegate the inner "
                "one.")
          .check(check_origin_file));
  c.add(list_option("zone-key", "ORIGIN=FILE", &v->zone_keys, "the signing key of a --zone-file")
            .more("Made by `gwtool serve-dns key new`, one for each zone.")
            .check(check_origin_file));
  c.add(number_option("max-zone-records", "N", &v->max_zone_records, 1, 10'000'000,
                      "records that a --zone-file may have")
            .more("More are an error as any other in the file, and so are more than 64 MB of a "
                  "file with all that it includes. A million take about 250 MB, and as much again "
                  "while they are read."));
  c.add(list_option("listen", "ADDR:PORT", &v->listen, "where to listen, UDP and TCP")
            .check(check_dns_address)
            .default_text("127.0.0.1:5353"));
  c.add(
      text_option("user", "USER", &v->user, "become this user once the addresses are bound")
          .more(
              "It must be able to read keys and zone files, now and on SIGHUP, and to write beside "
              "the module zone's key and the database: the serial number, the status socket, and "
              "what SQLite shares between processes. Otherwise the start is refused."));
  c.add(text_option("metrics", "ADDR:PORT", &v->metrics,
                    "serve /metrics and /healthz over HTTP there")
            .check(check_metrics));
  c.add(list_option("metrics-name", "NAME", &v->metrics_names,
                    "a host's name by which they may be asked for")
            .check([](std::string_view text) { return dns::check_host_text(text); })
            .more("Besides addresses and localhost; other names get 421, so that no web page of "
                  "somebody else's reads them by a name that it lets lead here."));
  c.add(path_option("status-socket", "FILE", &v->status_socket, PathUse::kState,
                    "where `gwtool serve-dns status` asks")
            .default_text("FILE of --db, then .serve-dns.sock")
            .more("Without --db there is none unless it is given."));
  c.add(flag_option("partial", &v->partial,
                    "serve a database that does not begin with the log's first record")
            .more("Its latest versions may be wrong."));
  add_limit_options(c, v);
  c.add(flag_option("follow", &v->follow, "follow the log too, in this process")
            .more("With the options of follow-tlog that are here. A security error ends the "
                  "following only: what was verified is served on."));
  add_follow(c, &v->following);
  c.rules.push_back([v] { return check_together(*v); });
  c.rules.push_back([v] { return check_following(*v); });
  // What options say of each other: addresses of --ns, names that are given twice.
  c.rules.push_back([v]() -> Status {
    GW_TRY([[maybe_unused]] const auto options, server_options(*v));
    return check_files(*v);
  });
}

}  // namespace gw::cmd
