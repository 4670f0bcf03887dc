#include "buildd/site_answers.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/text.h"
#include "http/file_response.h"

namespace gw::buildd {

namespace {

struct WithStatus : ErrorDetail {
  explicit WithStatus(int s, std::chrono::seconds w = {}) : status(s), wait(w) {}
  int status;
  std::chrono::seconds wait;
};

const WithStatus* detail_of(const Error& error) {
  return dynamic_cast<const WithStatus*>(error.detail.get());
}

constexpr std::chrono::seconds kTryAgain{60};

}  // namespace

Error refused(std::string message) {
  Error out = usage_error(std::move(message));
  out.detail = std::make_shared<WithStatus>(403);
  return out;
}

Error too_many(std::chrono::seconds wait) {
  Error out = unavailable_error("too many new builds from your network",
                                fmt::format("try again in {} seconds", wait.count()));
  out.detail = std::make_shared<WithStatus>(429, wait);
  return out;
}

Error unprocessable(std::string message, std::string hint) {
  Error out = usage_error(std::move(message), std::move(hint));
  out.detail = std::make_shared<WithStatus>(422);
  return out;
}

Error as_client_error(Error error) {
  if (error.kind != ErrorKind::kNotFound) return error;
  return unprocessable(std::move(error.message), std::move(error.hint));
}

int status_of(const Error& error) {
  if (const auto* detail = detail_of(error)) return detail->status;
  switch (error.kind) {
    case ErrorKind::kUsage:
    case ErrorKind::kUntrusted:  // what a proxy gave: nothing can be built from it
      return 422;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kUnavailable:
      return 503;
    case ErrorKind::kCorrupt:
    case ErrorKind::kIo:
    case ErrorKind::kInternal:
      return 500;
  }
  return 500;
}

int status_of_file(const Error& error) {
  const int status = status_of(error);
  return status == 422 ? 404 : status;
}

std::optional<std::chrono::seconds> retry_after(const Error& error) {
  const auto* detail = detail_of(error);
  if (detail != nullptr && detail->wait.count() > 0) return detail->wait;
  if (detail == nullptr && error.kind == ErrorKind::kUnavailable) return kTryAgain;
  return std::nullopt;
}

std::vector<std::string_view> headers_of(const http::Request& request, std::string_view name) {
  const std::string lower = to_lower(name);
  std::vector<std::string_view> out;
  for (const http::Header& header : request.headers) {
    if (header.name == lower) out.push_back(header.value);
  }
  return out;
}

bool wants_html(const http::Request& request) {
  const std::string* accept = request.header("accept");
  return accept != nullptr && accept->find("text/html") != std::string::npos;
}

http::Response text_error(int status, const Error& error) {
  http::Response out = http::text_response(
      status,
      error.hint.empty() ? error.message : fmt::format("{}\n{}", error.message, error.hint));
  out.headers.push_back({"Cache-Control", "no-store"});
  if (const auto wait = retry_after(error); wait && (status == 503 || status == 429)) {
    out.headers.push_back({"Retry-After", std::to_string(wait->count())});
  }
  return out;
}

http::Response text_page(std::string text) {
  http::Response out;
  out.headers = {{"Cache-Control", "no-cache"}, {"X-Robots-Tag", "noindex"}};
  out.body = std::move(text);
  return out;
}

http::Response json_text(std::string line) {
  http::Response out = text_page(std::move(line) + "\n");
  out.content_type = "application/json";
  return out;
}

http::Response redirect_to(const std::string& path, int status) {
  http::Response out = http::redirect(status, path);
  out.headers.push_back({"Cache-Control", "no-store"});
  return out;
}

http::Response ended_badly(const BuildUpdate& update) {
  if (update.kind == BuildUpdate::Kind::kPermFailed) {
    return text_error(422, unprocessable("it cannot be built: " + update.error));
  }
  return text_error(503, unavailable_error("it could not be built now: " + update.error));
}

http::Response event_stream() {
  http::Response out;
  out.content_type = "text/event-stream";
  out.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  return out;
}

std::string event_data(const BuildUpdate& update) {
  Json out;
  switch (update.kind) {
    case BuildUpdate::Kind::kQueued:
      out = {{"Kind", "QueuePosition"}, {"QueuePosition", update.position}};
      if (!update.progress.empty()) out["Progress"] = update.progress;
      break;
    case BuildUpdate::Kind::kTempFailed:
      out = {{"Kind", "TempFailed"}, {"Error", update.error}};
      break;
    case BuildUpdate::Kind::kPermFailed:
      out = {{"Kind", "PermFailed"}, {"Error", update.error}};
      break;
    case BuildUpdate::Kind::kSuccess:
      out = {{"Kind", "Success"}, {"Sum", update.sum}};
      break;
  }
  return format_json(out);
}

http::Response log_response(const tlog::LogFile& file) {
  http::Response out;
  out.headers = {
      {"Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"X-Robots-Tag", "noindex"}};
  out.body = file.body;
  return out;
}

http::Response binary_response(const http::Request& request, const std::string& path,
                               const std::string& name, const Hash& sha256) {
  auto file = http::open_file(path);
  if (!file) return text_error(500, file.error());
  file->content_type = name.ends_with(".gz") ? "application/gzip" : "application/octet-stream";
  file->etag = fmt::format("\"{}\"", encode_hex(as_bytes(sha256)));
  file->headers = {{"Cache-Control", "public, max-age=31536000, immutable"},
                   {"Content-Disposition", fmt::format("attachment; filename=\"{}\"", name)},
                   {"Repr-Digest", fmt::format("sha-256=:{}:", encode_base64(as_bytes(sha256)))},
                   {"X-Robots-Tag", "noindex"}};
  return http::file_response(request, *std::move(file));
}

std::optional<std::string> old_address(std::string_view path) {
  for (const std::string_view prefix : {"/m/", "/b/", "/r/"}) {
    if (path.starts_with(prefix) && parse_build_path(path.substr(prefix.size() - 1))) {
      return std::string(path.substr(prefix.size() - 1));
    }
  }
  return std::nullopt;
}

std::optional<std::string> resolved_page(const BuildPath& path, const std::string& asked) {
  if (is_named_page(path.page)) return path.page;
  const std::string file = build::binary_name(path.key);
  for (const std::string_view end : {"", ".gz", ".tlog-proof", ".gz.tlog-proof"}) {
    for (const std::string& name : {asked, file}) {
      if (path.page == fmt::format("{}{}", name, end)) return fmt::format("{}{}", file, end);
    }
  }
  return std::nullopt;
}

void count_page(int status) {
  if (status < 300) {
    metric_add(Metric::kBuildPages, PageEnd::kOk);
  } else if (status < 400) {
    metric_add(Metric::kBuildPages, PageEnd::kRedirect);
  } else if (status < 500) {
    metric_add(Metric::kBuildPages, PageEnd::kClientError);
  } else {
    metric_add(Metric::kBuildPages, PageEnd::kServerError);
  }
}

}  // namespace gw::buildd
