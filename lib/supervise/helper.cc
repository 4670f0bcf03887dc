#include "supervise/helper.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "net/http_url.h"
#include "os/pages.h"
#include "supervise/helper_parts.h"
#include "supervise/readiness.h"

namespace gw::supervise {

net::HttpOptions http_options(const Sources& sources) {
  net::HttpOptions options;
  options.ca_file = sources.ca_file;
  options.quiet = os::give_back_memory;  // a service may build for minutes
  return options;
}

Status write_frame(int out, FrameKind kind, std::string_view payload) {
  const int error = write_all(out, format_frame(kind, payload));
  return error == 0 ? Status() : errno_error("writing to the supervisor", error);
}

namespace {

Status post_event(const Job& job) {
  GW_TRY(auto http, net::HttpClient::create(http_options(job.sources)));
  net::HttpRequest request;
  request.url = job.where;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = job.body;
  request.timeout = std::chrono::milliseconds(job.timeout_ms);
  GW_TRY(const net::HttpResponse response, http.fetch_one(request));
  if (response.status >= 200 && response.status < 300) return {};
  return unavailable_error(
      fmt::format("{}: status {}", net::redact_url(job.where), response.status));
}

// What was found is said before a database is looked into, and again after: whatever that one does
// to us, an answer has been given.
Status tell_discovered(const Job& job, int out, const Clock& clock) {
  auto found = discover(job, clock);
  if (!found) return write_frame(out, FrameKind::kError, format_error(found.error()));
  GW_CHECK(write_frame(out, FrameKind::kAnswer, format_discovered(*found)));
  if (job.sources.vulnerabilities.empty()) return {};
  if (auto looked = find_vulnerabilities(job, *found); !looked) {
    add_problem(*found, looked.error().message);
  }
  return write_frame(out, FrameKind::kAnswer, format_discovered(*found));
}

}  // namespace

Status tell_refused(const Job& job, int out, const Error& why) {
  using Kind = Job::Kind;
  if (job.kind == Kind::kTell || job.kind == Kind::kReady) return {};  // whose output is nobody's
  return write_frame(out, FrameKind::kRefused, why.message);
}

Status help(const Job& job, int out, const Clock& clock) {
  if (job.kind == Job::Kind::kTell) return post_event(job);
  if (job.kind == Job::Kind::kReady) {
    GW_TRY(const Readiness readiness, parse_readiness(job.where));
    return try_readiness(readiness, std::chrono::milliseconds(job.timeout_ms));
  }
  if (job.kind == Job::Kind::kDiscover) return tell_discovered(job, out, clock);
  if (auto fetched = fetch(job, out); !fetched) {
    return write_frame(out, FrameKind::kError, format_error(fetched.error()));
  }
  return {};
}

}  // namespace gw::supervise
