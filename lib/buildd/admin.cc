#include "buildd/admin.h"

#include "base/json.h"
#include "base/text.h"
#include "buildd/site_answers.h"
#include "http/form.h"
#include "http/metrics_page.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

constexpr std::uint32_t kMaxFailures = 10'000;

constexpr std::string_view kNotFromPages = "not from other sites' pages";

// A page that the operator happens to look at could post here, too; browsers then say whose it is.
bool is_from_a_page(const http::Request& request) { return request.header("origin") != nullptr; }

http::Response json_response(const Json& document) {
  http::Response out;
  out.content_type = "application/json";
  out.body = format_json(document) + "\n";
  return out;
}

http::Response pending(const AdminParts& parts) {
  Json out = Json::array();
  for (const BuildQueue::Pending& p : parts.queue.pending()) {
    out.push_back({{"key", p.key}, {"position", p.state.position}, {"progress", p.state.progress}});
  }
  return json_response(out);
}

http::Response failures(const AdminParts& parts) {
  const auto all = parts.ledger.failures(parts.clock.now(), kMaxFailures);
  if (!all) return text_error(500, all.error());
  Json out = Json::array();
  for (const FailedKey& f : *all) {
    out.push_back({{"key", f.key},
                   {"reason", f.failure.reason},
                   {"message", f.failure.message},
                   {"failed_at", format_rfc3339(f.failure.failed_at)},
                   {"expires_at", format_rfc3339(f.failure.expires_at)}});
  }
  return json_response(out);
}

// One key's, or all.
http::Response forget(const AdminParts& parts, const http::Request& request) {
  std::vector<std::string> keys;
  const auto form = http::Form::of_body(request);
  if (form && form->find("key") != nullptr) {
    keys.emplace_back(form->get("key"));
  } else {
    const auto all = parts.ledger.failures(parts.clock.now(), kMaxFailures);
    if (!all) return text_error(500, all.error());
    for (const FailedKey& f : *all) keys.push_back(f.key);
  }
  std::size_t forgotten = 0;
  for (const std::string& key : keys) {
    const auto done = parts.ledger.forget_failure(key);
    if (!done) return text_error(500, done.error());
    forgotten += *done ? 1 : 0;
  }
  return json_response({{"forgotten", forgotten}});
}

// A list of builds to have ready before anybody asks.
http::Response build_all(const AdminParts& parts, const http::Request& request) {
  std::size_t queued = 0;
  Json refused_lines = Json::array();
  std::string_view rest = request.body;
  while (!rest.empty()) {
    const std::string_view line = trim(take_line(rest));
    if (line.empty()) continue;
    const auto target = tlog::parse_build_key(line);
    const auto built = parts.ledger.find(line);
    if (built && *built) continue;
    Status done = usage_error("not a key");
    if (target) done = parts.queue.submit(build::key_of_record({*target, 0, {}}), nullptr);
    if (done) {
      ++queued;
    } else {
      refused_lines.push_back({{"line", line}, {"error", done.error().message}});
    }
  }
  return json_response({{"queued", queued}, {"refused", refused_lines}});
}

http::Response tried_toolchains(const AdminParts& parts) {
  Json out = Json::array();
  if (parts.gate == nullptr) return json_response(out);
  for (const ToolchainGate::Tried& tried : parts.gate->all()) {
    out.push_back({{"go_version", tried.go_version},
                   {"sum", tried.sum},
                   {"passed", tried.passed},
                   {"tried_at", tried.at},
                   {"message", tried.message}});
  }
  return json_response(out);
}

http::Response forget_toolchain(const AdminParts& parts, const http::Request& request) {
  const auto form = http::Form::of_body(request);
  if (!form || form->find("go") == nullptr)
    return http::text_response(400, "go=VERSION is missing");
  if (parts.gate == nullptr) return json_response({{"forgotten", 0}});
  const auto done = parts.gate->forget(form->get("go"));
  if (!done) return text_error(500, done.error());
  return json_response({{"forgotten", *done ? 1 : 0}});
}

}  // namespace

void add_admin_routes(http::Router& router, AdminParts parts) {
  http::add_metrics_page(router, nullptr, parts.set_gauges);
  const auto shared = std::make_shared<AdminParts>(std::move(parts));
  router.get("/pending", [shared](const http::Request& /*r*/) { return pending(*shared); });
  router.get("/failures", [shared](const http::Request& /*r*/) { return failures(*shared); });
  router.post("/failures/forget", [shared](const http::Request& r) {
    return is_from_a_page(r) ? http::text_response(403, kNotFromPages) : forget(*shared, r);
  });
  router.get("/toolchains",
             [shared](const http::Request& /*r*/) { return tried_toolchains(*shared); });
  router.post("/toolchains/forget", [shared](const http::Request& r) {
    return is_from_a_page(r) ? http::text_response(403, kNotFromPages)
                             : forget_toolchain(*shared, r);
  });
  router.post("/build", [shared](const http::Request& r) {
    return is_from_a_page(r) ? http::text_response(403, kNotFromPages) : build_all(*shared, r);
  });
  router.get("/notes", [shared](const http::Request& /*r*/) {
    return http::text_response(200, shared->notes.text());
  });
  router.post("/notes", [shared](const http::Request& r) {
    if (is_from_a_page(r)) return http::text_response(403, kNotFromPages);
    const Status set = shared->notes.set(r.body);
    return set ? http::text_response(200, shared->notes.text())
               : text_error(status_of(set.error()), set.error());
  });
  router.post("/drain", [shared](const http::Request& r) {
    if (is_from_a_page(r)) return http::text_response(403, kNotFromPages);
    shared->queue.close();
    return http::text_response(200, "draining");
  });
}

}  // namespace gw::buildd
