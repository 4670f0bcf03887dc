// gwtool serve-dns: the DNS server, its keys, and its status.
#include <unistd.h>

#include <memory>

#include "base/text.h"
#include "commands.h"
#include "dns/name.h"
#include "dns/types.h"
#include "dnsd/follow_thread.h"
#include "dnsd/status_socket.h"
#include "dnsd/zone_key.h"
#include "os/confine.h"
#include "os/file.h"
#include "os/secrets.h"
#include "os/signals.h"
#include "os/stop.h"
#include "serve_dns_options.h"

namespace gw::cmd {
namespace {

// Before the first thread. An operator's command may be anything: with one nothing is given up.
Result<os::Confinement> confine_server(const ServeValues& v, const dnsd::ServerOptions& options,
                                       const Logger& log) {
  if (v.follow && !v.following.on_alarm.empty()) {
    os::Confinement none;
    none.refused.emplace_back("nothing: --on-alarm may run any command");
    return none;
  }
  os::ConfinePolicy policy;
  policy.written = {options.status_socket, v.db.value_or(""), v.key.value_or("")};
  for (const dnsd::FileZoneOptions& zone : options.files) policy.written.push_back(zone.key_file);
  if (::geteuid() == 0 && options.user.empty()) {
    log.warning("serving_as_root", {{"hint", "--user names somebody with fewer rights"}});
  }
  return os::confine(policy);
}

Result<int> run_serve(const ServeValues& v, Context& ctx) {
  GW_TRY(auto options, server_options(v));
  GW_CHECK(os::keep_out_of_cores());  // signing keys are in its memory
  GW_TRY(options.confinement, confine_server(v, options, ctx.log));
  std::optional<dnsd::FollowThread> follow;
  dnsd::Server::AfterBind after_bind;
  if (v.follow) {
    follow.emplace(
        [&](const os::Stop& stop) -> Result<dnsd::FollowThread::Follow> {
          GW_TRY(const std::shared_ptr<FollowParts> parts,
                 make_follower(ctx, v.following, *v.db, {.log = ctx.log, .stop = stop}));
          return dnsd::FollowThread::Follow(
              [parts](const os::Stop& end) { return parts->follower->run(end); });
        },
        ctx.log);
    options.following = [&follow] { return follow->state(); };
    after_bind = [&follow] { return follow->start(); };
  }
  const os::Notifier notifier = os::Notifier::from_environment();
  os::Stop stop;
  dnsd::ReloadRequest reload;
  GW_TRY(const auto signals,
         os::SignalThread::start(stop, {.hangup = [&] { reload.request(); }, .user1 = nullptr}));
  for (dnsd::FileZoneOptions& zone : options.files) zone.stop = &stop;
  auto server = dnsd::Server::start(std::move(options), ctx.log, ctx.clock, after_bind);
  if (!server) {
    // A large zone takes its time; who is told to end meanwhile has not failed.
    if (stop.requested() && server.error().kind == ErrorKind::kUnavailable) return kExitDone;
    return std::move(server).error();
  }
  (*server)->run(stop, reload, notifier);
  return kExitDone;
}

Status examine_serve(const ServeValues& v) {
  GW_TRY(auto options, server_options(v));
  const Logger silent(LogLevel::kError, [](std::string_view) {});
  return dnsd::Server::check_files(std::move(options), silent, system_clock());
}

// The DS record, in a document with what it is about.
void print_key(Context& ctx, const std::string& file, const dnsd::ZoneKey& key) {
  if (!ctx.json) return ctx.out.line(key.ds_text());
  ctx.out.json({{"zone", dns::format_name(key.zone())},
                {"key_file", file},
                {"key_tag", key.tag()},
                {"ds", key.ds_text()}});
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
    GW_TRY(auto key, dnsd::ZoneKey::create(zone, algorithm, v->key, ctx.clock.now()));
    print_key(ctx, v->key, key);
    return kExitDone;
  };
  return c;
}

// What the public half of a key says that it is for: a wire name.
Result<std::string> zone_of_key(const std::string& file) {
  constexpr std::size_t kMostKey = std::size_t{64} << 10;
  const std::string half = dnsd::public_key_file(file);
  const auto text = os::read_regular_file(half, kMostKey);
  for (std::string_view rest = text ? std::string_view(*text) : ""; !rest.empty();) {
    const auto words = split_words(take_line(rest));
    if (words.empty() || words[0].starts_with(';')) continue;
    auto zone = parse_zone(words[0]);
    if (zone) return zone;
    break;  // and nothing of it is quoted: it may be no key at all
  }
  return usage_error(half + " does not say which zone the key is for", "name it with --zone");
}

Command key_ds_command() {
  struct Values {
    std::optional<std::string> zone;
    std::string key;
  };
  auto v = std::make_shared<Values>();
  Command c("ds", "print the DS record of a zone's signing key");
  c.add(text_option("zone", "ZONE", &v->zone, "the zone")
            .check(check_zone)
            .default_text("the one that the public half beside the key names"));
  c.add(path_option("key", "FILE", &v->key, PathUse::kState, "the private key")
            .more("In a configuration file also from the table of serve-dns.")
            .inherit()
            .require());
  c.run = [v](Context& ctx) -> Result<int> {
    GW_TRY(const std::string zone, v->zone ? parse_zone(*v->zone) : zone_of_key(v->key));
    GW_TRY(auto key, dnsd::ZoneKey::load(zone, v->key));
    print_key(ctx, v->key, key);
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
  c.add(path_option("db", "FILE", &v->db, PathUse::kState, "the database the server serves from")
            .more("In a configuration file also from the table of serve-dns.")
            .inherit());
  c.add(path_option("status-socket", "FILE", &v->socket, PathUse::kState,
                    "the server's socket, if it was given one")
            .more("In a configuration file also from the table of serve-dns.")
            .inherit());
  c.rules.push_back([v]() -> Status {
    if (v->db || v->socket) return {};
    return usage_error("--db or --status-socket is needed, to find the server");
  });
  c.run = [v](Context& ctx) -> Result<int> {
    GW_TRY(auto status, dnsd::StatusSocket::ask(
                            v->socket ? *v->socket : dnsd::StatusSocket::default_path(*v->db)));
    if (ctx.json) {
      ctx.out.json(status);
    } else {
      ctx.out.write(dnsd::format_status(status));
    }
    return kExitDone;
  };
  return c;
}

}  // namespace

Command serve_dns_command() {
  auto v = std::make_shared<ServeValues>();
  v->listen = {"127.0.0.1:5353"};
  Command c("serve-dns",
            "serve the log's latest versions and ordinary zones over DNS, with DNSSEC");
  c.doc =
      "Answers for modules and toolchains from the database of follow-tlog, and for ordinary zones "
      "from their files, signed with DNSSEC as the answers are made.\n\n"
      "Every name above a module's exists, and a module without a release exists without records. "
      "A - at an end of a path element may be asked for bare instead of as _2d.\n\n"
      "While the clock is behind the newest signed head nothing is signed: every signed answer is "
      "SERVFAIL.";
  c.metric_areas = {"build", "serve", "follow"};
  c.files = {{"DB, DB-wal, DB-shm", "the follower's database; serve-dns only reads it"},
             {"DB.serve-dns.sock",
              "where `gwtool serve-dns status` asks, unless `--status-socket` says otherwise"},
             {"KEY.serial", "the zone's last serial number"}};
  add_serve_options(c, v);
  c.examine = [v] { return examine_serve(*v); };
  c.run = [v](Context& ctx) { return run_serve(*v, ctx); };
  Command key("key", "make and show signing keys");
  key.add(key_new_command());
  key.add(key_ds_command());
  c.add(std::move(key));
  c.add(status_command());
  return c;
}

}  // namespace gw::cmd
