#include "supervise/state.h"

#include <algorithm>

#include "base/json.h"
#include "module/semver.h"
#include "supervise/json_fields.h"
#include "supervise/messages.h"

namespace gw::supervise {
Json target_json(const update::Target& target) {
  return {{"version", target.version}, {"go_version", target.go_version}};
}

Json event_json(const Event& event) {
  Json out = {{"time", format_rfc3339(event.time)}, {"what", event.what}};
  out.update(target_json(event.target));
  out["by"] = event.by;
  if (!event.sum.empty()) out["sum"] = event.sum;
  if (!event.detail.empty()) out["detail"] = event.detail;
  return out;
}

namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::int64_t kWritten = 1767225600;  // 2026: no clock that is right says less

Json times_json(const std::map<std::string, WallTime>& times) {
  Json out = Json::object();
  for (const auto& [name, time] : times) out[name] = format_rfc3339(time);
  return out;
}

std::map<std::string, WallTime> read_times(const Json& object) {
  std::map<std::string, WallTime> out;
  if (!object.is_object()) return out;
  for (const auto& [name, value] : object.items()) {
    if (const auto time = time_member(object, name)) out.emplace(name, *time);
  }
  return out;
}

std::map<std::string, std::string> read_texts(const Json& object) {
  std::map<std::string, std::string> out;
  if (!object.is_object()) return out;
  for (const auto& [name, value] : object.items()) {
    if (value.is_string()) out.emplace(name, value.get<std::string>());
  }
  return out;
}

update::Target read_target(const Json& object) {
  return {text_member(object, "version"), text_member(object, "go_version")};
}

Json trial_json(const Trial& trial) {
  Json out = target_json(trial.target);
  out["from"] = trial.from;
  out["to"] = trial.to;
  out["sum"] = trial.sum;
  out["began"] = format_rfc3339(trial.began);
  out["tries"] = trial.tries;
  out["passed"] = trial.passed;
  out["exits"] = trial.exits;
  out["scheduled"] = trial.scheduled;
  out["bad"] = trial.bad;
  if (trial.built_here) out["built_here"] = true;
  return out;
}

// Nothing without the files' names: then nobody knows what to go back to.
std::optional<Trial> read_trial(const Json& object) {
  Trial trial{text_member(object, "from"), text_member(object, "to"), read_target(object),
              text_member(object, "sum")};
  const auto began = time_member(object, "began");
  if (trial.from.empty() || trial.to.empty() || !began) return std::nullopt;
  trial.began = *began;
  trial.tries = static_cast<unsigned>(number_member(object, "tries").value_or(0));
  trial.passed = flag_member(object, "passed");
  trial.exits = static_cast<unsigned>(number_member(object, "exits").value_or(0));
  trial.scheduled = flag_member(object, "scheduled");
  trial.bad = flag_member(object, "bad");
  trial.built_here = flag_member(object, "built_here");
  return trial;
}

Event read_event(const Json& object) {
  return {time_member(object, "time").value_or(WallTime()),
          text_member(object, "what"),
          read_target(object),
          text_member(object, "by"),
          text_member(object, "sum"),
          text_member(object, "detail")};
}

Json mark_json(const ServiceMark& mark) { return {{"pid", mark.pid}, {"started", mark.started}}; }

std::optional<ServiceMark> read_mark(const Json& object) {
  const auto pid = number_member(object, "pid");
  const auto started = number_member(object, "started");
  if (!pid || !started) return std::nullopt;
  return ServiceMark{*pid, *started};
}

void read_updates(const Json& json, State& state) {
  if (const Json* paused = find_member(json, "paused"); paused && paused->is_object()) {
    state.paused =
        Paused{text_member(*paused, "reason"), time_member(*paused, "since").value_or(WallTime())};
  }
  for (const Json& skip : list_member(json, "skips")) {
    const update::Target target = read_target(skip);
    if (!target.version.empty()) state.skips.push_back({target.version, target.go_version});
  }
  if (const Json* trial = find_member(json, "trial")) state.trial = read_trial(*trial);
  for (const Json& event : list_member(json, "history")) {
    add_event(state, read_event(event));
  }
  for (const Json& event : list_member(json, "untold")) {
    if (state.untold.size() >= kMaxUntold) break;
    const auto tries = static_cast<unsigned>(number_member(event, "tries").value_or(0));
    state.untold.push_back({read_event(event), tries});
  }
  // Of a gwtool before there were several: the last one was not told.
  if (flag_member(json, "untold") && !state.history.empty()) {
    state.untold.push_back({state.history.back(), 0});
  }
  if (const Json* service = find_member(json, "service")) state.service = read_mark(*service);
  for (const Json& other : list_member(json, "others")) {
    if (const auto mark = read_mark(other)) state.others.push_back(*mark);
  }
}

}  // namespace

bool forget_future(State& s, WallTime now) {
  if (to_unix(now) < kWritten) return false;
  bool changed = false;
  const auto clamp = [&](WallTime& time) {
    changed = changed || time > now;
    time = std::min(time, now);
  };
  for (auto* time : {&s.last_update, &s.last_failure, &s.learned, &s.checked}) {
    if (*time) clamp(**time);
  }
  for (auto* times : {&s.versions, &s.toolchain_times}) {
    for (auto& [name, time] : *times) clamp(time);
  }
  if (s.trial) clamp(s.trial->began);
  if (s.paused) clamp(s.paused->since);
  return changed;
}

void drop_unlikely_versions(State& state, const update::Policies& policies) {
  if (state.versions.size() <= kMaxVersions) return;
  const auto running = mod::parse_semver(state.running.version);
  const auto is_near = [&](const mod::Semver& v) {
    if (!running || v.major != running->major) return false;
    return policies.module != update::ModulePolicy::kPatch || v.minor == running->minor;
  };
  struct Known {
    mod::Semver version;  // views into the state's keys
    std::string text;
  };
  std::vector<Known> order(state.versions.size());
  std::transform(state.versions.begin(), state.versions.end(), order.begin(), [](const auto& one) {
    return Known{mod::parse_semver(one.first).value_or(mod::Semver()), one.first};
  });
  std::sort(order.begin(), order.end(), [&](const Known& a, const Known& b) {
    if (is_near(a.version) != is_near(b.version)) return is_near(a.version);
    const int by_version = mod::compare_semver(a.version, b.version);
    return policies.every_version ? by_version < 0 : by_version > 0;
  });
  for (auto one = order.begin() + kMaxVersions; one != order.end(); ++one) {
    state.versions.erase(one->text);
  }
}

std::string why_none(const State& state, const update::Plan& plan) {
  if (state.checked || !state.versions.empty()) return plan.reason;
  return state.last_error.empty() ? "nobody has looked for versions yet"
                                  : "no look for versions has succeeded yet";
}

void add_event(State& state, Event event) {
  if (state.history.size() >= kMaxHistory) state.history.erase(state.history.begin());
  state.history.push_back(std::move(event));
}

std::vector<std::string> mended_by(const State& state, const update::Target& target) {
  std::vector<std::string> out;
  if (state.scanned != state.running) return out;
  for (const std::string& version : {target.version, target.go_version}) {
    const auto fixes = state.fixes.find(version);
    if (fixes != state.fixes.end()) {
      out.insert(out.end(), fixes->second.begin(), fixes->second.end());
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

const std::vector<mod::Finding>& vulnerabilities_of(const State& state) {
  static const std::vector<mod::Finding> kNone;
  return state.scanned == state.running ? state.vulnerabilities : kNone;
}

unsigned exits_since_update(const State& state) {
  unsigned exits = 0;
  for (auto at = state.history.rbegin(); at != state.history.rend(); ++at) {
    if (at->what == "updated" || at->what == "rolled-back") break;
    if (at->what == "exited") ++exits;
  }
  return exits;
}

update::Knowledge knowledge_of(const State& state) {
  update::Knowledge out;
  out.situation.running = state.running;
  out.situation.base_go = state.base_go;
  out.situation.skips = state.skips;
  out.situation.go_lines = state.go_lines;
  out.versions = state.versions;
  out.toolchains = state.toolchains;
  out.toolchain_times = state.toolchain_times;
  out.learned = state.learned.value_or(WallTime());
  if (state.scanned == state.running) {
    for (const auto& [version, ids] : state.fixes) out.urgent.insert(version);
  }
  return out;
}

std::string format_state(const State& s) {
  Json out = {{"version", kVersion}, {"running", target_json(s.running)}};
  if (s.paused) {
    out["paused"] = {{"reason", s.paused->reason}, {"since", format_rfc3339(s.paused->since)}};
  }
  out["skips"] = Json::array();
  for (const update::Skip& skip : s.skips) {
    out["skips"].push_back(target_json({skip.version, skip.go_version}));
  }
  if (s.trial) out["trial"] = trial_json(*s.trial);
  out["previous"] = s.previous;
  out["ours"] = s.ours;
  out["sums"] = s.sums;
  out["base_go"] = s.base_go;
  if (s.last_update) out["last_update"] = format_rfc3339(*s.last_update);
  out["failures"] = s.failures;
  if (s.last_failure) out["last_failure"] = format_rfc3339(*s.last_failure);
  if (!s.last_error.empty()) out["last_error"] = s.last_error;
  out["versions"] = times_json(s.versions);
  out["go_lines"] = s.go_lines;
  if (!s.deprecated.empty()) out["deprecated"] = s.deprecated;
  if (!s.scanned.version.empty()) {
    out["scanned"] = target_json(s.scanned);
    out["vulnerabilities"] = findings_json(s.vulnerabilities);
    out["fixes"] = s.fixes;
  }
  if (!s.own_version.empty()) out["own_version"] = s.own_version;
  out["toolchains"] = {{"cur", s.toolchains.cur}, {"prev", s.toolchains.prev}};
  out["toolchain_times"] = times_json(s.toolchain_times);
  if (s.learned) out["learned"] = format_rfc3339(*s.learned);
  if (s.checked) out["checked"] = format_rfc3339(*s.checked);
  if (!s.tried_program.empty()) out["tried_program"] = s.tried_program;
  if (s.service) out["service"] = mark_json(*s.service);
  if (!s.others.empty()) {
    out["others"] = Json::array();
    for (const ServiceMark& mark : s.others) out["others"].push_back(mark_json(mark));
  }
  out["history"] = Json::array();
  for (const Event& event : s.history) out["history"].push_back(event_json(event));
  if (!s.untold.empty()) out["untold"] = Json::array();
  for (const Untold& one : s.untold) {
    out["untold"].push_back(event_json(one.event));
    out["untold"].back()["tries"] = one.tries;
  }
  return format_json_lines(out);
}

Result<State> parse_state(std::string_view text) {
  const auto json = parse_json(text);
  const auto version = json ? number_member(*json, "version") : std::nullopt;
  if (!version) return corrupt_error("not a state file of gwtool supervise");
  if (*version != kVersion) {
    return usage_error("the state file is of a later gwtool", "use that, or remove the file");
  }
  State state;
  if (const Json* running = find_member(*json, "running")) state.running = read_target(*running);
  read_updates(*json, state);
  state.previous = text_member(*json, "previous");
  state.ours = texts_member(*json, "ours");
  state.sums = read_texts(list_member(*json, "sums"));
  state.base_go = text_member(*json, "base_go");
  state.last_update = time_member(*json, "last_update");
  state.failures = static_cast<unsigned>(number_member(*json, "failures").value_or(0));
  state.last_failure = time_member(*json, "last_failure");
  state.last_error = text_member(*json, "last_error");
  state.versions = read_times(list_member(*json, "versions"));
  state.go_lines = read_texts(list_member(*json, "go_lines"));
  state.deprecated = text_member(*json, "deprecated");
  if (const Json* scanned = find_member(*json, "scanned")) state.scanned = read_target(*scanned);
  state.vulnerabilities = read_findings(list_member(*json, "vulnerabilities"));
  state.fixes = read_fixes(list_member(*json, "fixes"));
  state.own_version = text_member(*json, "own_version");
  if (const Json* toolchains = find_member(*json, "toolchains")) {
    state.toolchains = {text_member(*toolchains, "cur"), text_member(*toolchains, "prev")};
  }
  state.toolchain_times = read_times(list_member(*json, "toolchain_times"));
  state.tried_program = text_member(*json, "tried_program");
  state.learned = time_member(*json, "learned");
  state.checked = time_member(*json, "checked");
  return state;
}

}  // namespace gw::supervise
