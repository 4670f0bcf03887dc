// ysco's state in ours.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "module/goversion.h"
#include "module/semver.h"
#include "supervise/import.h"
#include "supervise/json_fields.h"

namespace gw::supervise {

namespace {

constexpr std::uint64_t kMostFailures = 99;
constexpr std::size_t kMaxFileName = 255;

// What is there and of another kind than ysco writes was not written by it.
Status check_kinds(const Json& state) {
  using Kind = Json::value_t;
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kFields{
      {{"PauseReason", Kind::string},
       {"Schedule", Kind::array},
       {"PreviousBinarySvc", Kind::string},
       {"PreviousBinarySelf", Kind::string},
       {"Backoff", Kind::number_unsigned},
       {"BackoffReason", Kind::string}}};
  for (const auto& field : kFields) {
    const Json* value = find_member(state, field.first);
    if (value == nullptr || value->is_null() || value->type() == field.second) continue;
    const bool text = field.second == Kind::string;
    return usage_error(fmt::format("not a state of ysco: {} is no {}", field.first,
                                   text                          ? "text"
                                   : field.second == Kind::array ? "list"
                                                                 : "number from 0 on"));
  }
  return {};
}

void note_unknown(const Json& state, ImportedState& out) {
  constexpr std::array<std::string_view, 6> kKnown{"PauseReason",       "Schedule",
                                                   "PreviousBinarySvc", "PreviousBinarySelf",
                                                   "Backoff",           "BackoffReason"};
  for (const auto& [name, value] : state.items()) {
    if (std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end()) continue;
    out.notes.push_back(fmt::format("{} of the state has no counterpart", quoted(name)));
  }
}

// A planned update: `seen` so that it is old enough when ysco would have installed it.
void take_planned(const Json& entry, std::chrono::milliseconds delay, WallTime now,
                  ImportedState& out) {
  const std::string version = text_member(entry, "Version");
  const std::string which = text_member(entry, "Which");
  if (which == "self") {
    out.notes.push_back(
        fmt::format("a planned update of ysco itself to {} is dropped", quoted(version)));
    return;
  }
  if (which != "svc" || !mod::parse_semver(version)) {
    out.notes.push_back(fmt::format("a planned update of {} to {} is dropped: no {}", quoted(which),
                                    quoted(version), which == "svc" ? "version" : "service"));
    return;
  }
  const auto planned = time_member(entry, "Time").value_or(now);
  const WallTime seen =
      std::min(now, planned - std::chrono::duration_cast<std::chrono::seconds>(delay));
  out.state.versions[version] = seen;
  if (const std::string go = text_member(entry, "GoVersion"); mod::parse_go_version(go)) {
    const auto [known, is_new] = out.state.toolchain_times.try_emplace(go, seen);
    known->second = std::min(known->second, seen);
    // Until the first look it is the newest that is known; that tells of a newer one, or of this
    // one.
    std::string& newest = out.state.toolchains.cur;
    if (newest.empty() || update::compare_go(go, newest).value_or(-1) > 0) newest = go;
  }
  out.state.learned = now;
}

void take_previous(const std::string& path, ImportedState& out) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const bool usable = !name.empty() && name != "." && name != ".." && name.size() <= kMaxFileName &&
                      std::none_of(name.begin(), name.end(), is_control);
  if (usable) {
    out.state.previous = name;
  } else if (!path.empty()) {
    out.notes.push_back(fmt::format("PreviousBinarySvc ({}) is dropped: no file", quoted(path)));
  }
}

}  // namespace

Result<ImportedState> import_state(std::string_view text, std::chrono::milliseconds delay,
                                   WallTime now) {
  const auto json = parse_json(text);
  if (!json || !json->is_object()) return usage_error("not a state of ysco");
  GW_CHECK(check_kinds(*json));
  ImportedState out;
  note_unknown(*json, out);
  if (std::string reason = text_member(*json, "PauseReason"); !reason.empty()) {
    out.state.paused = Paused{std::move(reason), now};
  }
  out.state.failures =
      static_cast<unsigned>(std::min(number_member(*json, "Backoff").value_or(0), kMostFailures));
  if (out.state.failures > 0) out.state.last_failure = now;
  out.state.last_error = text_member(*json, "BackoffReason");
  for (const Json& entry : list_member(*json, "Schedule")) take_planned(entry, delay, now, out);
  take_previous(text_member(*json, "PreviousBinarySvc"), out);
  if (const std::string self = text_member(*json, "PreviousBinarySelf"); !self.empty()) {
    out.notes.push_back(
        fmt::format("PreviousBinarySelf ({}) has no counterpart: remove it yourself", self));
  }
  return out;
}

}  // namespace gw::supervise
