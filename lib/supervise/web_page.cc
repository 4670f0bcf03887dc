#include "supervise/web_page.h"

#include <fmt/format.h>

#include <array>

#include "http/html.h"
#include "supervise/json_fields.h"
#include "supervise/web_page_parts.h"

namespace gw::supervise {
namespace page {

using http::escape_html;

namespace {

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

// "It fixes GO-1, GO-2, so that it need not get old. ", or nothing.
std::string fixes_text(const Json& planned) {
  std::string ids;
  for (const std::string& id : texts_member(planned, "fixes")) {
    ids += (ids.empty() ? "" : ", ") + escape_html(id);
  }
  return ids.empty() ? "" : fmt::format("It fixes {}, so that it need not get old. ", ids);
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
    out += fmt::format(R"(<p class="dim">{}{}</p>)", fixes_text(*planned), why_then(p, *planned));
    if (const std::string held_back = e(*planned, "held_back"); !held_back.empty()) {
      out += fmt::format(R"(<p class="dim">{}.</p>)", held_back);
    }
    buttons += button(p, "update", "Update now",
                      {{"version", text_member(*planned, "version")},
                       {"goversion", text_member(*planned, "go_version")}},
                      true);
    buttons +=
        button(p, "skip", "Skip this version", {{"version", text_member(*planned, "version")}});
  } else {
    out += fmt::format(R"(<p class="big">{}</p><p>{}</p>)",
                       text_member(s, "checked").empty() ? "Not known yet" : "No update",
                       sentence(e(s, "why_no_update")));
    if (!flag_member(s, "automatic") && !flag_member(s, "paused")) {
      out += fmt::format(R"(<p class="warn">Nothing is installed by itself: {}.</p>)", why_not(s));
    }
  }
  if (!flag_member(s, "paused")) buttons += button(p, "pause", "Pause updates");
  return fmt::format(R"({}<div class="row">{}</div></section>)", out, buttons);
}

// What the trouble was about: an update that is the last thing that happened, where it is that.
std::string trouble_title(const PageParts& p, const std::string& trouble) {
  if (p.history.empty()) return "Last trouble";
  const Json& last = p.history.back();
  if (e(last, "detail") != trouble) return "Last trouble";
  return fmt::format("Update to {} failed {}", target(last), moment(p, last, "time"));
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
    out += fmt::format(R"(<section class="warn"><h3>{}</h3><p>{}</p>{}</section>)",
                       trouble_title(p, trouble), trouble,
                       failures == 0
                           ? ""
                           : fmt::format(R"(<p class="dim">In vain {}; the pause between )"
                                         "tries doubles.</p>",
                                         count(static_cast<std::int64_t>(failures), "time")));
  }
  return out;
}

// What is known to be wrong with what runs, and how it ended lately.
std::string warnings(const PageParts& p) {
  const Json& s = p.status;
  std::string out;
  const Json& found = list_member(s, "vulnerabilities");
  if (found.is_array() && !found.empty()) {
    std::string rows;
    for (const Json& one : found) {
      const std::string fixed = e(one, "fixed");
      rows +=
          fmt::format(R"(<li><a href="https://pkg.go.dev/vuln/{0}" rel="noreferrer">{0}</a> {1} )"
                      R"(<span class="dim">{2} {3}, {4}</span></li>)",
                      e(one, "id"), e(one, "summary"), e(one, "module"), e(one, "version"),
                      fixed.empty() ? "not fixed yet" : "fixed in " + fixed);
    }
    out += fmt::format(
        R"(<section class="bad"><h3>Known vulnerabilities of what runs</h3><ul>{}</ul></section>)",
        rows);
  }
  if (const std::string deprecated = e(s, "deprecated"); !deprecated.empty()) {
    out += fmt::format(
        R"(<section class="warn"><h3>Deprecated by its authors</h3><p>{}</p></section>)",
        deprecated);
  }
  const auto exits = number_member(s, "exits_after_update").value_or(0);
  if (exits > 0) {
    const bool back = !e(s, "previous").empty() && flag_member(s, "may_go_back");
    const std::string by_hand =
        e(s, "previous").empty()
            ? ""
            : R"(<p class="dim">gwtool supervise rollback, on the machine, goes back.</p>)";
    out += fmt::format(
        R"(<section class="warn"><h3>Ended by itself {} since the update</h3><p>{}</p>{}</section>)",
        count(static_cast<std::int64_t>(exits), "time"), e(s, "last_exit"),
        back ? fmt::format(R"(<div class="row">{}</div>)", button(p, "rollback", "Roll back"))
             : by_hand);
  }
  return out;
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
}  // namespace page

std::string format_page(const PageParts& p) {
  std::string out = page::head(p) + page::alerts(p) + page::warnings(p);
  if (!p.status.empty()) {
    out += fmt::format(R"(<div class="cards">{}{}</div>)", page::running(p), page::next(p));
    out += page::choose(p) + page::history(p) + page::details(p) + page::gwtool_itself(p);
  }
  return out + "</main></body></html>\n";
}

}  // namespace gw::supervise
