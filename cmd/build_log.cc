// gwtool build log publish, log mirror: a build service's log, written elsewhere.
#include "tlog/build_log.h"

#include <fmt/format.h>

#include <memory>

#include "build/log_copy.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/binary_store.h"
#include "buildd/ledger.h"
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
      "that is not the continuation of what is in the directory is refused.";
  c.add(positional("DIR", &v->directory, "where to write; made if need be"));
  add_build_service(c, v.get());
  c.add(text_option("checkpoint-key", "VKEY", &v->checkpoint_key,
                    "the log's second verifier key, NAME/tlog, of its first page")
            .check(check_checkpoint_key)
            .more("Copies the heads for monitors, too, verified; without it they are left out."));
  c.add(flag_option("binaries", &v->binaries, "fetch the binaries, too"));
  add_copy_check(c, v.get());
  c.run = [v](Context& ctx) { return run_mirror(ctx, *v); };
  return c;
}

}  // namespace

void add_build_log(Command& c) {
  Command log("log", "write a build service's log elsewhere");
  log.add(publish_command());
  log.add(mirror_command());
  c.add(std::move(log));
}

}  // namespace gw::cmd
