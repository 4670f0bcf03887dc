// What a service does beside its answers, as long as it runs.
#include <fmt/format.h>

#include "base/crypto.h"
#include "base/metrics.h"
#include "buildd/local_audit.h"
#include "buildd/now_and_then.h"
#include "buildd/service_impl.h"
#include "net/http.h"

namespace gw::buildd {

namespace {

constexpr std::chrono::minutes kLookForToolchains{10};

}  // namespace

// Whether what was built once still comes out the same, for as long as the service runs.
void Service::Impl::rebuild_samples() {
  NowAndThen when(options.data + "/rebuilt", options.rebuild_every, parts.clock, parts.log);
  for (; !parts.stop.wait_for(when.left()); when.done()) {
    const std::uint64_t size = log->head()->size;
    if (size == 0) continue;
    std::uint64_t any = 0;
    random_bytes(&any, sizeof any);
    const auto record = ledger->read_records(any % size, 1);
    if (!record) {
      parts.log.error("reading a record to build it again", record.error());
      continue;
    }
    const MutexLock lock(beside);
    maker->rebuild(record->at(0));
  }
}

// So that a new release is known to be good before somebody means it by `latest`. Not in the
// background: who asks for it meanwhile waits for this.
void Service::Impl::try_toolchains() {
  do {
    for (const std::string& version : toolchains.untried()) {
      if (parts.stop.requested()) return;
      const MutexLock lock(beside);
      const auto got = toolchains.get(version);
      if (!got && !parts.stop.requested()) parts.log.error("trying a toolchain", got.error());
    }
  } while (!parts.stop.wait_for(kLookForToolchains));
}

// Builds what another service has logged, as it comes.
void Service::Impl::follow_other() {
  auto other = OtherLog::make(options.followed, options.data + "/verified", options.builders,
                              {*queue, *ledger, parts.clock, parts.log, parts.stop});
  if (!other) return parts.log.error("following the other log", other.error());
  do {
    const Status done = (*other)->round();
    if (!done && !parts.stop.requested()) parts.log.error("following the other log", done.error());
  } while (!parts.stop.wait_for(options.follow_every));
}

// Has the newest head signed by others.
void Service::Impl::ask_witnesses() {
  net::HttpOptions http_options;
  http_options.ca_file = options.ca_file;
  http_options.stop = &parts.stop;
  auto http = net::HttpClient::create(http_options);
  if (!http) return parts.log.error("asking witnesses", http.error());
  Witnesses witnesses(options.witnesses, options.witness_quorum,
                      [&](const net::HttpRequest& request) { return http->fetch_one(request); });
  do {
    const auto round = witnesses.round(*ledger, *log);
    if (!round) {
      parts.log.error("publishing a witnessed head", round.error());
      continue;
    }
    for (const Error& error : round->errors) parts.log.error("asking a witness", error);
    if (round->size > 0) {
      metric_set(Metric::kBuildWitnessed, static_cast<std::int64_t>(round->size));
    }
  } while (!parts.stop.wait_for(options.witness_every));
}

// Whether all that was built and logged is still what it was.
void Service::Impl::audit() {
  run_in_background();
  NowAndThen when(options.data + "/audited", options.audit_every, parts.clock, parts.log);
  for (; !parts.stop.wait_for(when.left()); when.done()) {
    const auto published = head.load();
    if (!published || !*published) continue;
    const auto found = audit_local(*ledger, *binaries, **published,
                                   {true, &parts.stop, options.data + "/sum.log"});
    if (!found) {
      if (parts.stop.requested()) return;
      metric_add(Metric::kBuildAudits, AuditEnd::kFailed);
      parts.log.error("auditing what is kept", found.error());
      continue;
    }
    metric_add(Metric::kBuildAudits, found->good() ? AuditEnd::kGood : AuditEnd::kDamaged);
    for (const auto* all : {&found->damaged_log, &found->damaged_files}) {
      for (const std::string& what : *all) {
        parts.log.write(LogLevel::kError, "damaged", {{"what", what}});
      }
    }
    parts.log.info("audited", {{"records", found->records}, {"files", found->files}});
  }
}

}  // namespace gw::buildd
