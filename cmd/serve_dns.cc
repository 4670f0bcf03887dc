// gwtool serve-dns: the DNS server, its key, and its status.
#include <algorithm>
#include <array>
#include <mutex>
#include <thread>

#include "base/bytes.h"
#include "base/metrics.h"
#include "commands.h"
#include "dns/name.h"
#include "dns/types.h"
#include "follow_group.h"
#include "serve/server.h"
#include "serve/status_socket.h"
#include "serve/zone_key.h"

namespace gw::cmd {
namespace {

constexpr std::uint64_t kMaxTtl = 86400;  // a signature outlives it by far

struct ServeValues {
  std::string db;
  std::string zone;
  std::vector<std::string> name_servers;
  std::string key;
  std::vector<std::string> listen;
  std::optional<std::string> metrics;
  std::optional<std::string> status_socket;
  std::optional<std::string> user;
  std::optional<std::string> id;
  std::optional<std::string> rname;
  std::uint64_t ttl = 300;
  std::uint64_t negative_ttl = 300;
  bool partial = false;
  bool follow = false;
  FollowValues following;
  std::uint64_t workers = 0;
  std::uint64_t cache_mb = 48;
  std::optional<std::uint32_t> rate_limit;
  std::uint64_t signing_limit = 20000;
  std::uint64_t tcp_connections = 1000;
  std::uint64_t tcp_per_network = 100;
  std::chrono::seconds tcp_idle{10};
};

// A zone's name: at least one label, and room for the names in it.
Result<std::string> parse_zone(std::string_view text) {
  GW_TRY(std::string zone, dns::parse_lower_name(text));
  if (zone == dns::kRootName) return usage_error("the root cannot be served: name a zone");
  if (zone.size() > 150) return usage_error("a zone's name this long leaves no room for modules");
  return zone;
}

Status check_zone(std::string_view text) {
  auto zone = parse_zone(text);
  return zone ? Status() : Status(std::move(zone).error());
}

// "hostmaster.example.org", or as a mail address: the part before the @ is one label.
Result<std::string> parse_rname(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return dns::parse_lower_name(text);
  if (text.find('@', at + 1) != std::string_view::npos) {
    return usage_error("--rname has more than one @", "write it as hostmaster@example.org");
  }
  std::string escaped;
  for (char c : text.substr(0, at)) {
    if (c == '.' || c == '\\') escaped.push_back('\\');
    escaped.push_back(c);
  }
  return dns::parse_lower_name(escaped.append(".").append(text.substr(at + 1)));
}

Result<serve::ServerOptions> server_options(const ServeValues& v) {
  serve::ServerOptions o;
  o.db = v.db;
  o.key_file = v.key;
  GW_TRY(o.zone.origin, parse_zone(v.zone));
  for (const std::string& text : v.name_servers) {
    GW_TRY(auto server, serve::NameServer::parse(text, o.zone.origin));
    for (const auto& other : o.zone.name_servers) {
      if (other.name == server.name) {
        return usage_error("--ns " + dns::format_host(server.name) + " is given twice",
                           "give all its addresses at once: --ns NAME=ADDR,ADDR");
      }
    }
    o.zone.name_servers.push_back(std::move(server));
  }
  GW_TRY(o.zone.rname,
         v.rname ? parse_rname(*v.rname) : dns::parse_lower_name("hostmaster." + v.zone));
  o.zone.ttl = static_cast<std::uint32_t>(v.ttl);
  o.zone.negative_ttl = static_cast<std::uint32_t>(v.negative_ttl);
  for (const std::string& text : v.listen) {
    GW_TRY(auto address, net::SocketAddress::parse(text, std::uint16_t{53}));
    if (std::find(o.listen.begin(), o.listen.end(), address) != o.listen.end() &&
        address.port() != 0) {
      return usage_error("--listen " + address.format() + " is given twice");
    }
    o.listen.push_back(address);
  }
  if (v.metrics) {
    GW_TRY(o.metrics, net::SocketAddress::parse(*v.metrics));
  }
  o.status_socket = v.status_socket.value_or("");
  o.user = v.user.value_or("");
  o.id = v.id.value_or("");
  o.allow_partial = v.partial;
  o.workers = static_cast<unsigned>(v.workers);
  o.cache_bytes = v.cache_mb << 20;
  o.rate_limit = v.rate_limit;
  o.signing_limit = static_cast<std::uint32_t>(v.signing_limit);
  o.tcp.total = static_cast<unsigned>(v.tcp_connections);
  o.tcp.per_network = static_cast<unsigned>(v.tcp_per_network);
  o.tcp.idle = v.tcp_idle;
  return o;
}

// The follower in this process, on a thread of its own. It never ends the serving: after a security
// error the last verified data is served on, and after any other error following is tried again.
class FollowThread {
 public:
  FollowThread(Context& ctx, const ServeValues& v) : ctx_(ctx), v_(v) {}
  ~FollowThread() {
    stop_.request();
    if (thread_.joinable()) thread_.join();
  }
  FollowThread(const FollowThread&) = delete;
  FollowThread& operator=(const FollowThread&) = delete;

  // Another follower, a bad source: then nothing is served either.
  Status start() {
    auto parts = make_follower(ctx_, v_.following, v_.db, ctx_.log, nullptr, stop_);
    if (!parts) {
      if (parts.error().kind != ErrorKind::kUntrusted) return std::move(parts).error();
      ended(parts.error());
      return {};
    }
    parts_ = *std::move(parts);
    say("running");
    metric_set(Metric::kServeFollowing, 1);
    thread_ = std::thread([this] { run(); });
    return {};
  }
  std::string state() const {
    std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  void run() {
    while (!stop_.requested()) {
      Status status = parts_->follower->run(stop_);
      if (status) return;
      if (status.error().kind == ErrorKind::kUntrusted) return ended(status.error());
      ctx_.log.error("following_failed", status.error());
      say("failed, trying again: " + status.error().message);
      stop_.wait_for(std::chrono::minutes(1));
      say("running");
    }
  }
  void ended(const Error& error) {
    ctx_.log.error("following_halted", error);
    metric_set(Metric::kServeFollowing, 0);
    say("halted: " + error.message);
  }
  void say(std::string state) {
    std::lock_guard lock(mutex_);
    state_ = std::move(state);
  }

  Context& ctx_;
  const ServeValues& v_;
  Stop stop_;
  std::unique_ptr<FollowParts> parts_;
  mutable std::mutex mutex_;
  std::string state_ = "starting";
  std::thread thread_;
};

Result<int> run_serve(const ServeValues& v, Context& ctx) {
  GW_TRY(auto options, server_options(v));
  std::optional<FollowThread> follow;
  serve::Server::AfterBind after_bind;
  if (v.follow) {
    follow.emplace(ctx, v);
    options.db_may_appear = true;
    options.following = [&follow] { return follow->state(); };
    after_bind = [&follow] { return follow->start(); };
  }
  const Notifier notifier = Notifier::from_environment();
  Stop stop;
  std::atomic<serve::Server*> server_seen{nullptr};
  GW_TRY(auto signals, SignalThread::start(stop, {.hangup =
                                                      [&] {
                                                        if (auto* s = server_seen.load())
                                                          s->request_reload();
                                                      },
                                                  .user1 = nullptr}));
  GW_TRY(auto server, serve::Server::start(std::move(options), ctx.log, ctx.clock, after_bind));
  server_seen.store(server.get());
  server->run(stop, notifier);
  signals.reset();  // no reload reaches the server while it goes
  return kExitDone;
}

void add_zone_options(Command& c, const std::shared_ptr<ServeValues>& v) {
  c.add(text_option("zone", "ZONE", &v->zone, "the zone to serve")
            .check(check_zone)
            .more("Modules are at NAME.v0.ZONE, toolchains at toolchain.v0.ZONE.")
            .require());
  c.add(list_option("ns", "NAME[=ADDR,...]", &v->name_servers, "a name server of the zone")
            .more("The first one is the SOA's primary. A name inside the zone needs its addresses, "
                  "which are then served; for a name outside the zone they are its own zone's "
                  "business.")
            .require());
  c.add(text_option("rname", "MAILBOX", &v->rname, "the mailbox in the SOA record")
            .default_text("hostmaster.ZONE"));
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
  c.add(custom_option(
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
            .more("A network is a /24 of IPv4 or a /56 of IPv6. Answers to one name count as one "
                  "kind, all denials as another, all errors as a third. Of the answers over the "
                  "limit every second one is sent truncated, so that a real client comes back over "
                  "TCP, and the others are dropped. Errors over it are only dropped. 0: no limit. "
                  "A limit that is given holds for loopback too."));
  c.add(number_option("signing-limit", "N", &v->signing_limit, 0, 10'000'000,
                      "fresh signatures a second, half of them for UDP; 0: no limit")
            .more("Over the limit a UDP answer that needs a fresh signature is sent truncated, and "
                  "over TCP it waits."));
  c.add(number_option("tcp-connections", "N", &v->tcp_connections, 1, 1'000'000,
                      "TCP connections at once"));
  c.add(number_option("tcp-per-network", "N", &v->tcp_per_network, 1, 1'000'000,
                      "TCP connections at once from one network"));
  c.add(duration_option("tcp-idle", &v->tcp_idle, std::chrono::seconds(1),
                        std::chrono::seconds(3600),
                        "close a TCP connection without a complete query for so long"));
}

void add_serve_options(Command& c, const std::shared_ptr<ServeValues>& v) {
  c.add(path_option("db", "FILE", &v->db, PathUse::kState, "the follower's database")
            .more("Even to read it, SQLite needs to write to FILE-shm beside it.")
            .require());
  add_zone_options(c, v);
  c.add(path_option("key", "FILE", &v->key, PathUse::kState, "the zone's signing key")
            .more("Made by `gwtool serve-dns key new`. The zone's serial number is kept beside it, "
                  "in FILE.serial.")
            .require());
  c.add(list_option("listen", "ADDR:PORT", &v->listen, "where to listen, UDP and TCP")
            .default_text("127.0.0.1:5353"));
  c.add(
      text_option("user", "NAME", &v->user, "become this user once the addresses are bound")
          .more("It needs to read the key again on SIGHUP, and to write beside key and database: "
                "the serial number, the status socket, and what SQLite shares between processes."));
  c.add(text_option("metrics", "ADDR:PORT", &v->metrics,
                    "serve /metrics and /healthz over HTTP there"));
  c.add(path_option("status-socket", "FILE", &v->status_socket, PathUse::kState,
                    "where `gwtool serve-dns status` asks")
            .default_text("FILE of --db, then .serve-dns.sock"));
  c.add(flag_option("partial", &v->partial,
                    "serve a database that does not begin with the log's first record")
            .more("Its latest versions may be wrong."));
  add_limit_options(c, v);
  c.add(flag_option("follow", &v->follow, "follow the log too, in this process")
            .more("With the options of follow-tlog that are here. A security error ends the "
                  "following only: what was verified is served on."));
  add_follow(c, &v->following);
}

Command key_new_command() {
  struct Values {
    std::string zone;
    std::string key;
    std::string algorithm = "13";
  };
  auto v = std::make_shared<Values>();
  Command c("new", "make a zone's signing key and print the DS record for its parent");
  c.add(text_option("zone", "ZONE", &v->zone, "the zone").check(check_zone).require());
  c.add(path_option("key", "FILE", &v->key, PathUse::kState, "where to put the private key")
            .more("In BIND's format, readable by its owner only; the public half goes beside it, "
                  "to FILE.key (NAME.key for NAME.private). Neither may exist.")
            .require());
  c.add(choice_option<std::string>(
      "algorithm", "NUMBER", &v->algorithm,
      {{"13", "13", "ECDSA P-256 with SHA-256"}, {"15", "15", "Ed25519"}}, "the key's algorithm"));
  c.run = [v](Context& ctx) -> Result<int> {
    GW_TRY(const std::string zone, parse_zone(v->zone));
    const std::uint8_t algorithm =
        v->algorithm == "15" ? dns::algorithm::kEd25519 : dns::algorithm::kEcdsaP256;
    GW_TRY(auto key, serve::ZoneKey::create(zone, algorithm, v->key, ctx.clock.now()));
    ctx.out.line(key.ds_text());
    return kExitDone;
  };
  return c;
}

Command key_ds_command() {
  struct Values {
    std::string zone;
    std::string key;
  };
  auto v = std::make_shared<Values>();
  Command c("ds", "print the DS record of a zone's signing key");
  c.add(text_option("zone", "ZONE", &v->zone, "the zone").check(check_zone).require());
  c.add(path_option("key", "FILE", &v->key, PathUse::kState, "the private key").require());
  c.run = [v](Context& ctx) -> Result<int> {
    GW_TRY(const std::string zone, parse_zone(v->zone));
    GW_TRY(auto key, serve::ZoneKey::load(zone, v->key));
    ctx.out.line(key.ds_text());
    return kExitDone;
  };
  return c;
}

Command status_command() {
  struct Values {
    std::optional<std::string> db;
    std::optional<std::string> socket;
  };
  auto v = std::make_shared<Values>();
  Command c("status", "ask the running server how it is");
  c.doc =
      "Zones and serial numbers, the log's newest head and its age, the key's tag and the DS "
      "record to compare with the parent's, counters. With --json one document.";
  c.add(path_option("db", "FILE", &v->db, PathUse::kState, "the database the server serves from"));
  c.add(path_option("status-socket", "FILE", &v->socket, PathUse::kState,
                    "the server's socket, if it was given one"));
  c.rules.push_back([v]() -> Status {
    if (v->db || v->socket) return {};
    return usage_error("--db or --status-socket is needed, to find the server");
  });
  c.run = [v](Context& ctx) -> Result<int> {
    GW_TRY(auto status, serve::StatusSocket::ask(
                            v->socket ? *v->socket : serve::StatusSocket::default_path(*v->db)));
    if (ctx.json) {
      ctx.out.json(status);
    } else {
      ctx.out.write(serve::format_status(status));
    }
    return kExitDone;
  };
  return c;
}

}  // namespace

Command serve_dns_command() {
  auto v = std::make_shared<ServeValues>();
  v->listen = {"127.0.0.1:5353"};
  Command c("serve-dns", "serve the log's latest versions over DNS, signed with DNSSEC");
  c.doc =
      "Answers for modules and toolchains from the database of follow-tlog, signed with DNSSEC as "
      "the answers are made.\n\n"
      "Every name above a module's exists, and a module without a release exists without records. "
      "A - at an end of a path element may be asked for bare instead of as _2d.\n\n"
      "While the clock is behind the newest signed head nothing is signed: every signed answer is "
      "SERVFAIL.";
  add_serve_options(c, v);
  c.run = [v](Context& ctx) { return run_serve(*v, ctx); };
  Command key("key", "make and show signing keys");
  key.add(key_new_command());
  key.add(key_ds_command());
  c.add(std::move(key));
  c.add(status_command());
  return c;
}

}  // namespace gw::cmd
