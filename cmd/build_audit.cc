// gwtool build audit: every record, hash and binary of a build service's log.
#include <fmt/format.h>

#include <memory>

#include "build/answer_audit.h"
#include "build/log_audit.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/binary_store.h"
#include "buildd/ledger.h"
#include "buildd/local_audit.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/stop.h"
#include "tlog/build_log.h"

namespace gw::cmd {

namespace {

struct AuditValues : BuildServiceValues {
  bool binaries = false;
  bool lookups = false;
  std::optional<std::string> local;
  std::optional<std::string> head_file;
};

// The service's own data, beside the service, which it does not slow down.
Result<int> run_local_audit(Context& ctx, const AuditValues& v) {
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  buildd::run_in_background();
  GW_TRY(const auto key, tlog::VerifierKey::parse(v.log_key));
  if (!os::file_exists(*v.local + "/ledger.db")) {
    return usage_error(*v.local + ": no build service's data");
  }
  const std::string published = v.head_file.value_or(*v.local + "/published");
  GW_TRY(const std::string note, os::read_file(published, tlog::kMaxNoteBytes));
  auto head = tlog::Checkpoint::open(note, key, tlog::kBuildLog);
  if (!head) return std::move(head).error().in(published);
  GW_TRY(const auto ledger, buildd::Ledger::open(*v.local + "/ledger.db"));
  GW_TRY(const auto binaries, buildd::BinaryStore::open_read(*v.local + "/binaries"));
  const auto found =
      buildd::audit_local(*ledger, binaries, *head, {false, &stop, *v.local + "/sum.log"});
  if (!found && signals->stopped_by() != 0) return kExitInterrupted;
  if (!found) return Error(found.error()).in("auditing " + *v.local);
  for (const auto* all : {&found->damaged_log, &found->damaged_files}) {
    for (const std::string& what : *all) ctx.out.error(corrupt_error(what));
  }
  if (ctx.json) {
    ctx.out.json({{"log", key.name()},
                  {"records", found->records},
                  {"hashes", found->hashes},
                  {"files", found->files},
                  {"missing", found->missing},
                  {"damaged", found->damaged_log.size() + found->damaged_files.size()}});
  } else if (found->good()) {
    ctx.out.line(fmt::format("{}: {} records, {} hashes, {} files: as they were; {} not kept",
                             key.name(), found->records, found->hashes, found->files,
                             found->missing));
  }
  return found->good() ? kExitDone : kExitUntrusted;
}

Result<int> run_audit(Context& ctx, const AuditValues& v) {
  if (v.local) return run_local_audit(ctx, v);
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  GW_TRY(const auto client,
         open_build_service(v, {v.log_key, v.source.value_or("")}, ctx.clock, stop));
  GW_TRY(const tlog::Checkpoint head, client->latest());
  ctx.out.progress(fmt::format("reading {} records", head.size()));
  build::AnswerAudit check(
      *client, {v.lookups, v.binaries, [&](std::string_view what) { ctx.out.progress(what); }});
  auto audited = build::audit_log(client->source(), head, std::nullopt, check);
  ctx.out.progress("");
  if (!audited && signals->stopped_by() != 0 && audited.error().kind != ErrorKind::kUntrusted) {
    return kExitInterrupted;
  }
  if (!audited) return std::move(audited).error().in("auditing " + client->place());
  if (ctx.json) {
    ctx.out.json({{"log", client->key().name()},
                  {"records", audited->records},
                  {"irregular", audited->irregular},
                  {"tiles", audited->tiles},
                  {"lookups", check.lookups()},
                  {"binaries", check.binaries()}});
  } else {
    ctx.out.line(fmt::format("{}: {} records, {} tiles, {} lookups, {} binaries: as its head says",
                             client->key().name(), audited->records, audited->tiles,
                             check.lookups(), check.binaries()));
  }
  return kExitDone;
}

Command audit_command() {
  auto v = std::make_shared<AuditValues>();
  Command c("audit", "check every record, hash and binary of a service's log");
  c.doc =
      "Reads the whole log, computes its tree from the records, and compares every tile and the "
      "signed head with it; no build may have two records.";
  add_build_service(c, v.get());
  c.add(flag_option("lookups", &v->lookups, "look each build up, too, as clients do")
            .more("A published copy has no look-up of a build whose name is like a page of it, of "
                  "which log publish and log mirror tell: an audit of look-ups ends there."));
  c.add(flag_option("binaries", &v->binaries,
                    "fetch every binary, too, packed and not, and compare its sum"));
  c.add(path_option("local", "DIR", &v->local, PathUse::kDirectory,
                    "look at a service's --data instead, with the files that are kept")
            .more("Every record, the hashes that they give, the head that was published last, and "
                  "every file. The service may run meanwhile, and is not slowed down."));
  c.add(path_option("head-file", "FILE", &v->head_file, PathUse::kInput,
                    "with --local, where the service keeps the last published head")
            .default_text("published in --local"));
  c.rules.push_back([v]() -> Status {
    if (!v->local && v->head_file) return usage_error("--head-file is for --local");
    // Nothing would be asked, though somebody wanted to.
    if (v->local && (v->binaries || v->lookups || v->source)) {
      return usage_error("--local asks nobody: --binaries, --lookups and --source are without it",
                         "it looks at all binaries that are kept");
    }
    return {};
  });
  c.run = [v](Context& ctx) { return run_audit(ctx, *v); };
  return c;
}

}  // namespace

void add_build_audit(Command& c) { c.add(audit_command()); }

}  // namespace gw::cmd
