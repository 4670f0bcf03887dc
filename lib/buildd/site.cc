#include "buildd/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/text.h"
#include "buildd/json_pages.h"
#include "buildd/maker.h"
#include "buildd/provenance.h"
#include "buildd/site_answers.h"
#include "http/form.h"
#include "module/buildinfo.h"
#include "module/byte_source.h"
#include "module/gzip.h"
#include "os/file.h"
#include "tlog/build_log.h"
#include "tlog/tlog_proof.h"
#include "tlog/tree.h"

namespace gw::buildd {

namespace {

constexpr std::string_view kProof = ".tlog-proof";
constexpr auto kNoModules = std::to_array<std::string_view>(
    {"favicon.ico", "apple-touch-icon.png", "apple-touch-icon-precomposed.png", "sitemap.xml",
     "ads.txt", "humans.txt", "llms.txt"});
constexpr std::uint32_t kQuestionsPerBuild = 20;
constexpr std::chrono::minutes kRenderedFor{1};
constexpr std::size_t kMaxRendered = 2000;
constexpr std::uint32_t kRecent = 20;
constexpr std::uint32_t kMaxSums = 100'000;
constexpr std::size_t kMaxShownLog = std::size_t{32} << 20U;
constexpr std::size_t kLogOnPage = std::size_t{16} << 10U;

std::optional<std::uint64_t> checkpoint_size(std::string_view note) {
  (void)take_line(note);
  return parse_decimal(take_line(note));
}

http::Response only_get() {
  http::Response out = http::text_response(405, "only GET and HEAD");
  out.headers.push_back({"Allow", "GET, HEAD"});
  return out;
}

// The end of a log, which is where it says why.
std::string_view tail(std::string_view log) {
  if (log.size() <= kLogOnPage) return log;
  log.remove_prefix(log.size() - kLogOnPage);
  (void)take_line(log);
  return log;
}

}  // namespace

Site::Site(SiteParts parts, SiteFacts facts, SiteRules rules)
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

void Site::serve_build(const Visit& visit, BuildPath path) {
  if (is_version_query(path.key) || is_go_query(path.key.go_version)) {
    const std::string asked = build::binary_name(path.key);
    if (const Status s = resolve(visit, path.key); !s) return send_error(visit, s.error());
    const auto page = resolved_page(path, asked);
    if (!page) return send_error(visit, not_found_error("no such page"));
    path.page = *page;
    return send(visit, redirect_to(format_build_path(path)));
  }
  if (const Status s = build::check_key(path.key); !s) return send_error(visit, s.error());
  if (path.misspelled) return send(visit, redirect_to(format_build_path(path)));
  if (!is_known_page(path)) {
    return send_error(visit, not_found_error("a build has no such page",
                                             "pages are log, dl, record, and its file's name"));
  }
  if (path.page == "retry" && !visit.post) {
    return send_error(visit, usage_error("a retry is asked for with POST"));
  }
  if (!path.sum.empty()) return serve_result(visit, path);
  const std::string name = build::format_key(path.key);
  const auto built = find_built(name);
  if (!built) return send_error(visit, built.error());
  if (*built) {
    const auto record = tlog::parse_build_record((*built)->record);
    path.sum = record ? record->sum : "";
    if (visit.post) path.page.clear();
    return send(visit, redirect_to(format_build_path(path), visit.post ? 303 : 307));
  }
  const auto failure = parts_.ledger.find_failure(name, parts_.clock.now());
  if (!failure) return send_error(visit, failure.error());
  if (*failure) return serve_failed(visit, path, **failure);
  serve_unbuilt(visit, path);
}

void Site::serve_failed(const Visit& visit, const BuildPath& path, const Failure& failure) {
  const std::string log =
      failure.log.empty() ? "" : mod::gunzip(failure.log, kMaxShownLog).value_or("");
  if (path.page.empty() && wants_json(visit.request)) {
    return send(visit, json_page(200, failed_json(path.key, failure)));
  }
  if (path.page.empty()) {
    return send(visit, render(failed_page(facts_, path.key, around(path.key), failure, tail(log))));
  }
  if (path.page == "log") return send(visit, text_page(log));
  if (path.page == "retry") {
    if (const Status s = admit(visit, path.key, Asks::kPage); !s) {
      return send_error(visit, s.error());
    }
    const auto forgotten = parts_.ledger.forget_failure(build::format_key(path.key));
    if (!forgotten) return send_error(visit, forgotten.error());
    return serve_unbuilt(visit, path);
  }
  send_error(visit,
             unprocessable(fmt::format("it cannot be built: {}", failure.message), failure.hint));
}

void Site::serve_unbuilt(const Visit& visit, const BuildPath& path) {
  const std::string name = build::format_key(path.key);
  const auto state = parts_.queue.find(name);
  const bool page = path.page.empty() || path.page == "log" || path.page == "dl";
  if (!state) {
    const Status s = admit(visit, path.key, page ? Asks::kPage : Asks::kBuild);
    if (!s) return send_error(visit, s.error());
  }
  if (path.page.empty() && wants_json(visit.request)) {
    const Around near = around(path.key);
    Json document = unbuilt_json(path.key, state);
    add_marks(document, near.findings, near.remark);
    return send(visit, json_page(200, document));
  }
  if (path.page.empty()) {
    return send(visit, render(unbuilt_page(facts_, path.key, around(path.key), state)));
  }
  if (page) {
    return send_error(visit, unprocessable("it is not built yet", "its page builds it"));
  }
  if (path.page == "events") return follow(visit, path.key);
  if (path.page != "retry") return build_then_go(visit, path);
  if (const Status s = parts_.queue.submit(path.key, nullptr); !s) {
    metric_add(Metric::kBuildRefused, BuildRefusal::kQueue);
    return send_error(visit, s.error());
  }
  send(visit, redirect_to(build_page(path.key), 303));
}

// Answers when the build has ended.
void Site::build_then_go(const Visit& visit, const BuildPath& path) {
  const Status submitted = parts_.queue.submit(
      path.key, [path = BuildPath(path), reply = visit.reply](const BuildUpdate& update) mutable {
        if (!update.last()) return !reply.gone();
        if (update.kind == BuildUpdate::Kind::kSuccess) {
          path.sum = update.sum;
          reply.send(redirect_to(format_build_path(path)));
        } else {
          reply.send(ended_badly(update));
        }
        return false;
      });
  if (submitted) return;
  metric_add(Metric::kBuildRefused, BuildRefusal::kQueue);
  send_error(visit, submitted.error());
}

void Site::follow(const Visit& visit, const build::Key& key) {
  // Nothing is told of a build that cannot be asked for.
  const http::Stream stream = visit.reply.stream(event_stream());
  (void)stream.send(": keepalive\n\n");
  const Status submitted = parts_.queue.submit(key, [stream](const BuildUpdate& update) {
    const bool there = stream.send_event("update", event_data(update));
    if (update.last()) stream.end();
    return there;
  });
  if (submitted) return;
  metric_add(Metric::kBuildRefused, BuildRefusal::kQueue);
  BuildUpdate full;
  full.kind = BuildUpdate::Kind::kTempFailed;
  full.error = submitted.error().message;
  (void)stream.send_event("update", event_data(full));
  stream.end();
}

// ---- results ----

void Site::serve_result(const Visit& visit, const BuildPath& path) {
  const auto found = find_built(build::format_key(path.key));
  if (!found) return send_error(visit, found.error());
  if (!*found) {
    if (wants_html(visit.request) && path.page.empty()) {
      return send(visit, render(unknown_sum_page(facts_, path.key, path.sum)));
    }
    return send_error(visit, not_found_error("it is not built yet",
                                             "build it and compare: " + build_page(path.key)));
  }
  const Built& built = **found;
  const auto record = tlog::parse_build_record(built.record);
  if (!record || record->sum != path.sum) {
    return send_error(visit, not_found_error(fmt::format("its sum is {}, not {}",
                                                         record ? record->sum : "", path.sum)));
  }
  if (path.page.empty() && wants_json(visit.request)) {
    Around near;  // of what the page has beside it nothing is told
    near.remark = parts_.catalog.remark(path.key.module).text;
    add_vulnerabilities(near, path.key, &built);
    Json document = built_json(built);
    add_marks(document, near.findings, near.remark);
    return send(visit, json_page(200, document));
  }
  if (path.page.empty()) return serve_result_page(visit, path, built);
  if (path.page == "log") {
    const auto log = parts_.ledger.build_log(built.number);
    if (!log) return send_error(visit, log.error());
    return send(visit, text_page(mod::gunzip(*log, kMaxShownLog).value_or("")));
  }
  if (path.page == "record") return send(visit, text_page(built.record));
  if (path.page == "dl") {
    BuildPath file = path;
    file.page = build::binary_name(path.key);
    return send(visit, redirect_to(format_build_path(file)));
  }
  if (path.page == "events") {
    const http::Stream stream = visit.reply.stream(event_stream());
    BuildUpdate success;
    success.kind = BuildUpdate::Kind::kSuccess;
    success.sum = path.sum;
    (void)stream.send_event("update", event_data(success));
    return stream.end();
  }
  if (path.page == "retry") return send_error(visit, not_found_error("it is built already"));
  if (path.page == "provenance") return serve_provenance(visit, built);
  if (path.page == "modules") return serve_modules(visit, path, built);
  if (path.page.ends_with(kProof)) return serve_proof(visit, built);
  serve_file(visit, path, built);
}

// For those who have no network later: in the newest checkpoint that covers it, with witnesses'
// signatures where there are.
void Site::serve_proof(const Visit& visit, const Built& built) {
  const auto head = parts_.log.head();
  tlog::TlogProof proof;
  proof.extra = built.record;
  proof.index = built.number;
  proof.checkpoint = head->checkpoint;
  std::uint64_t size = head->size;
  const std::string witnessed = parts_.log.checkpoint();
  if (const auto other = checkpoint_size(witnessed); other && *other > built.number) {
    proof.checkpoint = witnessed;
    size = *other;
  }
  tlog::StoreNodes nodes(parts_.ledger);
  auto path = tlog::inclusion_proof(built.number, size, nodes);
  if (!path) return send_error(visit, path.error());
  proof.path = *std::move(path);
  send(visit, text_page(tlog::format_tlog_proof(proof)));
}

// Signed, for tools that check where binaries come from.
void Site::serve_provenance(const Visit& visit, const Built& built) {
  if (!parts_.sign_envelope) return send_error(visit, not_found_error("nothing is signed here"));
  const std::string statement = provenance_statement(built, facts_.base_url, facts_.name);
  const auto signature = parts_.sign_envelope(envelope_text(statement));
  if (!signature) return send_error(visit, signature.error());
  const auto key = tlog::VerifierKey::parse(facts_.verifier_key);
  if (!key) return send_error(visit, key.error());
  send(visit, json_text(format_envelope(statement, *key, *signature)));
}

// What the binary is made of, as far as it says so itself.
void Site::serve_modules(const Visit& visit, const BuildPath& path, const Built& built) {
  const auto file = parts_.binaries.use(path.sum, false, parts_.clock.now());
  if (!file && file.error().kind == ErrorKind::kNotFound) {
    return build_again(visit, path);
  }
  if (!file) return send_error(visit, file.error());
  const auto fd = os::open_regular_file(*file);
  if (!fd) return send_error(visit, fd.error());
  const auto source = mod::FdSource::of(fd->get());
  if (!source) return send_error(visit, source.error());
  const auto info = mod::read_build_info(*source);
  if (!info && info.error().kind != ErrorKind::kNotFound) return send_error(visit, info.error());
  send(visit, json_text(module_list(built, info ? &*info : nullptr)));
}

void Site::serve_result_page(const Visit& visit, const BuildPath& path, const Built& built) {
  const MonoTime now = parts_.clock.mono();
  std::shared_ptr<const Page> page;
  {
    const MutexLock lock(mutex_);
    const auto found = rendered_.find(visit.request.path);
    if (found != rendered_.end() && now - found->second.at < kRenderedFor)
      page = found->second.page;
  }
  if (page) return send(visit, render(*page));
  const Around near = around(path.key, &built);
  page = std::make_shared<const Page>(result_page(facts_, path.key, near, built));
  send(visit, render(*page));
  if (!near.unanswered) {
    const MutexLock lock(mutex_);
    if (rendered_.size() >= kMaxRendered) rendered_.clear();
    rendered_.insert_or_assign(visit.request.path, Rendered{now, page});
  }
  // After the answer, for the next one: what is new of the module.
  (void)parts_.catalog.versions(path.key.module);
}

void Site::serve_file(const Visit& visit, const BuildPath& path, const Built& built) {
  const bool packed = path.page.ends_with(".gz");
  const auto file = parts_.binaries.use(path.sum, packed, parts_.clock.now());
  if (file) {
    return send(visit, binary_response(visit.request, *file, path.page,
                                       packed ? built.packed_sha256 : built.sha256));
  }
  if (file.error().kind != ErrorKind::kNotFound) return send_error(visit, file.error());
  build_again(visit, path);
}

// Its files made room for others: built again, it must be what it was. Then the same address is
// good.
void Site::build_again(const Visit& visit, const BuildPath& path) {
  if (!parts_.queue.find(build::format_key(path.key))) {
    if (const Status s = admit_again(visit, path.key); !s) return send_error(visit, s.error());
  }
  build_then_go(visit, path);
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

// ---- the log ----

void Site::serve_log_file(const Visit& visit) {
  constexpr std::string_view kPrefix = "/tlog/";
  const auto file = parts_.files.read(std::string_view(visit.request.path).substr(kPrefix.size()));
  if (!file) {
    return visit.reply.send(text_error(status_of_file(file.error()), for_readers(file.error())));
  }
  visit.reply.send(log_response(*file));
}

void Site::serve_lookup(const Visit& asked) {
  Visit visit = asked;
  constexpr std::string_view kPrefix = "/tlog/lookup";
  auto path = parse_build_path(std::string_view(visit.request.path).substr(kPrefix.size()));
  const bool build = path && path->kind == BuildPath::Kind::kBuild && path->page.empty() &&
                     path->sum.empty() && !path->misspelled;
  if (!build) {
    return visit.reply.send(text_error(404, not_found_error("no such key")));
  }
  const bool query = is_version_query(path->key) || is_go_query(path->key.go_version);
  if (const Status s = query ? resolve(visit, path->key) : build::check_key(path->key); !s) {
    return visit.reply.send(text_error(status_of_file(s.error()), for_readers(s.error())));
  }
  const std::string name = build::format_key(path->key);
  const std::string file = "lookup/" + name;
  auto reply = parts_.files.read(file);
  if (reply) return visit.reply.send(log_response(*reply));
  if (reply.error().kind != ErrorKind::kNotFound) {
    return visit.reply.send(text_error(500, for_readers(reply.error())));
  }
  const auto failure = parts_.ledger.find_failure(name, parts_.clock.now());
  if (failure && *failure) {
    return visit.reply.send(text_error(404, not_found_error((*failure)->message)));
  }
  if (parts_.claims != nullptr) {
    visit.verifier = parts_.claims->take(name, headers_of(visit.request, kHopHeader));
  }
  if (!parts_.queue.find(name)) {
    if (const Status s = admit(visit, path->key, Asks::kBuild); !s) {
      return visit.reply.send(text_error(status_of_file(s.error()), for_readers(s.error())));
    }
  }
  // The queue outlives the site, and tells watchers until its last build has ended.
  const Status submitted = parts_.queue.submit(
      path->key, [&files = parts_.files, file, reply = visit.reply](const BuildUpdate& update) {
        if (!update.last()) return !reply.gone();
        if (update.kind != BuildUpdate::Kind::kSuccess) {
          const bool gone = update.kind == BuildUpdate::Kind::kPermFailed;
          // Clients come back by themselves when told to: after a failure it may be for nothing.
          reply.send(update.stopping ? text_error(503, unavailable_error(update.error))
                                     : text_error(gone ? 404 : 503, not_found_error(update.error)));
          return false;
        }
        const auto found = files.read(file);
        reply.send(found ? log_response(*found) : text_error(500, found.error()));
        return false;
      });
  if (submitted) return;
  metric_add(Metric::kBuildRefused, BuildRefusal::kQueue);
  visit.reply.send(text_error(503, submitted.error()));
}

}  // namespace gw::buildd
