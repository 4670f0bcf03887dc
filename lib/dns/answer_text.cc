#include "dns/answer_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/bytes.h"
#include "base/text.h"
#include "base/time_range.h"
#include "module/goversion.h"
#include "module/semver.h"

namespace gw::dns {

namespace {

// Writes whole entries into a buffer of one character-string.
class AnswerWriter {
 public:
  explicit AnswerWriter(std::span<char, kMaxTxt> out) : out_(out) {}

  void begin_entry() {
    if (size_ != 0) put("; ");
  }
  void put(std::string_view text) {
    if (at_ + text.size() > out_.size()) {
      full_ = true;
      return;
    }
    at_ += text.copy(out_.data() + at_, text.size());
  }
  void put_time(WallTime time) {
    std::array<char, 16> hex;
    auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(to_unix(time), 0));
    auto end = std::to_chars(hex.data(), hex.data() + hex.size(), seconds, 16).ptr;
    put({hex.data(), static_cast<std::size_t>(end - hex.data())});
  }
  // False when the entry did not fit: then it is not there.
  bool end_entry() {
    if (full_) return false;
    size_ = at_;
    return true;
  }
  std::size_t size() const { return size_; }

 private:
  std::span<char, kMaxTxt> out_;
  std::size_t size_ = 0;  // of the whole entries
  std::size_t at_ = 0;
  bool full_ = false;
};

std::string_view kind_text(ToolchainKind kind) {
  switch (kind) {
    case ToolchainKind::kCurrent:
      return "cur";
    case ToolchainKind::kPrevious:
      return "prev";
    default:
      return "next";
  }
}

std::optional<ToolchainKind> parse_kind(std::string_view text) {
  for (auto kind : {ToolchainKind::kCurrent, ToolchainKind::kPrevious, ToolchainKind::kNext}) {
    if (text == kind_text(kind)) return kind;
  }
  return std::nullopt;
}

// The part of `rest` up to `separator`, which is taken off with it; sets `last` when there was
// none.
std::string_view take(std::string_view& rest, char separator, bool& last) {
  const std::size_t at = rest.find(separator);
  last = at == std::string_view::npos;
  const std::string_view part = rest.substr(0, at);
  rest = last ? std::string_view{} : rest.substr(at + 1);
  return part;
}

struct Field {
  std::string_view key, value;
};

Result<Field> parse_field(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return corrupt_error(fmt::format("field {} without =", quoted(text)));
  }
  if (equals == 0) return corrupt_error(fmt::format("field {} without a key", quoted(text)));
  if (equals + 1 == text.size()) {
    return corrupt_error(fmt::format("field {} is empty", quoted(text)));
  }
  return Field{text.substr(0, equals), text.substr(equals + 1)};
}

// One entry's fields, each key once.
Result<std::vector<Field>> parse_entry(std::string_view entry) {
  std::vector<Field> fields;
  std::string_view rest = trim(entry, " ");
  for (bool last = false; !last;) {
    GW_TRY(const Field field, parse_field(take(rest, ' ', last)));
    for (const Field& other : fields) {
      if (other.key == field.key) {
        return corrupt_error(fmt::format("key {} twice", quoted(field.key)));
      }
    }
    fields.push_back(field);
  }
  return fields;
}

Result<WallTime> parse_time(std::string_view text) {
  std::uint64_t seconds = 0;
  auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds, 16);
  if (ec == std::errc::result_out_of_range ||
      (ec == std::errc() && seconds > static_cast<std::uint64_t>(to_unix(kLastTime)))) {
    return corrupt_error(fmt::format("time {} does not fit", quoted(text)));
  }
  if (ec != std::errc() || end != text.data() + text.size()) {
    return corrupt_error(fmt::format("time {} is not hex", quoted(text)));
  }
  return from_unix(static_cast<std::int64_t>(seconds));
}

struct Entry {
  std::string_view version, kind;
  std::optional<WallTime> found;
};

// The entries of an answer; `check` says whether a version has the right form.
Result<std::vector<Entry>> parse_entries(std::string_view text, bool (*check)(std::string_view)) {
  std::vector<Entry> entries;
  for (bool last = false; !last;) {
    GW_TRY(auto fields, parse_entry(take(text, ';', last)));
    Entry entry;
    for (const Field& field : fields) {
      if (field.key == "v") {
        if (!check(field.value)) {
          return corrupt_error(fmt::format("version {} is malformed", quoted(field.value)));
        }
        entry.version = field.value;
      } else if (field.key == "t") {
        GW_TRY(entry.found, parse_time(field.value));
      } else if (field.key == "k") {
        entry.kind = field.value;
      }
    }
    if (!entry.version.empty() && entry.found) entries.push_back(entry);
  }
  return entries;
}

// The announced version of an UPDATES0 record; nothing when it is another kind of record.
Result<std::optional<std::string>> parse_update(std::string_view text) {
  std::optional<std::string> latest;
  bool last = false;
  if (trim(take(text, ';', last), " ") != "v=UPDATES0") return latest;
  while (!last) {
    const std::string_view part = trim(take(text, ';', last), " ");
    if (part.empty() && last) break;
    GW_TRY(const Field field, parse_field(part));
    if (field.key == "v") return corrupt_error("key \"v\" twice");
    if (field.key != "l") continue;
    if (latest) return corrupt_error("key \"l\" twice");
    if (!mod::parse_semver(field.value)) {
      return corrupt_error(fmt::format("version {} is malformed", quoted(field.value)));
    }
    latest = std::string(field.value);
  }
  if (!latest) return corrupt_error("no latest version");
  return latest;
}

}  // namespace

std::size_t format_module_answer(std::span<const ModuleVersionView> versions,
                                 std::span<char, kMaxTxt> out) {
  AnswerWriter writer(out);
  for (const ModuleVersionView& version : versions) {
    writer.begin_entry();
    writer.put("v=");
    writer.put(version.version);
    writer.put(" t=");
    writer.put_time(version.found);
    if (!writer.end_entry()) break;
  }
  return writer.size();
}

std::size_t format_toolchain_answer(std::span<const ToolchainView> toolchains,
                                    std::span<char, kMaxTxt> out) {
  AnswerWriter writer(out);
  for (const ToolchainView& toolchain : toolchains) {
    writer.begin_entry();
    writer.put("v=");
    writer.put(toolchain.version);
    writer.put(" k=");
    writer.put(kind_text(toolchain.kind));
    writer.put(" t=");
    writer.put_time(toolchain.found);
    if (!writer.end_entry()) break;
  }
  return writer.size();
}

Result<std::vector<ModuleVersion>> parse_module_answer(std::string_view text) {
  auto entries = parse_entries(
      text, [](std::string_view version) { return mod::parse_semver(version).has_value(); });
  if (!entries) return std::move(entries).error().in("module answer");
  std::vector<ModuleVersion> versions;
  for (const Entry& entry : *entries) {
    versions.push_back({std::string(entry.version), *entry.found});
  }
  return versions;
}

const ModuleVersion* latest_version(std::span<const ModuleVersion> versions) {
  const ModuleVersion* best = nullptr;
  std::optional<mod::Semver> best_semver;
  for (const ModuleVersion& version : versions) {
    auto semver = mod::parse_semver(version.version);
    if (!semver || !semver->is_release()) continue;
    if (!best_semver || mod::compare_semver(*semver, *best_semver) > 0) {
      best = &version;
      best_semver = semver;
    }
  }
  return best;
}

Result<std::vector<ToolchainVersion>> parse_toolchain_answer(std::string_view text) {
  auto entries = parse_entries(
      text, [](std::string_view version) { return mod::parse_go_version(version).has_value(); });
  if (!entries) return std::move(entries).error().in("toolchain answer");
  std::vector<ToolchainVersion> toolchains;
  for (const Entry& entry : *entries) {
    auto kind = parse_kind(entry.kind);
    if (!kind) continue;
    const bool taken =
        std::any_of(toolchains.begin(), toolchains.end(),
                    [&](const ToolchainVersion& other) { return other.kind == *kind; });
    if (!taken) toolchains.push_back({std::string(entry.version), *kind, *entry.found});
  }
  return toolchains;
}

Result<std::optional<std::string>> parse_updates(std::span<const std::string> records) {
  std::optional<std::string> latest;
  for (const std::string& record : records) {
    auto update = parse_update(record);
    if (!update) return std::move(update).error().in("updates record");
    if (!*update) continue;
    if (latest) return corrupt_error("updates record: more than one");
    latest = **update;
  }
  return latest;
}

}  // namespace gw::dns
