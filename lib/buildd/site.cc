#include "buildd/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"
#include "buildd/hidden_paths.h"
#include "buildd/json_pages.h"
#include "buildd/maker.h"
#include "buildd/site_answers.h"
#include "http/form.h"

namespace gw::buildd {

namespace {

constexpr auto kNoModules = std::to_array<std::string_view>(
    {"favicon.ico", "apple-touch-icon.png", "apple-touch-icon-precomposed.png", "sitemap.xml",
     "ads.txt", "humans.txt", "llms.txt"});
constexpr std::uint32_t kQuestionsPerBuild = 20;
constexpr std::uint32_t kRecent = 20;
constexpr std::uint32_t kMaxSums = 100'000;

http::Response only_get() {
  http::Response out = http::text_response(405, "only GET and HEAD");
  out.headers.push_back({"Allow", "GET, HEAD"});
  return out;
}

}  // namespace

Site::Site(const SiteParts& parts, SiteFacts facts, SiteRules rules)
    : parts_(parts),
      facts_(std::move(facts)),
      rules_(std::move(rules)),
      limits_(parts.clock),
      questions_(parts.clock, kQuestionsPerBuild) {}

void Site::add_routes(http::Router& router) {
  const auto add = [&](const std::string& pattern, bool post, bool slow, auto method) {
    router.add({.pattern = pattern,
                .post = post,
                .handler =
                    [this, post, method](const http::Request& request, const http::Reply& reply) {
                      (this->*method)(Visit{request, reply, post});
                    },
                .slow = slow});
  };
  router.get(std::string(kStylePath), [](const http::Request& /*r*/) { return style_sheet(); });
  router.get(std::string(kScriptPath), [](const http::Request& /*r*/) { return script(); });
  router.get("/robots.txt", [](const http::Request& /*r*/) { return robots(); });
  // What browsers and crawlers ask any host for is no module.
  for (const std::string_view name : kNoModules) {
    router.get(fmt::format("/{}", name), [](const http::Request& /*r*/) {
      return text_error(404, not_found_error("no such page"));
    });
  }
  add("/tlog/*", false, false, &Site::serve_log_file);
  add("/tlog/lookup/*", false, true, &Site::serve_lookup);
  // What has to ask the network may take a while.
  add("/*", false, true, &Site::serve);
  add("/*", true, true, &Site::serve);
}

void Site::send(const Visit& visit, http::Response response) const {
  count_page(response.status);
  visit.reply.send(std::move(response));
}

// Readers are not told where things lie here.
Error Site::for_readers(Error error) const {
  error.message = strip_paths(error.message, rules_.hidden_paths);
  error.hint = strip_paths(error.hint, rules_.hidden_paths);
  return error;
}

void Site::send_error(const Visit& visit, const Error& found) const {
  const int status = status_of(found);
  const Error error = for_readers(found);
  http::Response out = wants_json(visit.request) ? json_page(status, {{"error", error_json(error)}})
                       : wants_html(visit.request) ? render(error_page(facts_, status, error))
                                                   : text_error(status, error);
  const bool told = std::any_of(out.headers.begin(), out.headers.end(),
                                [](const auto& h) { return h.name == "Retry-After"; });
  if (const auto wait = retry_after(error); wait && !told) {
    out.headers.push_back({"Retry-After", std::to_string(wait->count())});
  }
  send(visit, std::move(out));
}

// ---- pages ----

void Site::serve(const Visit& visit) {
  auto path = parse_build_path(visit.request.path);
  if (!path && visit.post) return send(visit, only_get());
  if (!path) {
    if (const auto moved = old_address(visit.request.path)) {
      return send(visit, http::redirect(301, *moved));
    }
    return send_error(visit, path.error());
  }
  serve_path(visit, *std::move(path));
}

void Site::serve_path(const Visit& visit, BuildPath path) {
  using Kind = BuildPath::Kind;
  if (visit.post && !(path.kind == Kind::kBuild && path.page == "retry")) {
    return send(visit, only_get());
  }
  if (path.kind == Kind::kHome) return serve_home(visit);
  if (path.misspelled && path.kind != Kind::kBuild) {
    return send(visit, redirect_to(format_build_path(path)));
  }
  if (path.kind == Kind::kModule) return serve_module(visit, path);
  if (path.kind == Kind::kVersion) return serve_version(visit, path);
  serve_build(visit, std::move(path));
}

void Site::serve_home(const Visit& visit) {
  const auto form = http::Form::parse(visit.request.query);
  if (form && form->find("m") != nullptr) {
    // Only to pages of this service: "/\\evil.example" is another host for browsers.
    std::string_view wanted = trim(form->get("m"), " \t\r\n/");
    // A module's page, as browsers give its address.
    for (const std::string_view scheme : {"https://", "http://"}) {
      if (wanted.starts_with(scheme)) wanted.remove_prefix(scheme.size());
    }
    const auto path = parse_build_path(fmt::format("/{}", wanted));
    if (!path) return send_error(visit, path.error());
    return send(visit, redirect_to(format_build_path(*path)));
  }
  HomeFacts facts;
  facts.log_size = parts_.log.head()->size;
  facts.waiting = parts_.queue.waiting();
  auto recent = parts_.ledger.recent(kRecent);
  if (!recent) return send_error(visit, recent.error());
  keep_covered(*recent);
  facts.recent = *std::move(recent);
  SiteFacts site = facts_;
  if (parts_.notes != nullptr) site.notes = parts_.notes->text();
  if (wants_json(visit.request)) return send(visit, json_page(200, home_json(site, facts)));
  send(visit, render(home_page(site, facts)));
}

void Site::serve_module(const Visit& visit, const BuildPath& path) {
  // Its page takes a version's files from the proxy, which is work for a build.
  if (const Status s = check_asker(visit, path.key.module); !s) return send_error(visit, s.error());
  if (const Status s = may_ask(visit); !s) return send_error(visit, s.error());
  ModulePageFacts facts;
  facts.module = path.key.module;
  auto version = parts_.catalog.resolve(path.key.module, "latest");
  if (!version) return send_error(visit, as_client_error(version.error()));
  facts.version = *std::move(version);
  auto found = parts_.catalog.facts(facts.module, facts.version);
  if (!found) return send_error(visit, as_client_error(found.error()));
  facts.facts = *std::move(found);
  facts.remark = parts_.catalog.remark(facts.module).text;
  if (parts_.vulnerabilities != nullptr) {
    const std::vector<mod::Component> have = {{facts.module, facts.version}};
    const auto documents = parts_.vulnerabilities->of_module(facts.module);
    facts.unanswered = documents == nullptr;
    if (documents) facts.findings = mod::match(*documents, have, {});
  }
  auto built = parts_.ledger.of_module(facts.module, kRecent);
  if (!built) return send_error(visit, built.error());
  keep_covered(*built);
  facts.built = *std::move(built);
  if (wants_json(visit.request)) return send(visit, json_page(200, module_json(facts)));
  if (facts.facts->commands.size() == 1) {
    BuildPath only = path;
    only.kind = BuildPath::Kind::kVersion;
    only.key.version = facts.version;
    only.key.dir = facts.facts->commands[0];
    return send(visit, redirect_to(format_build_path(only)));
  }
  send(visit, render(module_page(facts_, facts)));
}

// All that was built of a version: records as lines, or with their results as JSON.
void Site::serve_sums(const Visit& visit, build::Key key) {
  key.target = {"linux", "amd64"};
  key.go_version = "latest";
  if (const Status s = resolve(visit, key); !s) return send_error(visit, s.error());
  auto built = parts_.ledger.of_version(key.module, key.version, kMaxSums);
  if (!built) return send_error(visit, built.error());
  keep_covered(*built);
  std::string lines;
  Json all = Json::array();
  for (const Built& b : *built) {
    lines += b.record;
    all.push_back(built_json(b));
  }
  if (!wants_json(visit.request)) return send(visit, text_page(std::move(lines)));
  send(visit, json_page(200, {{"module", key.module}, {"version", key.version}, {"built", all}}));
}

void Site::serve_version(const Visit& visit, const BuildPath& path) {
  if (visit.request.query == "sums" || wants_json(visit.request)) {
    return serve_sums(visit, path.key);
  }
  BuildPath build = path;
  build.kind = BuildPath::Kind::kBuild;
  const std::string* agent = visit.request.header("user-agent");
  build.key.target = guess_target(agent == nullptr ? "" : *agent);
  build.key.go_version = "latest";
  if (const Status s = resolve(visit, build.key); !s) return send_error(visit, s.error());
  send(visit, redirect_to(format_build_path(build)));
}

// ---- what is built ----

// A record that no signed head covers yet (the signer has failed) is not built for readers. The
// ledger is read before the head: whatever is covered is found.
Result<std::optional<Built>> Site::find_built(const std::string& name) const {
  GW_TRY(auto built, parts_.ledger.find_built(name));
  if (built && built->number >= parts_.log.head()->size) built.reset();
  return built;
}

void Site::keep_covered(std::vector<Built>& built) const {
  const std::uint64_t size = parts_.log.head()->size;
  std::erase_if(built, [&](const Built& b) { return b.number >= size; });
}

}  // namespace gw::buildd
