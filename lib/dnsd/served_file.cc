#include "dnsd/served_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/metrics.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/rdata.h"
#include "dns/zone.h"
#include "dns/zone_file.h"
#include "dnsd/user_access.h"
#include "os/file.h"

namespace gw::dnsd {

namespace {

constexpr std::size_t kMaxZoneFile = std::size_t{64} << 20;  // all included files together
constexpr std::uint32_t kMaxTtl = 7 * 86400;                 // half of a signature's life
constexpr std::uint32_t kDnskeyTtl = 3600;
constexpr std::size_t kMaxWarnings = 20;  // told one by one

// The key that signs is announced beside those that the file has, if it has any (of other servers
// of the zone, RFC 8901).
Status add_dnskey(dns::RecordList& records, dns::NameView origin, std::string_view dnskey) {
  std::uint32_t ttl = kDnskeyTtl;
  for (std::size_t i = 0; i < records.size() && records.owner(records[i]) == origin; ++i) {
    if (records[i].type == dns::rrtype::kDnskey) ttl = records[i].ttl;
  }
  GW_CHECK(records.add(origin, dns::rrtype::kDnskey, ttl, dnskey, 0));
  records.sort();
  return {};
}

// One, and the error says in which file, which an empty zone cannot.
Status check_soa(const dns::RecordList& records, dns::NameView origin, const std::string& file) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < records.size() && records.owner(records[i]) == origin; ++i) {
    if (records[i].type != dns::rrtype::kSoa || ++found < 2) continue;
    return usage_error(fmt::format("{}: {}: a second soa record", records.where(records[i]),
                                   dns::format_name(origin)));
  }
  if (found == 1) return {};
  return usage_error(
      fmt::format("{}: zone {}: needs one soa record at its apex", file, dns::format_name(origin)));
}

// Whether a DS RRset leads to the key. A digest of another type than ours is taken as right.
bool announces(const dns::RrsetView& ds, const ZoneKey& key) {
  const std::string own = key.ds();
  for (const std::string_view rdata : dns::unpack_rdatas(ds.rdatas)) {
    if (rdata == own || (rdata.substr(0, 3) == own.substr(0, 3) && rdata[3] != own[3])) return true;
  }
  return false;
}

}  // namespace

bool ServedFile::Stamp::operator==(const Stamp& o) const {
  auto same = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  return device == o.device && inode == o.inode && size == o.size && same(modified, o.modified) &&
         same(changed, o.changed);
}

ServedFile::Stamp ServedFile::stamp_of(const std::string& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim, info.st_ctim};
}

Result<std::unique_ptr<ServedFile>> ServedFile::make(FileZoneOptions options, Epochs& epochs,
                                                     SigningContext& signing, const Logger& log) {
  std::unique_ptr<ServedFile> made(new ServedFile(std::move(options), epochs, signing, log));
  GW_TRY([[maybe_unused]] const bool changed, made->key_.load());
  return made;
}

ServedFile::ServedFile(FileZoneOptions options, Epochs& epochs, SigningContext& signing,
                       const Logger& log)
    : ServedZone(epochs, signing, log, options.origin, options.key_file),
      options_(std::move(options)),
      served_(epochs) {}

Status ServedFile::start(const std::string& user) {
  if (!user.empty()) {
    GW_CHECK(require_access(options_.key_file, R_OK, user, "a zone's signing key"));
    GW_CHECK(require_access(options_.file, R_OK, user, "a zone's records"));
  }
  Loaded loaded;
  Status status = load(loaded);
  return take(std::move(loaded), std::move(status));
}

ServedFile::~ServedFile() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
}

bool ServedFile::stopped() const {
  return stop_.load(std::memory_order_relaxed) ||
         (options_.stop != nullptr && options_.stop->requested());
}

Status ServedFile::go_on() const {
  if (!stopped()) return {};
  return unavailable_error(options_.file + ": stopped");
}

// Reads file and includes into `loaded.zone`. `loaded.files` is set whatever happens.
Status ServedFile::load_text(Loaded& loaded) const {
  std::size_t room = kMaxZoneFile;
  auto read = [&](const std::string& file) -> Result<std::string> {
    loaded.files.push_back({file, stamp_of(file)});
    auto text = os::read_regular_file(file, room);
    if (!text) {
      Error error = std::move(text).error();
      // At the start it is a mistake of the configuration like any other.
      if (error.kind == ErrorKind::kNotFound) error.kind = ErrorKind::kUsage;
      return error;
    }
    room -= text->size();
    loaded.text = sha256(as_bytes(loaded.text), *text);
    return text;
  };
  // A relative name is relative to the file that includes it.
  auto include = [&](const std::string& name,
                     const std::string& from) -> Result<dns::ZoneFilePart> {
    std::string file = (std::filesystem::path(from).parent_path() / name).string();
    GW_TRY(std::string included, read(file));
    return dns::ZoneFilePart{std::move(file), std::move(included)};
  };
  GW_TRY(const std::string text, read(options_.file));
  GW_TRY(auto parsed, dns::parse_zone_file(text, options_.origin,
                                           {.name = options_.file,
                                            .max_ttl = kMaxTtl,
                                            .max_records = options_.max_records,
                                            .stopped = [this] { return stopped(); },
                                            .include = include}));
  loaded.warnings = std::move(parsed.warnings);
  // Each step may take seconds.
  GW_CHECK(go_on());
  GW_CHECK(check_soa(parsed.records, options_.origin, options_.file));
  GW_CHECK(add_dnskey(parsed.records, options_.origin, key_.next()->dnskey()));
  GW_CHECK(go_on());
  GW_TRY(loaded.zone,
         dns::StaticZone::make(options_.origin, parsed.records, key_.next_id(), &loaded.warnings));
  GW_CHECK(go_on());
  if (Status ok = dns::check_servable(*loaded.zone); !ok) {
    return std::move(ok).error().in(options_.file);
  }
  return check_children(loaded);
}

Status ServedFile::check_children(Loaded& loaded) const {
  for (const ServedZone* child : children_) {
    const dns::NameView name = child->zone().origin();
    const std::string text = dns::format_host(name);
    dns::Node node;
    loaded.zone->find(name, node);
    if (node.kind != dns::NodeKind::kCut) {
      return usage_error(
          fmt::format("{}: {}, which is served here too, is not delegated in this zone",
                      options_.file, text),
          fmt::format("add its name servers: {}. NS ..., and its key: {}", text,
                      child->key()->ds_text()));
    }
    if (node.at.size() != name.size()) continue;  // somebody else's zone lies between
    const dns::RrsetView* ds = node.find(dns::rrtype::kDs);
    if (ds == nullptr) {
      loaded.warnings.push_back(
          fmt::format("{}: {} has no DS record: its signatures go unchecked", options_.file, text));
    } else if (!announces(*ds, *child->key())) {
      loaded.warnings.push_back(
          fmt::format("{}: no DS record of {} belongs to its key {}: validators call it bogus",
                      options_.file, text, child->key()->tag()));
    }
  }
  return {};
}

// What is taken in the end. In the background it reads nothing that changes meanwhile.
Status ServedFile::load(Loaded& loaded) const {
  GW_CHECK(load_text(loaded));
  for (const Watched& watched : loaded.files) {
    if (stamp_of(watched.file) == watched.stamp) continue;
    return unavailable_error(watched.file + ": changed while it was read");
  }
  return {};
}

// A good load waits in `next_` to be served.
Status ServedFile::take(Loaded loaded, Status status) {
  files_ = loaded.files;
  settling_.clear();
  if (status) {
    next_ = std::move(loaded);
  } else if (status.error().kind == ErrorKind::kIo) {
    // A failure of the system rather than of the text may pass: as if the files were others.
    for (Watched& watched : files_) watched.stamp = {};
  }
  return status;
}

void ServedFile::warn(std::string_view text) const {
  log_.warning("zone_warning", {{"zone", dns::format_host(options_.origin)}, {"text", text}});
}

// What was told at the load before is not told again.
void ServedFile::tell(std::vector<std::string> warnings) {
  if (warnings == told_) return;
  const std::size_t shown = std::min(warnings.size(), kMaxWarnings);
  for (std::size_t i = 0; i < shown; ++i) warn(warnings[i]);
  if (shown < warnings.size()) {
    warn(fmt::format("and {} more of these", warnings.size() - shown));
  }
  told_ = std::move(warnings);
}

Status ServedFile::publish() {
  Loaded loaded = *std::exchange(next_, std::nullopt);
  tell(std::move(loaded.warnings));
  const std::uint32_t serial = dns::soa_serial(loaded.zone->soa().rdatas);
  const dns::StaticZone* old = served_.get();
  if (old != nullptr &&
      static_cast<std::int32_t>(serial - dns::soa_serial(old->soa().rdatas)) <= 0) {  // RFC 1982
    warn("the serial was not raised: who compares it will not see this change");
  }
  const std::size_t rrsets = loaded.zone->rrset_count();
  {
    const MutexLock lock(mutex_);
    serial_ = serial;
    rrsets_ = rrsets;
    error_.clear();
  }
  served_text_ = loaded.text;
  served_.publish(std::move(loaded.zone));
  key_.adopt(epochs_);
  log_.info("zone_loaded", {{"zone", dns::format_host(options_.origin)},
                            {"file", options_.file},
                            {"serial", serial},
                            {"rrsets", rrsets},
                            {"key_tag", key_.get()->tag()}});
  return {};
}

bool ServedFile::is_large() const {
  std::size_t size = 0;
  for (const Watched& watched : files_) {
    size += static_cast<std::size_t>(stamp_of(watched.file).size);
  }
  return size > options_.load_at_once;
}

// Loads what is there now: a large zone on a thread of its own, whose result a poll() takes.
void ServedFile::begin_load() {
  const bool background = is_large();
  loaded_.store(false);
  loading_.store(true);
  const auto run = [this] {
    result_status_ = load(result_);
    loaded_.store(true);
  };
  if (background) {
    if (auto thread = os::start_thread(run); thread) {
      thread_ = *std::move(thread);
      return;
    }
  }
  run();
  end_load();
}

void ServedFile::end_load() {
  if (thread_.joinable()) thread_.join();
  loading_.store(false);
  Status status = take(std::exchange(result_, {}), std::exchange(result_status_, Status()));
  const std::shared_ptr<const ZoneKey> before = std::exchange(reloaded_, nullptr);
  if (status && next_->text == served_text_ && !key_.waiting()) {
    tell(std::move(next_->warnings));  // a child's key may be another one
    next_.reset();                     // only looked at again, or touched
    const MutexLock lock(mutex_);
    error_.clear();
  } else {
    if (status) status = publish();
    metric_add(Metric::kServeZoneLoads, status ? LoadResult::kDone : LoadResult::kFailed);
    if (!status) {
      // A new key waits for a content that can announce it.
      const MutexLock lock(mutex_);
      if (error_ != status.error().message) {
        log_.error("zone_not_loaded", Error(status.error()).in("keeping the old zone"));
      }
      error_ = status.error().message;
    }
  }
  if (before != nullptr) log_reloaded(*before);
}

// True once the files are other than when they were read, and have been so for a poll.
bool ServedFile::changed() {
  std::vector<Stamp> now;
  now.reserve(files_.size());
  bool differs = false;
  for (const Watched& watched : files_) {
    now.push_back(stamp_of(watched.file));
    differs = differs || !(now.back() == watched.stamp);
  }
  if (!differs) {
    settling_.clear();
    return false;
  }
  if (now == settling_) return true;
  settling_ = std::move(now);
  return false;
}

void ServedFile::poll() {
  if (busy()) {
    if (loaded_.load()) end_load();
  } else if (changed()) {
    begin_load();
  }
}

void ServedFile::reload() {
  reloaded_ = key();
  if (auto key = key_.load(); !key) {
    log_.error("reload_failed", std::move(key).error().in("keeping the old key"));
  }
  begin_load();
}

std::vector<std::string> ServedFile::watched_files() const {
  std::vector<std::string> files;
  for (const Watched& watched : files_) files.push_back(watched.file);
  return files;
}

std::string ServedFile::health() const { return served_.get() != nullptr ? "" : "zone not loaded"; }

Json ServedFile::status() const {
  Json out = common_status();
  out["content"] = "file";
  out["file"] = options_.file;
  out["ready"] = served_.get() != nullptr;
  out["loading"] = busy();
  const MutexLock lock(mutex_);
  out["serial"] = serial_;
  out["rrsets"] = rrsets_;
  if (!error_.empty()) out["error"] = error_;
  return out;
}

}  // namespace gw::dnsd
