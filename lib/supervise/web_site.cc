#include "supervise/web_site.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "supervise/json_fields.h"
#include "supervise/supervisor.h"
#include "supervise/web_page.h"

namespace gw::supervise {
namespace {

using http::Request;
using http::Response;

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kJson = "application/json";

void add_safety(Response& response) {
  response.headers.push_back(
      {"Content-Security-Policy",
       "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
       "base-uri 'none'"});
  response.headers.push_back({"Cache-Control", "no-store"});
  response.headers.push_back({"Referrer-Policy", "same-origin"});
}

}  // namespace

Result<Json> Web::ask(const std::string& command) const {
  return ask_supervisor(options_.directory, command);
}

void Web::slow_get(http::Router& router, const std::string& path,
                   std::function<Response(const Request&)> answer) {
  router.add({path, false, http::simple(std::move(answer)), true});
}
void Web::slow_post(http::Router& router, const std::string& path,
                    std::function<Response(const Request&)> answer) {
  router.add({path, true, http::simple(std::move(answer)), true});
}

// ---- for everybody ----

void Web::add_open(http::Router& router) {
  slow_get(router, "/metrics", [this](const Request&) {
    const auto answer = ask("metrics");
    if (!answer) return http::text_response(503, answer.error().message);
    Response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = text_member(*answer, "text");
    return out;
  });
  slow_get(router, "/service-version", [this](const Request&) {
    const auto s = ask("status");
    if (!s) return http::text_response(503, s.error().message);
    return http::text_response(
        200, fmt::format("{} {} {} {} {}", text_member(*s, "package"), text_member(*s, "version"),
                         text_member(*s, "go_version"), text_member(*s, "goos"),
                         text_member(*s, "goarch")));
  });
  slow_get(router, "/service-version.json", [this](const Request&) {
    const auto s = ask("status");
    if (!s) return http::text_response(503, s.error().message);
    Response out;
    out.content_type = kJson;
    out.body = format_json({{"module", text_member(*s, "module")},
                            {"package", text_member(*s, "package")},
                            {"version", text_member(*s, "version")},
                            {"goversion", text_member(*s, "go_version")},
                            {"os", text_member(*s, "goos")},
                            {"arch", text_member(*s, "goarch")}}) +
               "\n";
    return out;
  });
}

// ---- for who has the password ----

// Nothing: the request is from who may.
std::optional<Response> Web::refuse(const Request& request) {
  const std::string who = request.peer ? request.peer->format_ip() : "";
  if (!passwords_.allows(who)) return http::text_response(429, "too many wrong passwords");
  const auto password = basic_password(request);
  const auto right = password ? ask("login " + encode_base64(*password)) : Result<Json>(Json());
  if (!right && right.error().kind != ErrorKind::kUntrusted) {
    return http::text_response(503, right.error().message);
  }
  if (password && right) return std::nullopt;
  if (password) passwords_.wrong(who);
  Response out = http::text_response(401, "the password of user admin is needed");
  out.headers.push_back(
      {"WWW-Authenticate", "Basic realm=\"gwtool supervise\", charset=\"UTF-8\""});
  return out;
}

Response Web::guarded(const Request& request, const std::function<Response()>& answer) {
  auto refused = refuse(request);
  Response out = refused ? *std::move(refused) : answer();
  add_safety(out);
  return out;
}

// The supervisor looks at the password again: it takes no word of ours for it.
Result<Json> Web::ask_as_admin(const Request& request, const std::string& command) const {
  return ask(
      fmt::format("as-admin {} {}", encode_base64(basic_password(request).value_or("")), command));
}

Response Web::page(const Request& request, const std::string& problem, int status) const {
  const auto state = ask("status");
  const auto history = ask("history");
  const auto settings = ask_as_admin(request, "settings");
  Response out;
  out.status = status;
  out.content_type = kHtml;
  PageParts parts;
  parts.problem = state ? problem : state.error().message;
  parts.form_token = form_token_;
  parts.links = options_.links;
  parts.now = clock_.now();
  if (state) parts.status = *state;
  if (history) parts.history = *history;
  if (settings) parts.settings = *settings;
  out.body = format_page(parts);
  return out;
}

Result<std::string> Web::command_of(const http::Form& form, const std::string& verb) const {
  std::string command = verb;
  if (verb == "pause") command += " " + std::string(form.get("reason"));
  if (verb == "update" || verb == "skip") {
    if (!form.get("which").empty() && form.get("which") != "service") {
      return usage_error("which: only the service is updated here",
                         "gwtool itself is, by a new binary on the disk");
    }
    const std::string_view go = form.get("goversion");
    std::string_view version = form.get("version");
    if (version.empty() && !go.empty()) version = "current";
    for (const std::string_view word : {version, go}) {
      if (!word.empty()) command += " " + std::string(word);
    }
  }
  if (std::any_of(command.begin(), command.end(), is_control)) {
    return usage_error("a control character");
  }
  return command;
}

Response Web::act(const Request& request, const std::string& verb) {
  const Sender sender = sender_of(request, options_.origins);
  if (sender == Sender::kBrowserElse) {
    return http::text_response(403, "this came from another site's page");
  }
  auto form = http::Form::of_body(request);
  if (!form) return http::text_response(400, form.error().message);
  const bool needs_token = sender == Sender::kBrowserHere || verb != "update";
  if (needs_token && !equal_secrets(form->get("token"), form_token_)) {
    return http::text_response(403, "the form is too old: load the page again");
  }
  auto command = command_of(*form, verb);
  const auto done = command ? ask_as_admin(request, *command) : Result<Json>(command.error());
  if (sender == Sender::kProgram) {
    return done ? http::text_response(200, "ok") : http::text_response(400, done.error().message);
  }
  if (!done) return page(request, done.error().message, 400);
  return http::redirect(303, "/");
}

// Answered at once; the hint in its body is not looked at.
Response Web::webhook(const Request& request) {
  const std::string who = request.peer ? request.peer->format_ip() : "";
  if (!tokens_.allows(who)) return http::text_response(429, "too many wrong tokens");
  const auto token = bearer_token(request);
  if (!token || !equal_secrets(*token, token_)) {
    tokens_.wrong(who);
    return http::text_response(403, "a bearer token is needed");
  }
  const auto done = ask("notify");
  return done ? http::text_response(202, "ok") : http::text_response(503, done.error().message);
}

void Web::add_admin(http::Router& router) {
  slow_get(router, "/", [this](const Request& request) {
    return guarded(request, [&] { return page(request, "", 200); });
  });
  router.get("/style.css", [](const Request&) {
    Response out;
    out.content_type = "text/css; charset=utf-8";
    out.body = page_style();
    return out;
  });
  slow_get(router, "/json", [this](const Request& request) {
    return guarded(request, [&] {
      const auto state = ask("status");
      const auto history = ask("history");
      const auto settings = ask_as_admin(request, "settings");
      if (!state || !history || !settings)
        return http::text_response(503, "the supervisor does not answer");
      Response out;
      out.content_type = kJson;
      out.body =
          format_json({{"status", *state}, {"history", *history}, {"settings", *settings}}) + "\n";
      return out;
    });
  });
  for (const std::string verb :
       {"check", "pause", "resume", "update", "rollback", "skip", "reload"}) {
    slow_post(router, "/" + verb, [this, verb](const Request& request) {
      return guarded(request, [&] { return act(request, verb); });
    });
  }
  if (token_.empty()) return;
  for (const char* path : {"/notify", "/notifytoolchain"}) {
    slow_post(router, path, [this](const Request& request) { return webhook(request); });
  }
}

}  // namespace gw::supervise
