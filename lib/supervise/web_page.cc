#include "supervise/web_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "http/html.h"
#include "module/semver.h"
#include "supervise/json_fields.h"

namespace gw::supervise {

using http::escape_html;
namespace {

std::string e(const Json& object, std::string_view name) {
  return escape_html(text_member(object, name));
}

std::string target(const Json& object) {
  return fmt::format("{} {}", e(object, "version"), e(object, "go_version"));
}

std::string big(const Json& object) {
  return fmt::format(R"(<p class="big">{} <small>{}</small></p>)", e(object, "version"),
                     e(object, "go_version"));
}

// Why nothing is installed by itself, without what the page says beside it.
std::string why_not(const Json& s) {
  constexpr std::string_view kPaused = "paused: ";
  std::string why = text_member(s, "why_not");
  if (why.starts_with(kPaused)) why.erase(0, kPaused.size());
  return escape_html(why);
}

// As a sentence begins.
std::string sentence(std::string text) {
  if (text.starts_with("nothing ")) text[0] = 'N';
  return text + ".";
}

// ---- times ----

std::string count(std::int64_t n, std::string_view one) {
  return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s");
}

// "3 days", of what is about so long.
std::string length(std::chrono::seconds time) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  const std::int64_t s = time.count();
  if (s < 2 * kMinute) return count(s, "second");
  if (s < 2 * kHour) return count(s / kMinute, "minute");
  if (s <= 3 * kDay) return count(s / kHour, "hour");
  return count(s / kDay, "day");
}

// Of a member that has seconds; nothing for none.
std::string length_member(const Json& object, std::string_view name) {
  const auto n = number_member(object, name).value_or(0);
  return n == 0 ? "" : length(std::chrono::seconds(static_cast<std::int64_t>(n)));
}

// A moment as people read it, the exact one when they point at it.
std::string moment(const PageParts& p, const Json& object, std::string_view name) {
  constexpr std::size_t kMinutes = 16;  // of "2026-12-01T03:00:00+01:00"
  constexpr std::chrono::seconds kNow{5};
  const std::string text = text_member(object, name);
  const auto time = time_member(object, name);
  if (!time || text.size() < kMinutes) return escape_html(text);
  std::string shown = text.substr(0, kMinutes);
  std::replace(shown.begin(), shown.end(), 'T', ' ');
  std::string away;
  if (p.now) {
    const auto ahead = std::chrono::duration_cast<std::chrono::seconds>(*time - *p.now);
    away = ahead > kNow    ? fmt::format(" (in {})", length(ahead))
           : ahead < -kNow ? fmt::format(" ({} ago)", length(-ahead))
                           : " (now)";
  }
  return fmt::format(R"(<time datetime="{0}" title="{0}">{1}</time>{2})", escape_html(text),
                     escape_html(shown), away);
}

std::string schedule_text(const Json& s) {
  std::string out;
  for (const std::string& item : texts_member(s, "schedule")) {
    out += (out.empty() ? "" : ", ") + escape_html(item);
  }
  return out;
}

// ---- how it stands ----

struct Mood {
  const char* style;
  std::string text;
};

bool is_busy(const Json& s) { return text_member(s, "state") != "running"; }

bool needs_a_person(const PageParts& p) {
  if (!flag_member(p.status, "paused") || p.history.empty()) return false;
  const std::string what = text_member(p.history.back(), "what");
  return what == "rolled-back" || what == "untrusted";
}

Mood mood(const PageParts& p) {
  const Json& s = p.status;
  if (is_busy(s)) return {"busy", "Updating"};
  if (needs_a_person(p)) return {"bad", "Needs a look"};
  if (flag_member(s, "paused")) return {"warn", "Paused"};
  if (!flag_member(s, "automatic")) return {"warn", "By hand only"};
  if (number_member(s, "failures").value_or(0) > 0) return {"warn", "Will try again"};
  if (find_member(s, "planned") != nullptr) return {"busy", "Update planned"};
  if (text_member(s, "checked").empty()) return {"busy", "Not checked yet"};
  return {"good", "Up to date"};
}

// What a supervisor does in a state, in words.
std::string doing(const std::string& state) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kWords{{
      {"fetching",
       "Its binary is built, proven by the build service's log, and fetched. The "
       "service runs meanwhile."},
      {"before", "The command that comes before an update runs. The service runs meanwhile."},
      {"stopping", "The old version was asked to end; then this one starts."},
      {"trial", "It runs, on trial. Should it end or not become ready, the old one comes back."},
      {"beside", "It runs beside the old version, which answers until this one is ready."},
      {"reverting", "It did not do. The old version comes back."},
      {"ending", "The service was asked to end."},
  }};
  for (const auto& [name, words] : kWords) {
    if (name == state) return std::string(words);
  }
  return escape_html(state);
}

// ---- forms ----

struct Field {
  std::string name;
  std::string value;
};

std::string form_head(const PageParts& p, std::string_view action, std::string_view style = "") {
  return fmt::format(
      R"(<form method="post" action="/{}"{}><input type="hidden" name="token" value="{}">)", action,
      style.empty() ? "" : fmt::format(R"( class="{}")", style), escape_html(p.form_token));
}

std::string button(const PageParts& p, std::string_view action, std::string_view label,
                   const std::vector<Field>& fields = {}, bool main = false) {
  std::string out = form_head(p, action);
  for (const Field& field : fields) {
    out += fmt::format(R"(<input type="hidden" name="{}" value="{}">)", field.name,
                       escape_html(field.value));
  }
  return out +
         fmt::format(R"(<button{}>{}</button></form>)", main ? R"( class="main")" : "", label);
}

// ---- the parts of the page ----

std::string running(const PageParts& p) {
  const Json& s = p.status;
  std::string out = "<section><h2>Runs now</h2>" + big(s);
  if (!text_member(s, "last_update").empty()) {
    out += fmt::format("<p>Installed {}.</p>", moment(p, s, "last_update"));
  }
  out += flag_member(s, "checking") ? std::string("<p>Looking for versions…</p>")
         : text_member(s, "checked").empty()
             ? "<p>Nobody has looked for versions yet.</p>"
             : fmt::format("<p>Looked for versions {}.</p>", moment(p, s, "checked"));
  const std::string previous = e(s, "previous");
  if (!previous.empty()) out += fmt::format(R"(<p class="dim">Before it: {}</p>)", previous);
  out += R"(<div class="row">)" + button(p, "check", "Check now");
  if (!previous.empty() && flag_member(s, "may_go_back")) out += button(p, "rollback", "Roll back");
  return out + "</div></section>";
}

// Why then: the rules, in the order in which they hold a version back.
std::string why_then(const PageParts& p, const Json& planned) {
  const Json& s = p.status;
  std::string out;
  const Json& known = list_member(s, "known");
  const std::string version = text_member(planned, "version");
  if (known.is_object() && find_member(known, version) != nullptr) {
    out += fmt::format("Out since {}. ", moment(p, known, version));
  }
  std::vector<std::string> rules;
  if (const std::string delay = length_member(s, "delay_seconds"); !delay.empty()) {
    rules.push_back(fmt::format("until it is {} old", delay));
  }
  const std::string items = schedule_text(s);
  if (!items.empty()) rules.push_back(fmt::format("for the schedule ({})", items));
  if (const std::string jitter = length_member(s, "jitter_seconds"); !jitter.empty()) {
    rules.push_back(fmt::format("up to {} more, so that not all machines change at once", jitter));
  }
  if (rules.empty()) return out;
  out += "A version waits ";
  for (std::size_t i = 0; i < rules.size(); ++i) {
    out += (i == 0 ? "" : ", then ") + rules[i];
  }
  return out + ".";
}

std::string next(const PageParts& p) {
  const Json& s = p.status;
  std::string out = "<section><h2>Next</h2>";
  const Json* planned = find_member(s, "planned");
  const Json* under_way = find_member(s, "under_way");
  std::string buttons;
  if (is_busy(s) && under_way != nullptr) {
    out += big(*under_way) + fmt::format("<p>{}</p>", doing(text_member(s, "state")));
  } else if (planned != nullptr) {
    out += big(*planned);
    out += flag_member(s, "automatic")
               ? fmt::format("<p>Will be installed {}.</p>", moment(p, *planned, "at"))
           : flag_member(s, "paused")
               ? std::string(R"(<p class="warn">Waits until updates are resumed.</p>)")
               : fmt::format(R"(<p class="warn">Waits for you: {}.</p>)", why_not(s));
    out += fmt::format(R"(<p class="dim">{}</p>)", why_then(p, *planned));
    buttons += button(p, "update", "Update now",
                      {{"version", text_member(*planned, "version")},
                       {"goversion", text_member(*planned, "go_version")}},
                      true);
    buttons +=
        button(p, "skip", "Skip this version", {{"version", text_member(*planned, "version")}});
  } else {
    out += fmt::format(R"(<p class="big">No update</p><p>{}</p>)", sentence(e(s, "why_no_update")));
    if (!flag_member(s, "automatic") && !flag_member(s, "paused")) {
      out += fmt::format(R"(<p class="warn">Nothing is installed by itself: {}.</p>)", why_not(s));
    }
  }
  if (!flag_member(s, "paused")) buttons += button(p, "pause", "Pause updates");
  return fmt::format(R"({}<div class="row">{}</div></section>)", out, buttons);
}

// What somebody has to know before all else.
std::string alerts(const PageParts& p) {
  const Json& s = p.status;
  std::string out;
  if (!p.problem.empty()) {
    out += fmt::format(R"(<section class="bad" role="alert"><p>{}</p></section>)",
                       escape_html(p.problem));
  }
  if (s.empty()) return out;
  if (flag_member(s, "paused")) {
    out += fmt::format(
        R"(<section class="{}"><h3>Updates are paused</h3><p>{}</p>)"
        R"(<p class="dim">Nothing is installed by itself until they are resumed.</p>)"
        R"(<div class="row">{}</div></section>)",
        needs_a_person(p) ? "bad" : "warn", why_not(s), button(p, "resume", "Resume updates"));
  } else if (const std::string trouble = e(s, "last_error"); !trouble.empty()) {
    const auto failures = number_member(s, "failures").value_or(0);
    out += fmt::format(
        R"(<section class="warn"><h3>Last trouble</h3><p>{}</p>{}</section>)", trouble,
        failures == 0 ? ""
                      : fmt::format(R"(<p class="dim">In vain {}; the pause between )"
                                    "tries doubles.</p>",
                                    count(static_cast<std::int64_t>(failures), "time")));
  }
  return out;
}

// ---- versions by hand ----

std::string choice(std::string_view name, const std::string& value, const std::string& note,
                   bool checked) {
  return fmt::format(
      R"(<div class="radio"><input type="radio" name="{0}" value="{1}" id="{0}-{1}"{2}>)"
      R"(<label for="{0}-{1}">{1}</label> <span class="dim">{3}</span></div>)",
      name, escape_html(value), checked ? " checked" : "", note);
}

// Where people read what is in a version.
std::string notes_link(const std::string& module, const std::string& version) {
  constexpr std::string_view kGitHub = "github.com/";
  std::string url = fmt::format("https://pkg.go.dev/{}@{}", module, version);
  const auto parts = split(module, '/');
  if (module.starts_with(kGitHub) && parts.size() == 3) {
    url = fmt::format("https://{}/releases/tag/{}", module, version);
  }
  return fmt::format(R"(<a href="{}" rel="noreferrer">what is in it</a>)", escape_html(url));
}

std::vector<std::string> newest_first(const Json& known) {
  std::vector<std::string> out;
  if (!known.is_object()) return out;
  for (const auto& [version, found] : known.items()) {
    if (mod::parse_semver(version)) out.push_back(version);
  }
  std::sort(out.begin(), out.end(), [](const std::string& a, const std::string& b) {
    return mod::compare_semver(*mod::parse_semver(a), *mod::parse_semver(b)) > 0;
  });
  return out;
}

std::string choose(const PageParts& p) {
  const Json& s = p.status;
  const Json& known = list_member(s, "known");
  const std::string module = text_member(s, "module");
  std::string out = R"(<section><details><summary>Install a version by hand</summary>)" +
                    form_head(p, "update") +
                    R"(<div class="columns"><fieldset><legend>Version</legend>)";
  for (const std::string& version : newest_first(known)) {
    out += choice(
        "version", version,
        fmt::format("out since {} · {}", moment(p, known, version), notes_link(module, version)),
        false);
  }
  out += choice("version", text_member(s, "version"), "runs now", true);
  out += "</fieldset><fieldset><legend>Go toolchain</legend>";
  const std::string own = text_member(s, "go_version");
  const Json* toolchains = find_member(s, "toolchains");
  for (const char* which : {"cur", "prev"}) {
    const std::string go = toolchains == nullptr ? "" : text_member(*toolchains, which);
    if (go.empty() || go == own) continue;
    const bool current = which == std::string_view("cur");
    out += choice("goversion", go, current ? "the current one" : "the one before", false);
  }
  out += choice("goversion", own, "runs now", true);
  out += R"(</fieldset></div><div class="row"><button>Install these</button></div></form><hr>)";
  out += form_head(p, "update", "row");
  out += R"(<label class="field"><span>Another version</span>)"
         R"(<input type="text" name="version" placeholder="v1.2.3 or latest"></label>)"
         R"(<label class="field"><span>with Go</span>)"
         R"(<input type="text" name="goversion" placeholder="current"></label>)"
         "<button>Install it</button></form></details></section>";
  return out;
}

std::string history(const PageParts& p) {
  std::string rows;
  for (auto at = p.history.rbegin(); at != p.history.rend(); ++at) {
    const std::string what = text_member(*at, "what");
    std::string said = escape_html(what);
    std::replace(said.begin(), said.end(), '-', ' ');
    rows += fmt::format(
        R"(<tr><td class="whole">{}</td><td class="whole {}">{}</td><td class="whole">{}</td>)"
        R"(<td class="whole">{}</td><td>{}</td></tr>)",
        moment(p, *at, "time"), what == "updated" ? "good" : "bad", said, target(*at),
        text_member(*at, "by") == "control" ? "by a person" : "by itself", e(*at, "detail"));
  }
  if (rows.empty()) {
    return R"(<section><h2>History</h2><p class="dim">Nothing was installed yet.</p></section>)";
  }
  return fmt::format(
      "<section><h2>History</h2><table><tr><th>When</th><th>What</th>"
      "<th>Version</th><th>How</th><th>Why</th></tr>{}</table></section>",
      rows);
}

std::string details(const PageParts& p) {
  const Json& s = p.status;
  std::string out = "<section><h2>Configuration</h2><dl>";
  const auto line = [&](std::string_view title, const std::string& value) {
    if (!value.empty()) out += fmt::format("<dt>{}</dt><dd>{}</dd>", title, value);
  };
  line("File", e(s, "file"));
  const std::string items = schedule_text(s);
  line("Schedule", items.empty() ? "always" : items);
  line("Delay", length_member(s, "delay_seconds"));
  line("Module policy", e(s, "module_policy"));
  line("Toolchain policy", e(s, "toolchain_policy"));
  std::string skipped;
  for (const Json& skip : list_member(s, "skipped")) {
    skipped += (skipped.empty() ? "" : ", ") + std::string(trim(target(skip)));
  }
  line("Never installed", skipped);
  return out + "</dl></section>";
}

std::string head(const PageParts& p) {
  const Json& s = p.status;
  const std::string name = s.empty() ? "gwtool supervise" : e(s, "package");
  const Mood m = s.empty() ? Mood{"bad", "No answer"} : mood(p);
  // While something goes on the page shows how it goes on.
  const bool moves = !s.empty() && (is_busy(s) || flag_member(s, "checking"));
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      R"(<meta name="viewport" content="width=device-width, initial-scale=1">{}<title>{} – {}</title>)"
      R"(<link rel="stylesheet" href="/style.css"></head><body><main>)"
      R"(<header><h1>{}</h1><span class="mood {}">{}</span>)",
      moves ? R"(<meta http-equiv="refresh" content="2; url=/">)" : "", m.text, name, name, m.style,
      m.text);
  if (!p.links.empty()) {
    out += "<nav>";
    for (const auto& [title, url] : p.links) {
      out += fmt::format(R"(<a href="{}">{}</a>)", escape_html(url), escape_html(title));
    }
    out += "</nav>";
  }
  return out + "</header>";
}

}  // namespace

std::string format_page(const PageParts& p) {
  std::string out = head(p) + alerts(p);
  if (!p.status.empty()) {
    out += fmt::format(R"(<div class="cards">{}{}</div>)", running(p), next(p));
    out += choose(p) + history(p) + details(p);
  }
  return out + "</main></body></html>\n";
}

}  // namespace gw::supervise
