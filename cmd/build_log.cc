// gwtool build audit, log publish, log mirror: whole logs of build services.
#include "tlog/build_log.h"

#include <fmt/format.h>

#include <memory>

#include "build/log_audit.h"
#include "build/log_copy.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/binary_store.h"
#include "buildd/ledger.h"
#include "buildd/local_audit.h"
#include "buildd/local_log.h"
#include "buildd/log_keys.h"
#include "buildd/published_head.h"
#include "module/gzip.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/stop.h"
#include "tlog/log_signer.h"
#include "tlog/log_writer.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kMaxBinary = std::size_t{2} << 30U;

// ---- audit ----

struct AuditValues : BuildServiceValues {
  bool binaries = false;
  bool lookups = false;
  std::optional<std::string> local;
  std::optional<std::string> head_file;
};

// What else the service answers for a record, as far as it is asked for.
class AnswerCheck : public build::AuditSink {
 public:
  AnswerCheck(build::LogClient& client, const AuditValues& v, Context& ctx)
      : client_(client), v_(v), ctx_(ctx) {}
  Status take_record(std::uint64_t number, const std::string& text) override {
    Status s = v_.lookups ? check_lookup(number, text) : Status();
    if (s && v_.binaries) s = check_binaries(number, text);
    return s ? s : std::move(s).error().in(fmt::format("record {}", number));
  }
  Status take_file(const std::string& /*path*/, const std::string& /*bytes*/) override {
    return {};
  }
  std::uint64_t binaries() const { return binaries_; }
  std::uint64_t lookups() const { return lookups_; }

 private:
  // Its key leads to it, and to no other.
  Status check_lookup(std::uint64_t number, const std::string& text) {
    ctx_.out.progress(fmt::format("lookup of record {}", number));
    const auto record = tlog::parse_build_record(text);
    if (!record) return {};
    GW_TRY(const auto found, client_.find(build::key_of_record(*record)));
    if (found.number() != number || found.record() != text) {
      return untrusted_error(fmt::format("a lookup of {} gives record {}",
                                         tlog::format_build_key(record->target), found.number()));
    }
    ++lookups_;
    return {};
  }
  Status check_binaries(std::uint64_t number, const std::string& text) {
    ctx_.out.progress(fmt::format("binary of record {}", number));
    GW_TRY([[maybe_unused]] const std::string bytes, client_.fetch_record(text));
    GW_CHECK(client_.check_unpacked(text));
    ++binaries_;
    return {};
  }

  build::LogClient& client_;
  const AuditValues& v_;
  Context& ctx_;
  std::uint64_t binaries_ = 0;
  std::uint64_t lookups_ = 0;
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
  AnswerCheck check(*client, v, ctx);
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

// ---- log publish, log mirror ----

int report(Context& ctx, const build::CopiedLog& copied, const std::string& directory) {
  for (const std::string& path : copied.damaged) {
    ctx.out.error(corrupt_error(path + ": not what was built any more: not in the copy",
                                "gwtool build audit --local tells which files are damaged"));
  }
  if (copied.left_out > 0) {
    ctx.out.warn(fmt::format("{} records have no files: directories of theirs are named like pages",
                             copied.left_out));
  }
  const int code = copied.damaged.empty() ? kExitDone : kExitUntrusted;
  if (ctx.json) {
    ctx.out.json({{"directory", directory},
                  {"records", copied.log.records},
                  {"written", copied.written},
                  {"binaries_missing", copied.binaries_missing},
                  {"left_out", copied.left_out},
                  {"damaged", copied.damaged.size()}});
    return code;
  }
  ctx.out.line(fmt::format("{}: {} records, {} files written, {} binaries missing", directory,
                           copied.log.records, copied.written, copied.binaries_missing));
  return code;
}

struct CopyValues {
  std::string directory;
  bool binaries = true;
  bool check_binaries = false;
};

void add_copy_check(Command& c, CopyValues* v) {
  c.add(flag_option("check-binaries", &v->check_binaries,
                    "read the binaries that are in DIR already, and write damaged ones anew")
            .more("Without it one that has its record's size is taken for what it is: for a large "
                  "log, all that it has would be read each time. One that is damaged here, and not "
                  "to be had whole, is removed."));
  c.rules.push_back([v]() -> Status {
    // Nothing would be read, though somebody wanted to.
    if (!v->check_binaries || v->binaries) return {};
    return usage_error("--check-binaries needs the binaries, which --binaries=false leaves out",
                       "leave one of the two away");
  });
}

struct PublishValues : CopyValues {
  std::string data;
  std::string key;
  std::optional<std::string> head_file;
};

Result<int> run_publish(Context& ctx, const PublishValues& v) {
  GW_TRY(auto key, buildd::load_log_key(v.key));
  GW_TRY(auto checkpoint_key, buildd::checkpoint_key(key));
  const tlog::VerifierKey verifier = key.verifier();
  tlog::KeySigner signer(std::move(key));
  tlog::KeySigner checkpoint_signer(std::move(checkpoint_key));
  const std::string database = v.data + "/ledger.db";
  if (!os::file_exists(database)) return usage_error(v.data + ": no build service's data");
  // Read before the database, which only grows. The key is the log's, or nothing is signed; and
  // neither is a database that is older than what others have seen.
  GW_TRY(const auto published,
         buildd::PublishedHead(signer, v.head_file.value_or(v.data + "/published")).load());
  GW_TRY(const auto ledger, buildd::Ledger::open(database));
  // Signs the head of what is saved: the same one that the service signs at this size.
  GW_TRY(const auto log, tlog::LogWriter::open(*ledger, {&signer, &checkpoint_signer}, published));
  const tlog::LogFiles files(*ledger, *log, tlog::DataTileStyle::kNumbered);
  buildd::LocalLog source(files, v.data);
  GW_TRY(const buildd::BinaryStore binaries, buildd::BinaryStore::open_read(v.data + "/binaries"));
  GW_TRY(const auto head, tlog::Checkpoint::open(log->head()->latest, verifier, tlog::kBuildLog));
  const build::BinaryBytes bytes = [&](const std::string& record,
                                       bool packed) -> Result<std::string> {
    const auto parsed = tlog::parse_build_record(record);
    GW_TRY(const std::string path,
           binaries.use(parsed ? parsed->sum : "", packed, ctx.clock.now()));
    return os::read_file(path, kMaxBinary);
  };
  GW_TRY(const auto copied,
         build::copy_log(source, head, verifier,
                         {v.directory, log->head()->checkpoint,
                          v.binaries ? bytes : build::BinaryBytes(), v.check_binaries}));
  return report(ctx, copied, v.directory);
}

Command publish_command() {
  auto v = std::make_shared<PublishValues>();
  Command c("publish", "write a service's log and binaries as static files");
  c.doc =
      "For any web server, CDN or object store, where one machine does not carry all readers. The "
      "files lie under the same paths as the service's pages: clients need another --source, and "
      "nothing else. The whole log is checked on the way. Run it again to add what is new; the "
      "service may run meanwhile.";
  c.add(positional("DIR", &v->directory, "where to write; made if need be"));
  c.add(path_option("data", "DIR", &v->data, PathUse::kDirectory, "the service's data").require());
  c.add(path_option("key", "FILE", &v->key, PathUse::kSecret, "the log's secret key").require());
  c.add(flag_option("binaries", &v->binaries, "write the binaries that are kept, too"));
  add_copy_check(c, v.get());
  c.add(path_option("head-file", "FILE", &v->head_file, PathUse::kInput,
                    "where the service keeps the last published head")
            .default_text("published in --data"));
  c.run = [v](Context& ctx) { return run_publish(ctx, *v); };
  return c;
}

struct MirrorValues : BuildServiceValues, CopyValues {
  std::optional<std::string> checkpoint_key;
};

Result<int> run_mirror(Context& ctx, const MirrorValues& v) {
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  GW_TRY(const auto client,
         open_build_service(v, {v.log_key, v.source.value_or("")}, ctx.clock, stop));
  GW_TRY(const tlog::Checkpoint head, client->latest());
  std::string checkpoint;
  if (v.checkpoint_key) {
    GW_TRY(const auto checkpoint_key, tlog::VerifierKey::parse(*v.checkpoint_key));
    GW_TRY(checkpoint, client->checkpoint_of(head, checkpoint_key));
  }
  std::string last;  // the unpacked bytes of the record before
  std::string last_record;
  const build::BinaryBytes bytes = [&](const std::string& record,
                                       bool packed) -> Result<std::string> {
    if (record != last_record) {
      ctx.out.progress("fetching " + record.substr(0, record.find(' ')));
      GW_TRY(last, client->fetch_record(record));
      last_record = record;
    }
    return packed ? mod::gzip(last) : last;
  };
  auto copied = build::copy_log(
      client->source(), head, client->key(),
      {v.directory, checkpoint, v.binaries ? bytes : build::BinaryBytes(), v.check_binaries});
  ctx.out.progress("");
  if (!copied && signals->stopped_by() != 0 && copied.error().kind != ErrorKind::kUntrusted) {
    return kExitInterrupted;
  }
  if (!copied) return std::move(copied).error().in("mirroring " + client->place());
  return report(ctx, *copied, v.directory);
}

Command mirror_command() {
  auto v = std::make_shared<MirrorValues>();
  Command c("mirror", "copy another service's log and binaries, all of it verified");
  c.doc =
      "Writes the files that `gwtool build log publish` writes, from a service anywhere. A log "
      "that "
      "is not the continuation of what is in the directory is refused.";
  c.add(positional("DIR", &v->directory, "where to write; made if need be"));
  add_build_service(c, v.get());
  c.add(text_option("checkpoint-key", "VKEY", &v->checkpoint_key,
                    "the log's second verifier key, NAME/tlog, of its first page")
            .check(check_build_service)
            .more("Copies the heads for monitors, too, verified; without it they are left out."));
  c.add(flag_option("binaries", &v->binaries, "fetch the binaries, too"));
  add_copy_check(c, v.get());
  c.run = [v](Context& ctx) { return run_mirror(ctx, *v); };
  return c;
}

}  // namespace

void add_build_log(Command& c) {
  c.add(audit_command());
  Command log("log", "write a build service's log elsewhere");
  log.add(publish_command());
  log.add(mirror_command());
  c.add(std::move(log));
}

}  // namespace gw::cmd
