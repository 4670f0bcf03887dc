#include "store/writer.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "os/file.h"
#include "sqlite/sqlite.h"
#include "store/gomod_fill.h"
#include "store/schema.h"
#include "store/writer_impl.h"
#include "tlog/build_log.h"
#include "tlog/hash.h"

namespace gw::store {

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer& Writer::operator=(Writer&&) noexcept = default;
Writer::~Writer() = default;

const LogState& Writer::state() const { return impl_->state; }
bool Writer::created() const { return static_cast<bool>(impl_->db); }
Keep Writer::keep() const { return impl_->state.keep; }
const tlog::Frontier& Writer::frontier() const { return impl_->frontier; }

Result<Writer> Writer::open(const std::string& path, const WriterOptions& options) {
  // One lock for one file, whichever links lead to it.
  GW_TRY(const std::string file, os::file_to_write(path));
  GW_TRY(os::LockFile lock, os::LockFile::acquire(file + ".lock"));
  auto impl = std::make_unique<Impl>(path, options, std::move(lock));
  impl->state.log_name = options.log_name;
  impl->state.log_key = options.log_key;
  const bool builds = options.format == &tlog::kBuildLog;
  impl->state.keep = builds ? Keep::kBuilds : options.keep.value_or(Keep::kVersions);
  if (os::file_exists(path)) {
    if (auto s = impl->open_existing(); !s) return std::move(s).error().in(path);
  }
  return Writer(std::move(impl));
}

Status Writer::Impl::open_existing() {
  GW_TRY(sqlite::Database opened,
         sqlite::Database::open(path, sqlite::Database::Mode::kWrite, options.vfs));
  // Nothing is changed in a file before it is known to be ours.
  GW_TRY(const std::int64_t version, check_schema(opened));
  if (version == 0) return {};  // empty: creation was cut short, or a file made by mktemp
  ours = true;
  GW_CHECK(note_place());
  db = std::move(opened);
  GW_CHECK(configure());
  if (version < schema_version()) {
    GW_TRY(sqlite::Transaction tx, sqlite::Transaction::begin(db));
    if (auto s = migrate_schema(db, version); !s) {
      return std::move(s).error().in(fmt::format("migrating schema version {}", version));
    }
    GW_TRY(const LogState migrated, load_state(db));
    if (version < kGomodVersion && migrated.keep == Keep::kRecords) GW_CHECK(fill_gomod(db));
    GW_CHECK(tx.commit());
  }
  GW_CHECK(reload());
  GW_CHECK(check_identity());
  return prepare();
}

Status Writer::Impl::configure() {
  // ModuleMerger walks the tables in their own order: a larger cache was no faster (10 million
  // records, 32 MB and 128 MB). What does not fit goes to the log of changes before the commit.
  GW_CHECK(db.keep_log_files());
  return db.exec(
      fmt::format("PRAGMA synchronous = FULL; PRAGMA cache_size = -{}; PRAGMA temp_store = MEMORY; "
                  "PRAGMA journal_size_limit = 67108864",
                  options.cache_kib));
}

Status Writer::Impl::check_identity() const {
  if (!options.log_key.empty() && options.log_key != state.log_key) {
    const bool same_name = options.log_name == state.log_name;
    return usage_error(
        fmt::format("it follows {}, not {}", same_name ? state.log_key : state.log_name,
                    same_name ? options.log_key : options.log_name),
        "give each log its own --db");
  }
  const tlog::LogFormat& format = format_of(state.keep);
  if (!options.log_key.empty() && options.format != &format) {
    return usage_error(
        fmt::format("it follows a log of the form {}, not {}", format.name, options.format->name),
        fmt::format("that is decided when a database is made: give --log-form {}, or another --db",
                    format.name));
  }
  if (options.keep && *options.keep != state.keep) {
    return usage_error(
        fmt::format("it keeps {}, not {}", keep_name(state.keep), keep_name(*options.keep)),
        "that is decided when a database is made: follow into a new one");
  }
  return {};
}

Status Writer::Impl::prepare() {
  GW_TRY(merger, ModuleMerger::prepare(db));
  return {};
}

Status Writer::Impl::reload() {
  GW_TRY(state, load_state(db));
  GW_TRY(sqlite::Statement s, db.prepare("SELECT start, frontier, tail FROM log"));
  GW_TRY(const bool row, s.step());
  if (!row) return corrupt_error("the table log is empty");
  GW_TRY(start, tlog::Frontier::parse(state.first_record, s.bytes(0)));
  GW_TRY(frontier, tlog::Frontier::parse(state.position, s.bytes(1)));
  auto hashes = tlog::parse_hashes(s.bytes(2));
  if (!hashes) return corrupt_error("stored hashes are damaged");
  tail = *std::move(hashes);
  if (state.position > state.first_record && tail.size() != state.position % kTile) {
    return corrupt_error("the hashes of the last tile do not fit the position");
  }
  if (state.reached && state.reached->size == state.position &&
      frontier.root() != state.reached->root) {
    return corrupt_error(fmt::format(
        "the stored tree of {} records is not the one of its signed head", state.position));
  }
  return {};
}

// SQLite's locks are taken by who may read, so that only our group may; its other files get the
// same mode.
Status Writer::Impl::create() {
  constexpr mode_t kMode = 0640;
  GW_TRY(const std::string file, os::file_to_write(path));
  auto made = os::create_file(file, "", kMode);
  if (!made && made.error().kind != ErrorKind::kUsage)
    return made;  // kUsage: an empty one is there
  GW_TRY(db, sqlite::Database::open(path, sqlite::Database::Mode::kCreate, options.vfs));
  GW_CHECK(db.exec("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL"));
  GW_CHECK(configure());
  return note_place();
}

Status Writer::Impl::insert_log(const tlog::Frontier& from) {
  GW_CHECK(migrate_schema(db, 0));
  GW_TRY(sqlite::Statement s,
         db.prepare("INSERT INTO log(only, name, key, keep, first_record, start, position, "
                    "frontier, tail, identity) VALUES(1, ?1, ?2, ?3, ?4, ?5, ?4, ?5, x'', "
                    "randomblob(16))"));
  const std::string hashes = from.hashes_text();
  s.bind_text(1, options.log_name).bind_text(2, options.log_key);
  s.bind_text(3, keep_name(state.keep)).bind(4, from.size()).bind_blob(5, hashes);
  return s.run();
}

Status Writer::Impl::note_place() {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno_error("looking at " + path, errno);
  if (info.st_nlink > 1) {
    return usage_error("a file with a second name (a hard link), by which another could write it",
                       "copy it with sqlite3's .backup, and remove the link");
  }
  device = info.st_dev;
  inode = info.st_ino;
  return {};
}

Status Writer::Impl::check_place() const {
  struct stat info {};
  const bool there = ::stat(path.c_str(), &info) == 0;
  if (there && info.st_dev == device && info.st_ino == inode) return {};
  return corrupt_error(fmt::format("the database that was opened is not there any more: {}",
                                   there ? "another file is there" : "nothing is there"),
                       "start again: what is there by then is followed");
}

// Does `work` in one transaction, of a database that is made for it when there is none yet, and
// reads what is there then. One that was made and not finished is made anew by the next.
Status Writer::Impl::change(const std::function<Status(bool fresh)>& work) {
  const bool fresh = !static_cast<bool>(db);
  const auto run = [&]() -> Status {
    if (fresh) GW_CHECK(create());
    GW_TRY(sqlite::Transaction tx, sqlite::Transaction::begin(db));
    GW_CHECK(work(fresh));
    GW_CHECK(tx.commit());
    if (fresh) GW_CHECK(prepare());
    return reload();
  };
  auto status = run();
  ours = ours || status;
  if (status) return {};
  if (fresh) db = sqlite::Database();
  return std::move(status).error().in(path);
}

Status Writer::set_target(const tlog::Checkpoint& head, WallTime accepted,
                          std::span<const std::string> post_to, const tlog::Frontier& start) {
  Impl& m = *impl_;
  if (m.state.target ? head.size() <= m.state.target->size : head.size() < start.size()) {
    return internal_error(fmt::format("a head of {} records is no newer one", head.size()));
  }
  return m.change([&](bool fresh) -> Status {
    GW_CHECK(m.check_place());
    if (fresh) {
      GW_CHECK(m.insert_log(start));
    } else if (!m.state.target) {
      GW_TRY(sqlite::Statement s, m.db.prepare("UPDATE log SET first_record = ?1, start = ?2, "
                                               "position = ?1, frontier = ?2, gomod_from = ?1"));
      const std::string hashes = start.hashes_text();
      GW_CHECK(s.bind(1, start.size()).bind_blob(2, hashes).run());
    }
    GW_CHECK(m.insert_head(head, accepted, post_to));
    return {};
  });
}

Status Writer::Impl::insert_head(const tlog::Checkpoint& head, WallTime accepted,
                                 std::span<const std::string> post_to) {
  GW_TRY(sqlite::Statement insert,
         db.prepare("INSERT INTO head(size, root, note, accepted_at) VALUES(?, ?, ?, ?)"));
  insert.bind(1, head.size()).bind_blob(2, as_bytes(head.root())).bind_blob(3, head.note());
  GW_CHECK(insert.bind(4, to_unix(accepted)).run());
  GW_TRY(sqlite::Statement update,
         db.prepare("UPDATE log SET target = ?1, checked_at = ?2, reached = "
                    "CASE WHEN position = ?1 THEN ?1 ELSE reached END"));
  GW_CHECK(update.bind(1, head.size()).bind(2, to_unix(accepted)).run());
  GW_TRY(sqlite::Statement post, db.prepare("INSERT INTO post(url, size) VALUES(?, ?)"));
  for (const std::string& url : post_to) {
    GW_CHECK(post.bind_text(1, url).bind(2, head.size()).run());
  }
  return {};
}

void Writer::release_memory() {
  Impl& m = *impl_;
  if (!created()) return;
  m.db.release_memory();
  if (m.merger) m.merger->release_memory();
}

Status Writer::note_checked(WallTime at) {
  if (auto there = impl_->check_place(); !there) return std::move(there).error().in(impl_->path);
  GW_TRY(sqlite::Statement s, impl_->db.prepare("UPDATE log SET checked_at = ?"));
  GW_CHECK(s.bind(1, to_unix(at)).run());
  impl_->state.checked = at;
  return {};
}

Status Writer::halt(const Alarm& alarm, std::span<const RepeatedVersion> conflicts) {
  Impl& m = *impl_;
  return m.change([&](bool fresh) -> Status {
    if (fresh) GW_CHECK(m.insert_log({}));
    GW_TRY(sqlite::Statement s, m.db.prepare("UPDATE log SET alarm_kind = ?, alarm_message = ?, "
                                             "alarm_evidence = ?, alarm_at = ?"));
    s.bind_text(1, alarm.kind).bind_text(2, alarm.message).bind_text(3, alarm.evidence);
    GW_CHECK(s.bind(4, to_unix(alarm.at)).run());
    GW_TRY(sqlite::Statement c,
           m.db.prepare("INSERT OR IGNORE INTO conflict(record, first, module, version) "
                        "VALUES(?, ?, ?, ?)"));
    for (const RepeatedVersion& r : conflicts) {
      c.bind(1, r.record).bind(2, r.first).bind_text(3, r.module).bind_text(4, r.version);
      GW_CHECK(c.run());
    }
    return {};
  });
}

Status Writer::clear_alarm(WallTime at) {
  Impl& m = *impl_;
  if (!created()) return {};
  GW_TRY(sqlite::Transaction tx, sqlite::Transaction::begin(m.db));
  GW_CHECK(
      m.db.exec("UPDATE log SET alarm_kind = NULL, alarm_message = NULL, alarm_evidence = "
                "NULL, alarm_at = NULL"));
  GW_TRY(sqlite::Statement s,
         m.db.prepare("UPDATE conflict SET cleared_at = ? WHERE cleared_at IS NULL"));
  GW_CHECK(s.bind(1, to_unix(at)).run());
  GW_CHECK(tx.commit());
  return m.reload();
}

Result<std::vector<PendingPost>> Writer::pending_posts(std::size_t limit) {
  std::vector<PendingPost> out;
  if (!created()) return out;
  GW_TRY(sqlite::Statement s,
         impl_->db.prepare("SELECT id, url, p.size, note FROM (SELECT *, row_number() OVER "
                           "(PARTITION BY url ORDER BY id) AS n FROM post) AS p JOIN "
                           "head ON head.size = p.size WHERE n <= ? ORDER BY id"));
  s.bind(1, static_cast<std::int64_t>(limit));
  while (true) {
    GW_TRY(const bool row, s.step());
    if (!row) return out;
    out.push_back({s.integer(0), std::string(s.bytes(1)), s.u64(2), std::string(s.bytes(3))});
  }
}

Status Writer::post_done(std::int64_t id) {
  GW_TRY(sqlite::Statement s, impl_->db.prepare("DELETE FROM post WHERE id = ?"));
  GW_CHECK(s.bind(1, id).run());
  if (impl_->db.changes() > 0 && impl_->state.pending_gossip > 0) --impl_->state.pending_gossip;
  return {};
}

Result<std::uint64_t> Writer::forget_posts(std::span<const std::string> keep) {
  Impl& m = *impl_;
  std::uint64_t forgotten = 0;
  if (!created() || m.state.pending_gossip == 0 || keep.empty()) return forgotten;
  std::vector<std::string> others;
  GW_TRY(sqlite::Statement urls, m.db.prepare("SELECT DISTINCT url FROM post"));
  while (true) {
    GW_TRY(const bool row, urls.step());
    if (!row) break;
    std::string url(urls.bytes(0));
    if (std::find(keep.begin(), keep.end(), url) == keep.end()) others.push_back(std::move(url));
  }
  GW_TRY(sqlite::Statement forget, m.db.prepare("DELETE FROM post WHERE url = ?"));
  for (const std::string& url : others) {
    GW_CHECK(forget.bind_text(1, url).run());
    forgotten += static_cast<std::uint64_t>(m.db.changes());
  }
  m.state.pending_gossip -= std::min(m.state.pending_gossip, forgotten);
  return forgotten;
}

Result<std::optional<Head>> Writer::head(std::uint64_t size) {
  if (!created()) return std::optional<Head>();
  return load_head(impl_->db, size);
}

Result<std::optional<Hash>> Writer::root_at(std::uint64_t size) {
  Impl& m = *impl_;
  std::optional<Hash> none;
  if (!created() || size < m.state.first_record || size > m.state.position) return none;
  tlog::Frontier tree = m.start;
  GW_TRY(sqlite::Statement s, m.db.prepare("SELECT n, hashes FROM level1 ORDER BY n"));
  const std::uint64_t full = size / kTile;
  while (tree.size() < full * kTile) {
    GW_TRY(const bool row, s.step());
    if (!row) return corrupt_error("level-1 entries are missing").in(m.path);
    const auto hashes = tlog::parse_hashes(s.bytes(1));
    if (!hashes) return corrupt_error("stored hashes are damaged").in(m.path);
    for (const Hash& h : *hashes) {
      if (tree.size() < full * kTile) tree.append_subtree(tlog::kTileHeight, h);
    }
  }
  if (tree.size() != size) {
    GW_TRY(const auto leaves, m.leaves_of(full, size % kTile));
    if (!leaves) return none;
    for (const Hash& leaf : *leaves) tree.append(leaf);
  }
  return std::optional<Hash>(tree.root());
}

}  // namespace gw::store
