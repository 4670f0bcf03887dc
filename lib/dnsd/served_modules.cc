#include "dnsd/served_modules.h"

#include <unistd.h>

#include "base/metrics.h"
#include "dnsd/user_access.h"
#include "os/file.h"

namespace gw::dnsd {

Result<std::unique_ptr<ServedModules>> ServedModules::make(ModuleOptions options, Epochs& epochs,
                                                           SigningContext& signing,
                                                           const Logger& log) {
  GW_TRY(ZoneSerial serial, ZoneSerial::load(ZoneSerial::file_beside(options.key_file)));
  std::unique_ptr<ServedModules> made(
      new ServedModules(std::move(options), epochs, signing, log, std::move(serial)));
  GW_TRY([[maybe_unused]] const bool changed, made->key_.load());
  return made;
}

ServedModules::ServedModules(ModuleOptions options, Epochs& epochs, SigningContext& signing,
                             const Logger& log, ZoneSerial serial)
    : ServedZone(epochs, signing, log, options.zone.origin, options.key_file),
      options_(std::move(options)),
      signing_(signing),
      index_(epochs),
      lookup_(epochs),
      zone_(epochs, index_, lookup_, options_.zone),
      source_({.db = options_.db,
               .zone_size = options_.zone.origin.size(),
               .allow_partial = options_.allow_partial,
               .threads = options_.load_threads},
              index_, lookup_, log),
      serial_(std::move(serial)),
      served_serial_(serial_.current()) {}

Status ServedModules::check_access(const std::string& user) const {
  if (!user.empty()) {
    GW_CHECK(require_access(options_.key_file, R_OK, user, "the zone's signing key"));
    GW_CHECK(require_access(ZoneSerial::file_beside(options_.key_file), W_OK, user,
                            "where the zone's serial number is kept"));
    if (os::file_exists(options_.db)) {
      GW_CHECK(require_access(options_.db, R_OK, user, "the database"));
      // Read, it is enough while the follower keeps it there.
      GW_CHECK(require_access(options_.db + "-shm", R_OK, user,
                              "which SQLite needs even to read the database"));
    }
  }
  return {};
}

Status ServedModules::start(const std::string& user) {
  GW_CHECK(check_access(user));
  return source_.start();
}

// Makes what the source holds the zone's content, under its serial.
Status ServedModules::publish() {
  const ModuleSource::Content& content = source_.content();
  const std::string fingerprint = options_.zone.fingerprint(*key_.next());
  ZoneSerial next = serial_;
  const bool raised = (content.ready || !next.known()) &&
                      next.advance(content.ready ? content.tree_size : 0, fingerprint);
  auto made = zone_.make({.serial = next.current(),
                          .toolchain = content.toolchain,
                          .dnskey = key_.next()->dnskey(),
                          .key = key_.next_id()});
  if (!made) {
    key_.discard();
    return std::move(made).error();
  }
  if (raised) {
    // Served all the same: a serial that a restart may repeat is better than old answers.
    if (Status kept = next.save(); !kept) log_.error("serial_not_kept", kept.error());
    serial_ = std::move(next);
    served_serial_.store(serial_.current());
  }
  signing_.set_not_before(content.newest_head);
  metric_set(Metric::kServeSerial, serial_.current());
  metric_set(Metric::kServeReady, content.ready ? 1 : 0);
  metric_set(Metric::kServeRecords, static_cast<std::int64_t>(content.tree_size));
  metric_set(Metric::kServeHeadTime, to_unix(content.newest_head));
  zone_.publish(content.ready ? *std::move(made) : nullptr);
  key_.adopt(epochs_);
  return {};
}

void ServedModules::poll() {
  auto changed = source_.poll();
  if (!changed) {
    metric_add(Metric::kServeUpdateErrors);
    if (changed.error().message != last_error_) log_.error("update_failed", changed.error());
    last_error_ = changed.error().message;
    // What passes by itself is no trouble.
    if (changed.error().kind != ErrorKind::kUnavailable) set_trouble(last_error_);
    return;
  }
  last_error_.clear();
  set_trouble("");
  if (!*changed) return;
  if (Status published = publish(); !published) {
    return log_.error("update_failed", published.error());
  }
  log_.info("updated", {{"serial", serial_.current()},
                        {"records", source_.content().tree_size},
                        {"ready", source_.content().ready ? 1 : 0}});
  // Nobody is answered from what was there before: now it can go.
  if (source_.must_reload()) poll();
}

void ServedModules::set_trouble(const std::string& what) {
  const MutexLock lock(mutex_);
  trouble_ = what;
}

void ServedModules::reload() {
  const std::shared_ptr<const ZoneKey> before = key();
  auto changed = key_.load();
  if (!changed) {
    log_.error("reload_failed", std::move(changed).error().in("keeping the old key"));
    return;
  }
  if (*changed) {
    if (Status published = publish(); !published) {
      return log_.error("reload_failed", published.error());
    }
  }
  log_reloaded(*before);
}

// SQLite opens what links lead to, and its log of changes is beside that.
std::vector<std::string> ServedModules::watched_files() const {
  const std::string db = os::real_path(options_.db);
  return {db, db + "-wal"};
}

std::string ServedModules::health() const {
  const MutexLock lock(mutex_);
  if (!trouble_.empty()) return trouble_;
  if (zone_.ready()) return "";
  return os::file_exists(options_.db) ? "no complete log yet" : "no database yet";
}

Json ServedModules::status() const {
  Json out = common_status();
  out["content"] = "modules";
  out["serial"] = serial();
  out["ready"] = zone_.ready();
  out["loading"] = source_.loading();
  const ModuleIndex::Stats stats = index_.stats();
  out["names"] = stats.names;
  out["answers"] = stats.answers;
  out["memory_bytes"] = stats.bytes;
  return out;
}

Json ServedModules::log_status(WallTime now) const {
  const auto log_state = source_.log_state();
  if (!log_state) return {};
  Json out;
  out["name"] = log_state->log_name;
  out["position"] = log_state->position;
  out["first_record"] = log_state->first_record;
  out["complete"] = log_state->complete();
  if (log_state->target) {
    out["head_size"] = log_state->target->size;
    out["head_accepted"] = format_rfc3339(log_state->target->accepted);
    out["head_age_seconds"] = (now - log_state->target->accepted).count();
  }
  out["halted"] = log_state->halted();
  if (log_state->alarm) out["alarm"] = log_state->alarm->message;
  return out;
}

}  // namespace gw::dnsd
