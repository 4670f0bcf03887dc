#include "buildd/pages.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "buildd/build_path.h"
#include "buildd/page_parts.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

constexpr unsigned kReload = 3;

Page page(const SiteFacts& site, std::string title, std::string body) {
  Page out;
  out.title = fmt::format("{} – {}", title, site.name);
  out.site = site.name;
  out.body = std::move(body);
  return out;
}

std::string heading(const build::Key& key) {
  return fmt::format("<h1>{} <span class=\"soft\">{}</span></h1>\n", escape_html(key.package()),
                     escape_html(key.version));
}

std::string summary(const build::Key& key) {
  return fmt::format(
      "<dl><dt>Module</dt><dd><a href=\"/{0}\">{0}</a> {1}</dd>"
      "<dt>Command</dt><dd>{2}</dd><dt>For</dt><dd>{3}</dd><dt>Go</dt><dd>{4}</dd>"
      "<dt>Variant</dt><dd>{5}</dd></dl>\n",
      escape_html(key.module), escape_html(key.version),
      key.dir == "/" ? "the module's own" : escape_html(key.dir),
      escape_html(build::format_target(key.target)), escape_html(key.go_version),
      key.stripped ? "stripped: without a symbol table" : "with its symbol table");
}

std::string build_form(std::string_view label) {
  return fmt::format(
      "<form id=\"build\" method=\"post\" action=\"retry\"><button>{}</button></form>\n", label);
}

}  // namespace

Page home_page(const SiteFacts& site, const HomeFacts& facts) {
  std::string body = R"html(<h1>Go programs, built from source, the same bytes everywhere</h1>
<p>Name a module and get a binary: made on demand by the Go toolchain from verified sources, in a
sandbox, reproducible by anybody. Each binary’s sum is appended to a transparency log, so that
nobody can be given another one unnoticed.</p>
<form class="search" action="/" method="get" role="search">
<input name="m" placeholder="filippo.io/age" aria-label="Module path" autocapitalize="off" spellcheck="false" required>
<button>Find</button>
</form>
)html";
  if (!site.notes.empty()) {
    body += fmt::format("<p class=\"note\">{}</p>\n", escape_html(site.notes));
  }
  if (facts.waiting > 0) {
    body +=
        fmt::format("<p class=\"soft\">Waiting: {}.</p>\n", format_count(facts.waiting, "build"));
  }
  body += "<h2>Recent builds</h2>\n" + builds_table(facts.recent);
  body += fmt::format(R"html(<h2>Addresses</h2>
<div class="scroll"><table>
<tr><td><code>/MODULE</code></td><td>its commands</td></tr>
<tr><td><code>/MODULE@VERSION/DIR</code></td><td>a build for your machine</td></tr>
<tr><td><code>/MODULE@VERSION/DIR/GOOS-GOARCH-GOVERSION/</code></td><td>one build; with <code>-stripped</code> without a symbol table</td></tr>
</table></div>
<p><code>latest</code> stands for the newest version or Go version. Examples:
{}, {}.</p>
<h2 id="log">The log</h2>
<p>It has {}. Its key, for <code>--log-key</code>:</p>
<pre class="command">{}</pre>
<p>Fetch a binary, and prove that it is in the log:</p>
<pre class="command">gwtool build get filippo.io/age/cmd/age --log-key {} --source {}/tlog</pre>
<p class="soft">Files of the log: <a href="/tlog/latest">latest</a>, <code>lookup/</code>, <code>tile/8/</code>; for monitors
and witnesses <a href="/tlog/checkpoint">checkpoint</a>, <code>tile/</code>, with the key</p>
<pre class="command">{}</pre>
)html",
                      link("/filippo.io/age@latest/cmd/age/linux-amd64-latest/", "age for Linux"),
                      link("/golang.org/x/example/hello", "commands of an example"),
                      format_count(facts.log_size, "record"), escape_html(site.verifier_key),
                      escape_html(site.verifier_key), escape_html(site.base_url),
                      escape_html(site.checkpoint_key));
  Page out = page(site, "Go binaries from source", std::move(body));
  out.index = true;
  return out;
}

Page module_page(const SiteFacts& site, const ModulePageFacts& facts) {
  std::string body = fmt::format("<h1>{} <span class=\"soft\">{}</span></h1>\n",
                                 escape_html(facts.module), escape_html(facts.version));
  body += private_mark(facts.remark) + vulnerability_marks(facts.findings, facts.unanswered);
  body += "<h2>Commands</h2>\n";
  if (facts.facts->commands.empty()) {
    body += "<p>This module has no main packages: nothing in it can be built.</p>\n";
  } else {
    std::string items;
    for (const std::string& dir : facts.facts->commands) {
      const std::string path = dir.size() > 1 ? facts.module + dir : facts.module;
      items += fmt::format("<li><a href=\"/{}@{}{}\">{}</a></li>\n", escape_html(facts.module),
                           escape_html(facts.version), escape_html(dir.size() > 1 ? dir : ""),
                           escape_html(path));
    }
    body += fmt::format("<ul>{}</ul>\n", items);
  }
  body += "<h2>Built here</h2>\n" + builds_table(facts.built);
  // Who follows that link says its name outside.
  if (facts.remark.empty()) {
    body += fmt::format("<p>{}</p>\n", link(fmt::format("https://pkg.go.dev/{}", facts.module),
                                            "Its documentation on pkg.go.dev"));
  }
  return page(site, facts.module, std::move(body));
}

Page unbuilt_page(const SiteFacts& site, const build::Key& key, const Around& around,
                  const std::optional<BuildUpdate>& state) {
  std::string text = "Not built yet.";
  if (state && state->position > 0) {
    text = fmt::format("Waiting: {} {} first.", state->position,
                       state->position == 1 ? "build comes" : "builds come");
  } else if (state) {
    text =
        fmt::format("Building: {} …", state->progress.empty() ? "it has begun" : state->progress);
  }
  std::string body = heading(key) + marks(key, around) + summary(key);
  body += fmt::format("<p id=\"state\" role=\"status\" data-pending=\"{}\">{}</p>\n", state ? 1 : 0,
                      escape_html(text));
  if (!state) {
    body += build_form("Build it");
  } else {
    body += "<noscript><p class=\"soft\">This page reloads until it is there.</p></noscript>\n";
  }
  Page out =
      page(site, fmt::format("{} {}", key.package(), key.version), body + all_choices(key, around));
  out.follow = true;
  out.reload_after = state ? kReload : 0;
  out.cache = "no-store";
  return out;
}

Page failed_page(const SiteFacts& site, const build::Key& key, const Around& around,
                 const Failure& failure, std::string_view log) {
  std::string body = heading(key) + marks(key, around) + summary(key);
  std::string_view message = failure.message;
  if (message.starts_with(failure.reason + ": ")) message.remove_prefix(failure.reason.size() + 2);
  body += fmt::format(
      "<p class=\"note bad\"><strong class=\"bad\">It cannot be built: {}.</strong><br>{}</p>\n",
      escape_html(failure.reason), escape_html(message));
  if (!failure.hint.empty())
    body += fmt::format("<p>{}.</p>\n", escape_html(capital(failure.hint)));
  body += fmt::format("<p class=\"soft\">Tried {}; remembered until {}.</p>\n",
                      format_rfc3339(failure.failed_at), format_rfc3339(failure.expires_at));
  body += build_form("Try again");
  if (!log.empty()) {
    body += fmt::format("<h2>Build log</h2>\n<pre class=\"log\">{}</pre>\n<p>{}</p>\n",
                        escape_html(log), link("log", "All of it, as text"));
  }
  Page out = page(site, fmt::format("{} {} failed", key.package(), key.version),
                  body + all_choices(key, around));
  out.cache = "no-store";
  return out;
}

Page result_page(const SiteFacts& site, const build::Key& key, const Around& around,
                 const Built& built) {
  const auto record = tlog::parse_build_record(built.record);
  const std::string sum(record ? record->sum : "");
  const std::string file = build::binary_name(key);
  build::Key latest = key;
  latest.version = "latest";
  latest.go_version = "latest";
  const std::string package = fmt::format("{}@{}", key.package(), key.version);
  const std::string get = fmt::format(
      "gwtool build get {} --target {} --go {}{} --sum {} --log-key {} --source {}/tlog", package,
      build::format_target(key.target), key.go_version, key.stripped ? " --stripped" : "", sum,
      site.verifier_key, site.base_url);
  std::string body = heading(key);
  body += fmt::format("<p class=\"soft\">for {}</p>\n", escape_html(what_for(key))) +
          marks(key, around);
  body += fmt::format(
      "<p class=\"downloads\"><a class=\"button\" href=\"{0}.gz\">Download {0}.gz</a> "
      "<span class=\"soft\">{1}</span> <a href=\"{0}\">uncompressed</a> "
      "<span class=\"soft\">{2}</span></p>\n",
      escape_html(file), format_size(built.packed_size), format_size(record ? record->size : 0));
  body += fmt::format(
      "<dl><dt>Sum</dt><dd class=\"sum\">{}</dd><dt>SHA-256</dt><dd class=\"sum\">{}</dd>"
      "<dt>of the .gz</dt><dd class=\"sum\">{}</dd><dt>Record</dt><dd>{} of "
      "<a href=\"/#log\">the log</a></dd><dt>Built</dt><dd>{}</dd></dl>\n",
      escape_html(sum), encode_hex(as_bytes(built.sha256)),
      encode_hex(as_bytes(built.packed_sha256)), built.number, format_rfc3339(built.made_at));
  body += fmt::format(
      "<h2>Fetch it, and prove that it is in the log</h2>\n<pre class=\"command\">{}</pre>\n"
      "<p class=\"soft\">The same line works in a POSIX shell and in PowerShell.</p>\n",
      escape_html(get));
  body += fmt::format(
      "<h2>Build it yourself, and compare</h2>\n<pre class=\"command\">gwtool build {} --target {} "
      "--go {}{}</pre>\n"
      "<p>must print the same sum. With the Go toolchain {} alone: "
      "<code>CGO_ENABLED=0 GOOS={} GOARCH={} GOTOOLCHAIN={} GOFLAGS=-mod=readonly go install "
      "-trimpath -ldflags=-buildid={} {}</code></p>\n",
      escape_html(package), escape_html(build::format_target(key.target)),
      escape_html(key.go_version), key.stripped ? " --stripped" : "", escape_html(key.go_version),
      escape_html(key.target.goos), escape_html(key.target.goarch), escape_html(key.go_version),
      key.stripped ? "\" -s\"" : "", escape_html(package));
  body += fmt::format(
      "<p>{} · {} · {} · {} · {} · {}{} · {}</p>\n", link("log", "Build log"),
      link("record", "Record"), link(file + ".tlog-proof", "Proof to keep"),
      link("provenance", "Provenance (SLSA)"), link("modules", "Modules (CycloneDX)"),
      link("/tlog/lookup/" + build::format_key(key), "Lookup with signed head"),
      around.remark.empty()
          ? " · " + link(fmt::format("https://pkg.go.dev/{}@{}", key.package(), key.version),
                         "pkg.go.dev")
          : std::string(),
      link(fmt::format("{}dl", build_page(latest)), "Build and download the latest"));
  Page out =
      page(site, fmt::format("{} {} for {}: {}", key.package(), key.version, what_for(key), sum),
           body + all_choices(key, around));
  out.cache = "public, max-age=60";
  return out;
}

Page unknown_sum_page(const SiteFacts& site, const build::Key& key, std::string_view sum) {
  std::string body = heading(key);
  body += fmt::format(
      "<p class=\"note warn\">Nobody has built this here yet, so it is not known whether its sum "
      "is <span class=\"sum\">{}</span>.</p>\n<p>{}: the page that follows shows the sum.</p>\n",
      escape_html(sum), link(build_page(key), "Build it and compare"));
  Page out = page(site, "Not built yet", std::move(body));
  out.status = 404;
  out.cache = "no-store";
  return out;
}

Page error_page(const SiteFacts& site, int status, const Error& error) {
  std::string body = fmt::format("<h1>{}</h1>\n<p class=\"note bad\">{}.</p>\n",
                                 http::reason_phrase(status), escape_html(capital(error.message)));
  if (!error.hint.empty()) body += fmt::format("<p>{}.</p>\n", escape_html(capital(error.hint)));
  body += fmt::format("<p>{}</p>\n", link("/", "Back to the start"));
  Page out = page(site, std::string(http::reason_phrase(status)), std::move(body));
  out.status = status;
  out.cache = "no-store";
  return out;
}

}  // namespace gw::buildd
