// The log's files, and look-ups in it, which build what is not there.
#include "base/metrics.h"
#include "build/resolve.h"
#include "buildd/site.h"
#include "buildd/site_answers.h"

namespace gw::buildd {

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
  const bool query =
      build::is_version_query(path->key.version) || build::is_go_query(path->key.go_version);
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
