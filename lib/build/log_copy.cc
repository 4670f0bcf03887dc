#include "build/log_copy.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>
#include <vector>

#include "build/key.h"
#include "build/logged_binary.h"
#include "os/file.h"
#include "tlog/build_log.h"
#include "tlog/lookup.h"

namespace gw::build {

namespace {

namespace fs = std::filesystem;
constexpr std::size_t kMaxCopied = std::size_t{2} << 30U;

// Nobody looks at it again for as long as it is served.
bool is_binary_of(const tlog::BuildRecord& record, std::string_view bytes, bool packed) {
  const LoggedBinary logged(record);
  return packed ? bool(unpack_logged(bytes, logged)) : bool(check_logged(bytes, logged));
}

// Whether a directory on the way to the command is named like a target. What lies below such a
// key's own path may be a file of another key: its lookup, its record. Pages tell them apart, and
// directories cannot; whoever publishes modules must not be able to end a copy by that.
bool is_like_page(std::string_view dir) {
  while (!dir.empty()) {
    dir.remove_prefix(1);
    const std::string_view element = dir.substr(0, dir.find('/'));
    if (tlog::parse_build_key(fmt::format("a.b/c@v1.0.0/{}/", element))) return true;
    dir.remove_prefix(element.size());
  }
  return false;
}

class Copy : public AuditSink {
 public:
  Copy(const tlog::Checkpoint& head, const CopyOptions& options)
      : head_(head), options_(options), directory_(options.directory) {}

  // Kept until the head is confirmed.
  Status take_record(std::uint64_t number, const std::string& text) override {
    records_.emplace_back(number, text);
    return {};
  }
  Status take_file(const std::string& path, const std::string& bytes) override {
    files_.emplace_back(path, bytes);
    return {};
  }

  Status write() {
    for (const auto& [path, bytes] : files_) GW_CHECK(put("tlog/" + path, bytes));
    for (const auto& [number, record] : records_) GW_CHECK(write_record(number, record));
    // All that the head covers is there.
    if (!options_.checkpoint.empty()) GW_CHECK(put("tlog/checkpoint", options_.checkpoint));
    return put("tlog/latest", head_.note());
  }

  CopiedLog result;

 private:
  Status write_record(std::uint64_t number, const std::string& record) {
    const auto parsed = tlog::parse_build_record(record);
    if (!parsed) return {};
    if (is_like_page(parsed->target.dir)) {
      ++result.left_out;
      return {};
    }
    const std::string key = tlog::format_build_key(parsed->target);
    const std::string lookup = fmt::format("tlog/lookup/{}index.html", key);
    // Under the head that it was first copied with: any later one has it, too.
    if (!os::file_exists(fmt::format("{}/{}", directory_, lookup))) {
      GW_CHECK(put(lookup, tlog::format_lookup(number, record, head_.note())));
    }
    const Key built = key_of_record(*parsed);
    GW_CHECK(put(result_path(built, parsed->sum) + "record", record));
    if (!options_.binaries) return {};
    for (const bool packed : {false, true}) {
      const std::string path = binary_path(built, parsed->sum, packed);
      const Here here = look(path, *parsed, packed);
      if (here == Here::kGood) continue;
      const auto bytes = options_.binaries(record, packed);
      if (!bytes && bytes.error().kind != ErrorKind::kNotFound) return bytes.error();
      if (bytes && is_binary_of(*parsed, *bytes, packed)) {
        GW_CHECK(put(path, *bytes));
      } else if (bytes || here == Here::kDamaged) {
        if (here == Here::kDamaged) GW_CHECK(remove(path));
        result.damaged.push_back(path);
      } else {
        ++result.binaries_missing;
      }
    }
    return {};
  }

  enum class Here { kAbsent, kDamaged, kGood };

  // The binary that the directory has, as far as it is to be looked at.
  Here look(const std::string& path, const tlog::BuildRecord& record, bool packed) const {
    const std::string file = fmt::format("{}/{}", directory_, path);
    if (!os::file_exists(file)) return Here::kAbsent;
    std::error_code failed;
    const std::uint64_t size = fs::file_size(file, failed);
    if (failed || (packed ? size == 0 : size != record.size)) return Here::kDamaged;
    if (!options_.check_binaries) return Here::kGood;
    const auto bytes = os::read_file(file, kMaxCopied);
    return bytes && is_binary_of(record, *bytes, packed) ? Here::kGood : Here::kDamaged;
  }

  // What nobody has a good copy of must not be served on.
  Status remove(const std::string& path) const {
    const std::string file = fmt::format("{}/{}", directory_, path);
    std::error_code failed;
    fs::remove(file, failed);
    if (failed) return io_error(fmt::format("removing the damaged {}: {}", file, failed.message()));
    return {};
  }

  Status put(const std::string& path, std::string_view bytes) {
    const std::string file = fmt::format("{}/{}", directory_, path);
    const auto old = os::read_file(file, kMaxCopied);
    if (old && *old == bytes) return {};
    std::error_code failed;
    fs::create_directories(fs::path(file).parent_path(), failed);
    if (failed)
      return io_error(fmt::format("making the directory of {}: {}", file, failed.message()));
    ++result.written;
    return os::write_file_atomic(file, bytes, 0644);
  }

  const tlog::Checkpoint& head_;
  const CopyOptions& options_;
  const std::string& directory_;
  std::vector<std::pair<std::string, std::string>> files_;
  std::vector<std::pair<std::uint64_t, std::string>> records_;
};

}  // namespace

Result<CopiedLog> copy_log(tlog::TileSource& source, const tlog::Checkpoint& head,
                           const tlog::VerifierKey& key, const CopyOptions& options) {
  std::optional<tlog::Checkpoint> before;
  const std::string latest = options.directory + "/tlog/latest";
  const auto note = os::read_file(latest, tlog::kMaxNoteBytes);
  if (note) {
    auto opened = tlog::Checkpoint::open(*note, key, tlog::kBuildLog);
    if (!opened) return usage_error(latest + ": the directory has another log");
    before = *std::move(opened);
  } else if (note.error().kind != ErrorKind::kNotFound) {
    return note.error();
  }
  Copy copy(head, options);
  GW_TRY(copy.result.log, audit_log(source, head, before, copy));
  GW_CHECK(copy.write());
  return copy.result;
}

}  // namespace gw::build
