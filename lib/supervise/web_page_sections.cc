// The page below what runs and what comes next: versions by hand, history, configuration.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "http/html.h"
#include "module/semver.h"
#include "supervise/json_fields.h"
#include "supervise/web_page_parts.h"

namespace gw::supervise::page {

using http::escape_html;

namespace {

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

}  // namespace

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
    std::string sum = e(*at, "sum");
    if (!sum.empty()) {
      const std::string_view gap = text_member(*at, "detail").empty() ? "" : "<br>";
      sum = fmt::format(R"({}<span class="dim">sum {}</span>)", gap, sum);
    }
    rows += fmt::format(
        R"(<tr><td class="whole">{}</td><td class="whole {}">{}</td><td class="target">{}</td>)"
        R"(<td class="whole">{}</td><td class="why">{}{}</td></tr>)",
        moment(p, *at, "time"), what == "updated" ? "good" : "bad", said, target(*at),
        text_member(*at, "by") == "control" ? "by a person" : "by itself", e(*at, "detail"), sum);
  }
  if (rows.empty()) {
    return R"(<section><h2>History</h2><p class="dim">Nothing was installed yet.</p></section>)";
  }
  return fmt::format(
      "<section><h2>History</h2><table><tr><th>When</th><th>What</th>"
      "<th>Version</th><th>How</th><th>Why</th></tr>{}</table></section>",
      rows);
}

namespace {

// Who builds, and how many of them must agree.
std::string builds_text(const Json& s) {
  if (text_member(s, "builds") == "local") return "on this machine";
  const auto names = texts_member(s, "build_services");
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + escape_html(name);
  if (names.size() < 2) return out;
  return fmt::format("{}: {} of them must agree", out,
                     number_member(s, "services_wanted").value_or(0));
}

// Whose times the page has.
std::string time_zone(const PageParts& p) {
  for (const Json& one : p.settings) {
    if (text_member(one, "name") == "time-zone") return e(one, "value");
  }
  return "the machine's";
}

// All options; those that somebody gave come first.
std::string all_options(const PageParts& p) {
  std::string lines;
  for (const bool given : {true, false}) {
    for (const Json& one : p.settings) {
      if (flag_member(one, "given") != given) continue;
      lines += fmt::format("<dt>{}</dt><dd>{}{}</dd>", e(one, "name"), e(one, "value"),
                           given ? "" : R"( <span class="dim">as usual</span>)");
    }
  }
  if (lines.empty()) return "";
  return fmt::format("<hr><details><summary>All options</summary><dl>{}</dl></details>", lines);
}

}  // namespace

std::string details(const PageParts& p) {
  const Json& s = p.status;
  std::string out = "<section><h2>Configuration</h2><dl>";
  const auto line = [&](std::string_view title, const std::string& value) {
    if (!value.empty()) out += fmt::format("<dt>{}</dt><dd>{}</dd>", title, value);
  };
  line("File", e(s, "file"));
  const std::string items = schedule_text(s);
  line("Schedule", items.empty() ? "always" : items);
  line("Time zone", time_zone(p));
  line("Delay", length_member(s, "delay_seconds"));
  line("Builds", builds_text(s));
  if (const Json* helper = find_member(s, "helper")) {
    std::string less;
    for (const std::string& why : texts_member(*helper, "refused")) {
      less += (less.empty() ? "" : "; ") + escape_html(why);
    }
    line("Helper less confined", less);
  }
  line("Module policy", e(s, "module_policy"));
  line("Toolchain policy", e(s, "toolchain_policy"));
  std::string skipped;
  for (const Json& skip : list_member(s, "skipped")) {
    skipped += (skipped.empty() ? "" : ", ") + std::string(trim(target(skip)));
  }
  line("Never installed", skipped);
  return fmt::format("{}</dl>{}</section>", out, all_options(p));
}

// gwtool itself: what there is to know, and the one thing that can be done about it here.
std::string gwtool_itself(const PageParts& p) {
  const Json* own = find_member(p.status, "gwtool");
  if (own == nullptr) return "";
  const std::string newest = e(*own, "newest");
  std::string said = newest.empty()               ? ""
                     : flag_member(*own, "newer") ? fmt::format(", {} is out", newest)
                                                  : ", the newest";
  std::string out =
      fmt::format("<section><h2>gwtool itself</h2><p>Runs {}{}.", e(*own, "version"), said);
  if (!flag_member(*own, "another_on_disk")) {
    return out + R"( <span class="dim">A new one is installed by the system's packages, and takes )"
                 "over from then on.</span></p></section>";
  }
  return out + fmt::format(
                   " Another one is on the disk: it takes over at the next look for versions. The "
                   R"(service goes on meanwhile.</p><div class="row">{}</div></section>)",
                   button(p, "reload", "Let it take over now"));
}

}  // namespace gw::supervise::page
