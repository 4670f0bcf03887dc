#include "buildd/html.h"

#include <fmt/format.h>

#include "base/text.h"

namespace gw::buildd {

namespace {

// Quiet colours with enough contrast in both schemes; one column, wide enough for a sum.
constexpr std::string_view kStyle = R"css(:root {
  color-scheme: light dark;
  --page: #fdfdfb; --text: #1d2127; --soft: #5a6472; --line: #d9dde2; --panel: #f3f4f1;
  --link: #0b5a9c; --good: #1c6e3a; --bad: #a32020; --warn: #7a5200; --mark: #e3f0e6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181c; --text: #e3e6ea; --soft: #9aa4b0; --line: #343a42; --panel: #1f2429;
    --link: #7ab8f0; --good: #7fd19b; --bad: #f29a9a; --warn: #e5bf6e; --mark: #21382a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
header, main, footer { max-width: 58rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1rem; padding-bottom: 1rem; }
header a { color: var(--soft); text-decoration: none; font-weight: 600; }
footer {
  margin-top: 3rem; padding-top: 1rem; padding-bottom: 2rem;
  border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, ul, dl, pre, table, form { margin: .5rem 0 1rem; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, button:focus-visible, input:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre, .sum { font: .9em/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code, .sum { overflow-wrap: anywhere; }
pre {
  background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  padding: .75rem .9rem; overflow-x: auto;
}
pre.command { white-space: pre-wrap; overflow-wrap: anywhere; }
pre.log { max-height: 32rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.note { border-left: 3px solid var(--line); padding: .1rem 0 .1rem .9rem; }
.note.warn { border-color: var(--warn); color: inherit; }
.note.bad { border-color: var(--bad); color: inherit; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); font-size: .875rem; white-space: nowrap; }
td.number { white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
.choices { display: flex; flex-wrap: wrap; gap: .4rem; padding: 0; list-style: none; }
.choices a, .choices span {
  display: inline-block; padding: .1rem .55rem; border: 1px solid var(--line); border-radius: 1rem;
  font-size: .875rem; text-decoration: none; background: var(--page);
}
.choices .built { background: var(--mark); }
.choices .here { border-color: var(--text); font-weight: 600; color: var(--text); }
.choices .gone { text-decoration: line-through; }
form.search { display: flex; gap: .5rem; }
input {
  flex: 1; min-width: 0; font: inherit; padding: .45rem .7rem; color: inherit;
  background: var(--page); border: 1px solid var(--soft); border-radius: 6px;
}
button, .button {
  font: inherit; font-weight: 600; padding: .45rem 1rem; border-radius: 6px; cursor: pointer;
  border: 1px solid var(--link); background: var(--link); color: var(--page);
  text-decoration: none; display: inline-block;
}
.downloads { display: flex; flex-wrap: wrap; gap: .6rem; align-items: baseline; }
@media (max-width: 34rem) {
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
  h1 { font-size: 1.3rem; }
}
)css";

// Follows a build: says where it stands, and goes to the result when it is there.
constexpr std::string_view kScript = R"js("use strict";
(function () {
  var box = document.getElementById("state");
  if (!box || !window.EventSource) return;
  var form = document.getElementById("build");
  var started = false;
  function say(text) { box.textContent = text; }
  function follow() {
    if (started) return;
    started = true;
    if (form) form.hidden = true;
    say("Asking for it …");
    var source = new EventSource("events");
    source.addEventListener("update", function (event) {
      var update = JSON.parse(event.data);
      if (update.Kind === "QueuePosition") {
        if (update.QueuePosition > 0) {
          say("Waiting: " + update.QueuePosition + (update.QueuePosition === 1 ? " build comes" : " builds come") + " first.");
        } else {
          say("Building: " + (update.Progress || "it has begun") + " …");
        }
        return;
      }
      source.close();
      if (update.Kind === "Success") {
        say("Built. Going to the result …");
        location.replace(update.Sum + "/");
      } else if (update.Kind === "PermFailed") {
        location.reload();
      } else {
        say("It could not be built now: " + update.Error);
        started = false;
        if (form) form.hidden = false;
      }
    });
    source.onerror = function () {
      if (source.readyState === EventSource.CLOSED) {
        say("The service refused, or cannot be reached. Reload the page to see why.");
        started = false;
        if (form) form.hidden = false;
      }
    };
  }
  if (box.dataset.pending === "1") follow();
  if (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      follow();
    });
  }
})();
)js";

constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

http::Response fixed(std::string_view type, std::string_view body) {
  http::Response out;
  out.content_type = type;
  out.headers = {{"Cache-Control", "public, max-age=3600"}};
  out.body = body;
  return out;
}

}  // namespace

std::string link(std::string_view to, std::string_view text) {
  return fmt::format("<a href=\"{}\">{}</a>", escape_html(to), escape_html(text));
}

std::string capital(std::string_view text) {
  std::string out(text);
  if (!out.empty()) out[0] = to_upper(out[0]);
  return out;
}

std::string format_size(std::uint64_t bytes) {
  constexpr std::uint64_t kKilo = 1000;
  if (bytes < kKilo) return fmt::format("{} bytes", bytes);
  if (bytes < kKilo * kKilo) return fmt::format("{} kB", (bytes + kKilo / 2) / kKilo);
  const std::uint64_t tenths = (bytes + kKilo * kKilo / 20) / (kKilo * kKilo / 10);
  return fmt::format("{}.{} MB", tenths / 10, tenths % 10);
}

http::Response render(const Page& page) {
  http::Response out;
  out.status = page.status;
  out.content_type = "text/html; charset=utf-8";
  out.headers = {{"Cache-Control", page.cache},
                 {"Vary", "Accept"},
                 {"Content-Security-Policy", std::string(kPolicy)},
                 {"Referrer-Policy", "no-referrer"}};
  if (!page.index) out.headers.push_back({"X-Robots-Tag", "noindex"});
  std::string head;
  if (page.reload_after > 0) {
    head = fmt::format("<noscript><meta http-equiv=\"refresh\" content=\"{}\"></noscript>\n",
                       page.reload_after);
  }
  if (page.follow) head += fmt::format("<script src=\"{}\" defer></script>\n", kScriptPath);
  out.body =
      fmt::format(R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{}</title>
<link rel="stylesheet" href="{}">
{}</head>
<body>
<header><a href="/">{}</a></header>
<main>
{}</main>
<footer>Reproducible Go binaries, each in a <a href="/#log">transparency log</a>. Whoever does not
believe it builds it again.</footer>
</body>
</html>
)html",
                  escape_html(page.title), kStylePath, head, escape_html(page.site), page.body);
  return out;
}

http::Response style_sheet() { return fixed("text/css; charset=utf-8", kStyle); }

http::Response script() { return fixed("text/javascript; charset=utf-8", kScript); }

// A crawler that follows every link would ask for every build of every version.
http::Response robots() {
  return fixed("text/plain; charset=utf-8",
               "User-agent: *\nDisallow: /*@\nDisallow: /tlog/\nDisallow: /-/\n");
}

}  // namespace gw::buildd
