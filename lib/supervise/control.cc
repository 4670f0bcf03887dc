// What people and their commands may ask of a running supervisor: one line, one JSON document back.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/text.h"
#include "build/key.h"
#include "module/semver.h"
#include "os/control_socket.h"
#include "supervise/json_fields.h"
#include "supervise/supervisor.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxSkips = 200;
constexpr std::size_t kMaxControlAnswer = std::size_t{1} << 20;

// Whoever gets hold of the page must not bring back what was mended.
constexpr const char* kNotBack = "the page does not go back: use gwtool supervise on the machine";

bool is_older(const update::Target& a, const update::Target& b) {
  const auto x = mod::parse_semver(a.version);
  const auto y = mod::parse_semver(b.version);
  if (!x || !y || mod::compare_semver(*x, *y) < 0) return true;
  return update::compare_go(a.go_version, b.go_version).value_or(-1) < 0;
}

Json ok() { return {{"ok", true}}; }

}  // namespace

Result<Json> ask_supervisor(const std::string& directory, const std::string& command) {
  const std::size_t most = os::ControlOptions().max_command - 1;
  if (command.size() > most) {
    return usage_error(
        fmt::format("{} bytes are more than the {} that a command may have", command.size(), most));
  }
  GW_TRY(const std::string text,
         os::ask_control(directory + "/control", command, kAnswerTime, kMaxControlAnswer,
                         "start the supervisor, or name its directory with --dir"));
  auto json = parse_json(text);
  if (!json) return corrupt_error("the supervisor's answer is no JSON");
  if (const Json* error = find_member(*json, "error")) return parse_error(format_json(*error));
  return *std::move(json);
}

std::string Supervisor::answer(const os::Peer& peer, const std::string& command) {
  auto out = answer_words(peer, command);
  return format_json(out ? *out : Json{{"error", error_json(out.error())}});
}

// The page asks in two ways: for itself, which gets it what everybody may see, and for somebody
// with the password (`as-admin BASE64 COMMAND`).
Result<Json> Supervisor::answer_words(const os::Peer& peer, std::string_view command) {
  const bool trusted = !page_user_ || peer.uid != page_user_->identity.uid;
  bool admin = trusted;
  constexpr std::string_view kAsAdmin = "as-admin ";
  if (command.starts_with(kAsAdmin)) {
    command.remove_prefix(kAsAdmin.size());
    const std::string_view password = command.substr(0, command.find(' '));
    GW_CHECK(check_password(password));
    command.remove_prefix(std::min(command.size(), password.size() + 1));
    admin = true;
  }
  constexpr std::string_view kFile = "update-file ";
  if (trusted && command.starts_with(kFile)) {
    return obey_file(std::string(command.substr(kFile.size())));
  }
  std::vector<std::string> words;
  for (const std::string_view word : split(command, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  if (words.empty()) return usage_error("no command");
  if (words[0] == "login" && words.size() == 2) {
    GW_CHECK(check_password(words[1]));
    return ok();
  }
  const bool looks = words[0] == "status" || words[0] == "history" || words[0] == "metrics" ||
                     words[0] == "notify";
  if (!admin && !looks) return untrusted_error("this needs the password");
  GW_TRY(Json out, obey(words, trusted));
  if (words[0] == "status") out["may_go_back"] = trusted;
  return out;
}

Result<Json> Supervisor::obey(const std::vector<std::string>& words, bool trusted) {
  const std::string& verb = words[0];
  const std::size_t most = verb == "pause"                      ? words.size()
                           : verb == "update" || verb == "skip" ? 3
                                                                : 1;
  if (words.size() > most) return usage_error("too many words: " + gw::quoted(words[most]));
  if (verb == "status") return status_json();
  if (verb == "history") {
    Json out = Json::array();
    for (const Event& event : state_.history) out.push_back(event_json(event));
    return out;
  }
  if (verb == "settings") {
    Json out = Json::array();
    for (const Setting& s : options_.settings) {
      out.push_back({{"name", s.name}, {"value", s.value}, {"given", s.given}});
    }
    return out;
  }
  if (verb == "check") {
    if (!identity_.why_manual.empty()) return usage_error(identity_.why_manual);
    start_check();
    return ok();
  }
  if (verb == "notify") {
    again_ = 0;
    notified();
    return ok();
  }
  if (verb == "reload") {
    GW_CHECK(start_replacement());
    return ok();
  }
  if (verb == "metrics") return Json{{"text", metrics_text()}};
  if (verb == "pause") {
    std::string reason;
    for (std::size_t i = 1; i < words.size(); ++i) reason += (i > 1 ? " " : "") + words[i];
    State before = state_;
    state_.paused = Paused{reason.empty() ? "by an operator" : reason, clock_.now()};
    GW_CHECK(save_or_restore(std::move(before)));
    using update::State;
    const bool early = now_ == State::kFetching || now_ == State::kBefore;
    if (wanted_ && wanted_->by == "schedule" && early) cancel("updates were paused");
    replan();
    return ok();
  }
  if (verb == "resume") {
    State before = state_;
    state_.paused.reset();
    state_.failures = 0;
    GW_CHECK(save_or_restore(std::move(before)));
    replan();
    return ok();
  }
  if (verb == "update") return obey_update(words, trusted);
  if (verb == "rollback" && !trusted) return usage_error(kNotBack);
  if (verb == "rollback") return obey_rollback();
  if (verb == "skip") return obey_skip(words);
  return usage_error("unknown command " + gw::quoted(verb));
}

// update [VERSION|latest|current [GOVERSION|latest|current]]; without a version what the policies
// want, now.
Result<Json> Supervisor::obey_update(const std::vector<std::string>& words, bool trusted) {
  Wanted wanted{identity_.key, "control"};
  if (wanted.key.module.empty()) return usage_error(identity_.why_manual);
  if (words.size() == 1) {
    const update::Plan planned = plan();
    if (!planned.target) {
      return not_found_error(
          "no update: " + why_none(state_, planned),
          state_.checked ? "" : "gwtool supervise check looks, or name a version");
    }
    wanted.key.version = planned.target->version;
    wanted.key.go_version = planned.target->go_version;
  } else if (words[1] == "latest") {
    for (const auto& [version, found] : state_.versions) {
      const auto a = mod::parse_semver(version);
      const auto b = mod::parse_semver(wanted.key.version);
      if (a && a->is_release() && (!b || mod::compare_semver(*a, *b) > 0)) {
        wanted.key.version = version;
      }
    }
  } else if (words[1] != "current") {
    wanted.key.version = words[1];
  }
  if (words.size() > 2 && words[2] == "latest") {
    if (state_.toolchains.cur.empty()) return not_found_error("no toolchain is known yet");
    wanted.key.go_version = state_.toolchains.cur;
  } else if (words.size() > 2 && words[2] != "current") {
    wanted.key.go_version = words[2];
  }
  if (!trusted && is_older(wanted.target(), {identity_.key.version, identity_.key.go_version})) {
    return usage_error(kNotBack);
  }
  if (wanted.key == identity_.key) {
    return usage_error(
        fmt::format("{} {} runs already", wanted.key.version, wanted.key.go_version));
  }
  Json out = ok();
  out["target"] = target_json(wanted.target());
  GW_CHECK(want(std::move(wanted)));
  return out;
}

// A file on this machine: which build it is says itself, that it is that one the log.
Result<Json> Supervisor::obey_file(const std::string& path) {
  const os::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return not_found_error(errno_error(path, errno).message);
  auto read = read_identity(file.get());
  if (!read) return std::move(read).error().in(path);
  const BinaryIdentity identity = *std::move(read);
  if (!identity.why_manual.empty())
    return usage_error(fmt::format("{}: {}", path, identity.why_manual));
  if (identity.package != identity_.package) {
    return usage_error(fmt::format("{}: is {}, not {}", path, identity.package, identity_.package));
  }
  if (identity.key == identity_.key) return usage_error(path + ": runs already");
  Wanted wanted{identity.key, "control"};
  wanted.source = path;
  Json out = ok();
  out["target"] = target_json(wanted.target());
  GW_CHECK(want(std::move(wanted)));
  return out;
}

Result<Json> Supervisor::obey_rollback() {
  if (state_.previous.empty() || !installation_.has(state_.previous)) {
    return not_found_error("there is no previous binary");
  }
  if (state_.previous == installation_.current())
    return not_found_error("the previous binary runs");
  GW_TRY(const os::Fd file, installation_.open(state_.previous));
  GW_TRY(const BinaryIdentity identity, read_identity(file.get()));
  GW_CHECK(check_sum(state_.previous));
  Wanted wanted{identity.key, "control", true, state_.previous, ""};
  GW_TRY(wanted.sum, installation_.sum_of(state_.previous));
  Json out = ok();
  out["target"] = target_json(wanted.target());
  // Or the policies would lead right back, if only by another toolchain. On record with the trial.
  const bool same_version = wanted.key.version == identity_.key.version;
  state_.skips.push_back({identity_.key.version, same_version ? identity_.key.go_version : ""});
  if (auto began = want(std::move(wanted)); !began) {
    state_.skips.pop_back();
    return std::move(began).error();
  }
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  return out;
}

Result<Json> Supervisor::obey_skip(const std::vector<std::string>& words) {
  if (words.size() < 2 || !mod::parse_semver(words[1])) {
    return usage_error("skip needs a version, such as v1.2.3");
  }
  if (words.size() > 2) GW_CHECK(build::check_go_version(words[2]));
  const update::Skip skip{words[1], words.size() > 2 ? words[2] : ""};
  const bool under_way = wanted_ && update::is_skipped({skip}, wanted_->target());
  if (state_.skips.size() >= kMaxSkips) return usage_error("there are too many skips already");
  State before = state_;
  if (std::find(state_.skips.begin(), state_.skips.end(), skip) == state_.skips.end()) {
    state_.skips.push_back(skip);
  }
  GW_CHECK(save_or_restore(std::move(before)));
  if (under_way) cancel("an operator skipped it");
  replan();
  return ok();
}

}  // namespace gw::supervise
