#include "supervise/web_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/html.h"
#include "module/semver.h"
#include "supervise/json_fields.h"

namespace gw::supervise {

using http::escape_html;
namespace {

constexpr std::string_view kStyle = R"(:root {
  color-scheme: light dark;
  --back: #f6f7f9; --card: #ffffff; --text: #1d2330; --dim: #5c6675; --line: #dde1e8;
  --accent: #0b6bcb; --on-accent: #ffffff; --good: #1a7f4b; --bad: #b3261e; --warn: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14171d; --card: #1d222b; --text: #e6e9ef; --dim: #9aa4b3; --line: #323945;
    --accent: #6cb2f7; --on-accent: #10151d; --good: #6fd39b; --bad: #ff8f86; --warn: #f0bd5e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.25rem; display: grid; gap: 1rem; }
header h1 { margin: 0; font-size: 1.35rem; overflow-wrap: anywhere; }
header p { margin: 0.15rem 0 0; color: var(--dim); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem;
  padding: 1rem 1.15rem; min-width: 0; }
h2 { margin: 0 0 0.6rem; font-size: 1.02rem; }
.big { font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere; }
.dim { color: var(--dim); } .good { color: var(--good); } .bad { color: var(--bad); }
.warn { color: var(--warn); }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin-top: 0.8rem; }
.row form { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.columns { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
legend { font-weight: 600; padding: 0; margin-bottom: 0.3rem; }
label { display: block; padding: 0.2rem 0; }
button { font: inherit; border-radius: 0.45rem; padding: 0.4rem 0.9rem; min-height: 2.5rem;
  border: 1px solid var(--line); background: transparent; color: var(--text); cursor: pointer; }
button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
button:focus-visible, input:focus-visible, a:focus-visible { outline: 3px solid var(--accent);
  outline-offset: 2px; }
input[type=text] { font: inherit; padding: 0.4rem 0.6rem; min-height: 2.5rem; width: 12rem;
  max-width: 100%; border: 1px solid var(--line); border-radius: 0.45rem; background: var(--back);
  color: var(--text); }
a { color: var(--accent); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.94rem; }
th { text-align: left; color: var(--dim); font-weight: 500; }
th, td { padding: 0.35rem 0.8rem 0.35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
tr:last-child td { border-bottom: 0; }
section > p:last-child { margin-bottom: 0; }
@media (max-width: 40rem) {
  table, tbody, tr, td { display: block; } th { display: none; }
  td { border: 0; padding: 0.05rem 0; }
  tr { border-bottom: 1px solid var(--line); padding: 0.5rem 0; }
}
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
)";

std::string e(const Json& object, std::string_view name) {
  return escape_html(text_member(object, name));
}

std::string target(const Json& object) {
  return fmt::format("{} {}", e(object, "version"), e(object, "go_version"));
}

struct Field {
  std::string_view name;
  std::string value;
};

// One button that does something.
std::string button(const PageParts& parts, std::string_view action, std::string_view label,
                   const std::vector<Field>& fields = {}, bool main = false) {
  std::string out = fmt::format(
      R"(<form method="post" action="/{}"><input type="hidden" name="token" value="{}">)", action,
      escape_html(parts.form_token));
  for (const Field& field : fields) {
    out += fmt::format(R"(<input type="hidden" name="{}" value="{}">)", field.name,
                       escape_html(field.value));
  }
  out += fmt::format(R"(<button{}>{}</button></form>)", main ? R"( class="main")" : "", label);
  return out;
}

std::string running(const PageParts& p) {
  const Json& s = p.status;
  const std::string state = text_member(s, "state");
  std::string out = fmt::format(
      R"(<section><h2>Running</h2><p class="big">{}</p><p class="{}">{}</p>)", target(s),
      state == "running" ? "good" : "warn",
      state == "running" ? "The service runs." : fmt::format("State: {}.", escape_html(state)));
  if (const Json* under_way = find_member(s, "under_way")) {
    out += fmt::format("<p>Under way: {}</p>", target(*under_way));
  }
  out += R"(<div class="row">)";
  out += button(p, "check", "Check now");
  out += flag_member(s, "paused") ? button(p, "resume", "Resume updates")
                                  : button(p, "pause", "Pause updates");
  if (!text_member(s, "previous").empty() && flag_member(s, "may_go_back"))
    out += button(p, "rollback", "Roll back");
  return out + "</div></section>";
}

std::string next(const PageParts& p) {
  const Json& s = p.status;
  std::string out = "<section><h2>Next</h2>";
  const Json* planned = find_member(s, "planned");
  if (planned != nullptr) {
    out += fmt::format(R"(<p class="big">{}</p>)", target(*planned));
    out += flag_member(s, "automatic")
               ? fmt::format("<p>Will be installed at {}.</p>", e(*planned, "at"))
               : fmt::format(R"(<p class="warn">Is not installed by itself: {}.</p>)",
                             e(s, "why_not"));
    out += R"(<div class="row">)";
    out += button(p, "update", "Update now",
                  {{"version", text_member(*planned, "version")},
                   {"goversion", text_member(*planned, "go_version")}},
                  true);
    out += button(p, "skip", "Skip this version", {{"version", text_member(*planned, "version")}});
    out += "</div>";
  } else {
    out +=
        fmt::format(R"(<p class="big">No update</p><p class="dim">{}.</p>)", e(s, "why_no_update"));
    if (!flag_member(s, "automatic")) {
      out += fmt::format(R"(<p class="warn">Nothing is installed by itself: {}.</p>)",
                         e(s, "why_not"));
    }
  }
  if (!text_member(s, "last_error").empty()) {
    out += fmt::format(R"(<p class="bad">Last trouble: {}</p>)", e(s, "last_error"));
  }
  return out + "</section>";
}

std::string choice(std::string_view name, const std::string& value, const std::string& note,
                   bool checked) {
  return fmt::format(
      R"(<label><input type="radio" name="{}" value="{}"{}> {} <span class="dim">{}</span></label>)",
      name, escape_html(value), checked ? " checked" : "", escape_html(value), escape_html(note));
}

// Versions of the module, newest first, and toolchains, as far as they are known.
std::string choose(const PageParts& p) {
  const Json& s = p.status;
  std::vector<std::string> versions;
  const Json& known = list_member(s, "known");
  if (known.is_object()) {
    for (const auto& [version, found] : known.items()) versions.push_back(version);
  }
  std::erase_if(versions, [](const std::string& v) { return !mod::parse_semver(v); });
  std::sort(versions.begin(), versions.end(), [](const std::string& a, const std::string& b) {
    return mod::compare_semver(*mod::parse_semver(a), *mod::parse_semver(b)) > 0;
  });
  std::string out =
      fmt::format(R"(<section><h2>Install a version</h2><form method="post" action="/update">)"
                  R"(<input type="hidden" name="token" value="{}"><div class="columns">)"
                  "<fieldset><legend>Version</legend>",
                  escape_html(p.form_token));
  for (const std::string& version : versions) {
    out += choice("version", version, "since " + text_member(known, version), false);
  }
  out += choice("version", text_member(s, "version"), "runs", true);
  out += "</fieldset><fieldset><legend>Go</legend>";
  const std::string own = text_member(s, "go_version");
  const Json* toolchains = find_member(s, "toolchains");
  for (const char* which : {"cur", "prev"}) {
    const std::string go = toolchains == nullptr ? "" : text_member(*toolchains, which);
    if (go.empty() || go == own) continue;
    out +=
        choice("goversion", go, which == std::string_view("cur") ? "current" : "previous", false);
  }
  out += choice("goversion", own, "runs", true);
  out += R"(</fieldset></div><div class="row"><button>Update now</button></div></form>)";
  out += fmt::format(
      R"(<form method="post" action="/update" class="row">)"
      R"(<input type="hidden" name="token" value="{}">)"
      R"(<input type="text" name="version" placeholder="v1.2.3 or latest" aria-label="Version">)"
      R"(<input type="text" name="goversion" placeholder="current" aria-label="Go version">)"
      "<button>Install another</button></form></section>",
      escape_html(p.form_token));
  return out;
}

std::string history(const PageParts& p) {
  std::string rows;
  for (auto at = p.history.rbegin(); at != p.history.rend(); ++at) {
    const std::string what = text_member(*at, "what");
    rows += fmt::format(
        R"(<tr><td>{}</td><td class="{}">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>)",
        e(*at, "time"), what == "updated" ? "good" : "bad", escape_html(what), target(*at),
        e(*at, "by"), e(*at, "detail"));
  }
  if (rows.empty()) return R"(<section><h2>History</h2><p class="dim">Nothing yet.</p></section>)";
  return fmt::format(
      R"(<section><h2>History</h2><div class="scroll"><table><tr><th>When</th><th>What</th>)"
      "<th>Version</th><th>By</th><th>Why</th></tr>{}</table></div></section>",
      rows);
}

std::string details(const PageParts& p) {
  const Json& s = p.status;
  std::string out = "<section><h2>Configuration</h2><dl>";
  for (const auto& [title, name] : {std::pair{"Package", "package"},
                                    {"File", "file"},
                                    {"Module policy", "module_policy"},
                                    {"Toolchain policy", "toolchain_policy"},
                                    {"Last check", "checked"},
                                    {"Last update", "last_update"},
                                    {"To roll back to", "previous"}}) {
    const std::string value = e(s, name);
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", title, value.empty() ? "–" : value);
  }
  for (const Json& skip : list_member(s, "skipped")) {
    out += fmt::format("<dt>Skipped</dt><dd>{}</dd>", target(skip));
  }
  return out + "</dl></section>";
}

}  // namespace

std::string page_style() { return std::string(kStyle); }

std::string format_page(const PageParts& p) {
  const std::string name = e(p.status, "package");
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      R"(<meta name="viewport" content="width=device-width, initial-scale=1">)"
      R"(<title>{} {}</title><link rel="stylesheet" href="/style.css"></head><body><main>)",
      name, e(p.status, "version"));
  out += fmt::format("<header><h1>{}</h1><p>supervised by gwtool</p></header>",
                     name.empty() ? "gwtool supervise" : name);
  if (!p.problem.empty()) {
    out += fmt::format(R"(<section role="alert"><p class="bad">{}</p></section>)",
                       escape_html(p.problem));
  }
  if (!p.status.empty()) {
    out += fmt::format(R"(<div class="columns">{}{}</div>)", running(p), next(p));
    out += choose(p) + history(p) + details(p);
  }
  if (!p.links.empty()) {
    out += R"(<section><h2>Links</h2><p class="row">)";
    for (const auto& [title, url] : p.links) {
      out += fmt::format(R"(<a href="{}">{}</a>)", escape_html(url), escape_html(title));
    }
    out += "</p></section>";
  }
  return out + "</main></body></html>\n";
}

}  // namespace gw::supervise
