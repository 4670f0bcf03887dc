// Pages of one build: which of them there is (see the table in site.h), until there is a result.
#include <fmt/format.h>

#include "base/metrics.h"
#include "base/text.h"
#include "build/resolve.h"
#include "buildd/json_pages.h"
#include "buildd/site.h"
#include "buildd/site_answers.h"
#include "module/gzip.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

constexpr std::size_t kLogOnPage = std::size_t{16} << 10U;

// The end of a log, which is where it says why.
std::string_view tail(std::string_view log) {
  if (log.size() <= kLogOnPage) return log;
  log.remove_prefix(log.size() - kLogOnPage);
  (void)take_line(log);
  return log;
}

}  // namespace

void Site::serve_build(const Visit& visit, BuildPath path) {
  if (build::is_version_query(path.key.version) || build::is_go_query(path.key.go_version)) {
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

}  // namespace gw::buildd
