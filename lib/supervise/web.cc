#include "supervise/web.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/json.h"
#include "http/form.h"
#include "http/server.h"
#include "os/control_socket.h"
#include "os/file.h"
#include "os/process.h"
#include "os/user.h"
#include "supervise/json_fields.h"
#include "supervise/messages.h"
#include "supervise/supervisor.h"
#include "supervise/web_page.h"

namespace gw::supervise {
namespace {

using http::Request;
using http::Response;

constexpr std::uint16_t kPort = 8000;
constexpr std::size_t kMaxSecret = 4096;
constexpr std::chrono::minutes kWindow{1};
constexpr std::size_t kMaxAddresses = 4096;
constexpr uid_t kNobody = 65534;
constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kJson = "application/json";

os::Identity read_identity_of(const Json& json) {
  os::Identity out{static_cast<uid_t>(number_member(json, "uid").value_or(kNobody)),
                   static_cast<gid_t>(number_member(json, "gid").value_or(kNobody)),
                   {}};
  for (const Json& group : list_member(json, "groups")) {
    if (group.is_number_unsigned()) out.groups.push_back(group.get<gid_t>());
  }
  return out;
}

Result<std::string> read_secret(const std::string& path) {
  GW_TRY(const std::string text, os::read_file(path, kMaxSecret));
  std::string secret(trim(text));
  if (secret.empty()) return usage_error(path + ": empty");
  return secret;
}

void add_safety(Response& response) {
  response.headers.push_back(
      {"Content-Security-Policy",
       "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; "
       "base-uri 'none'"});
  response.headers.push_back({"Cache-Control", "no-store"});
  response.headers.push_back({"Referrer-Policy", "same-origin"});
}

class Web {
 public:
  Web(WebOptions options, const Clock& clock, std::string token)
      : options_(std::move(options)),
        clock_(clock),
        passwords_(clock),
        tokens_(clock),
        token_(std::move(token)),
        form_token_(encode_hex(random_bytes(16))) {}

  void add_open(http::Router& router);
  void add_admin(http::Router& router);

 private:
  Result<Json> ask(const std::string& command) const;
  std::optional<Response> refuse(const Request& request);
  Response guarded(const Request& request, const std::function<Response()>& answer);
  Response page(const std::string& problem, int status) const;
  Response act(const Request& request, const std::string& verb);
  Result<std::string> command_of(const http::Form& form, const std::string& verb) const;
  Response webhook(const Request& request);
  void slow_get(http::Router& router, const std::string& path,
                std::function<Response(const Request&)> answer);
  void slow_post(http::Router& router, const std::string& path,
                 std::function<Response(const Request&)> answer);

  const WebOptions options_;
  const Clock& clock_;
  Throttle passwords_, tokens_;  // who guesses at one is not kept from the other
  const std::string token_;
  const std::string form_token_;
};

Result<Json> Web::ask(const std::string& command) const {
  GW_TRY(const std::string text,
         os::ask_control(control_path(options_.directory), command, kAnswerTime));
  auto json = parse_json(text);
  if (!json) return corrupt_error("the supervisor's answer is no JSON");
  if (const Json* error = find_member(*json, "error")) return parse_error(format_json(*error));
  return *std::move(json);
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

Response Web::page(const std::string& problem, int status) const {
  const auto state = ask("status");
  const auto history = ask("history");
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
  // The supervisor looks again: it takes no word of ours for it.
  const std::string password = encode_base64(basic_password(request).value_or(""));
  const auto done = command ? ask(fmt::format("as-admin {} {}", password, *command))
                            : Result<Json>(command.error());
  if (sender == Sender::kProgram) {
    return done ? http::text_response(200, "ok") : http::text_response(400, done.error().message);
  }
  if (!done) return page(done.error().message, 400);
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
    return guarded(request, [this] { return page("", 200); });
  });
  router.get("/style.css", [](const Request&) {
    Response out;
    out.content_type = "text/css; charset=utf-8";
    out.body = page_style();
    return out;
  });
  slow_get(router, "/json", [this](const Request& request) {
    return guarded(request, [this] {
      const auto state = ask("status");
      const auto history = ask("history");
      if (!state || !history) return http::text_response(503, "the supervisor does not answer");
      Response out;
      out.content_type = kJson;
      out.body = format_json({{"status", *state}, {"history", *history}}) + "\n";
      return out;
    });
  });
  for (const std::string verb : {"check", "pause", "resume", "update", "rollback", "skip"}) {
    slow_post(router, "/" + verb, [this, verb](const Request& request) {
      return guarded(request, [&] { return act(request, verb); });
    });
  }
  if (token_.empty()) return;
  for (const char* path : {"/notify", "/notifytoolchain"}) {
    slow_post(router, path, [this](const Request& request) { return webhook(request); });
  }
}

}  // namespace

// ---- who asks ----

bool equal_secrets(std::string_view a, std::string_view b) {
  // Of equal length, whatever was sent: the time tells nothing.
  const Hash x = sha256(a);
  const Hash y = sha256(b);
  unsigned different = 0;
  for (std::size_t i = 0; i < x.size(); ++i) different |= static_cast<unsigned>(x[i] ^ y[i]);
  return different == 0;
}

std::optional<std::string> basic_password(const Request& request) {
  const std::string* header = request.header("authorization");
  constexpr std::string_view kBasic = "basic ";
  constexpr std::string_view kUser = "admin:";
  if (header == nullptr || to_lower(header->substr(0, kBasic.size())) != kBasic) return {};
  const auto pair = decode_base64(trim(std::string_view(*header).substr(kBasic.size())));
  if (!pair || !pair->starts_with(kUser)) return std::nullopt;
  return pair->substr(kUser.size());
}

std::optional<std::string> bearer_token(const Request& request) {
  const std::string* header = request.header("authorization");
  constexpr std::string_view kBearer = "bearer ";
  if (header == nullptr || to_lower(header->substr(0, kBearer.size())) != kBearer) return {};
  return std::string(trim(std::string_view(*header).substr(kBearer.size())));
}

Sender sender_of(const Request& request, const std::vector<std::string>& origins) {
  const std::string* site = request.header("sec-fetch-site");
  if (site != nullptr && *site != "same-origin" && *site != "none") return Sender::kBrowserElse;
  const std::string* origin = request.header("origin");
  if (origin == nullptr) {
    // A browser that hides where it comes from hides it from us, too.
    const bool browser = site != nullptr || request.header("referer") != nullptr ||
                         request.header("cookie") != nullptr;
    return browser ? Sender::kBrowserHere : Sender::kProgram;
  }
  const std::string own = fmt::format("{}://{}", request.tls ? "https" : "http", request.host);
  const bool ours =
      *origin == own || std::find(origins.begin(), origins.end(), *origin) != origins.end();
  return ours ? Sender::kBrowserHere : Sender::kBrowserElse;
}

bool Throttle::allows(const std::string& who) {
  const MutexLock lock(mutex_);
  const auto at = counts_.find(who);
  if (at == counts_.end()) return true;
  if (clock_.mono() - at->second.since > kWindow) {
    counts_.erase(at);
    return true;
  }
  return at->second.wrong < most_;
}

void Throttle::wrong(const std::string& who) {
  const MutexLock lock(mutex_);
  if (counts_.size() >= kMaxAddresses) counts_.clear();
  const auto [at, is_new] = counts_.try_emplace(who, Count{clock_.mono()});
  ++at->second.wrong;
}

// ---- options ----

std::string format_web_options(const WebOptions& o) {
  Json out = {{"directory", o.directory},
              {"admin", o.admin},
              {"metrics", o.metrics},
              {"password_file", o.password_file},
              {"token_file", o.token_file},
              {"certificate", o.certificate},
              {"certificate_key", o.certificate_key},
              {"origins", o.origins},
              {"links", Json::array()}};
  if (o.user) {
    out["user"] = {{"uid", o.user->uid}, {"gid", o.user->gid}, {"groups", o.user->groups}};
  }
  for (const auto& [name, url] : o.links) out["links"].push_back({{"name", name}, {"url", url}});
  return format_json(out);
}

Result<WebOptions> parse_web_options(std::string_view text) {
  const auto json = parse_json(text);
  if (!json || text_member(*json, "directory").empty()) return usage_error("not a page's options");
  WebOptions out{text_member(*json, "directory"),       text_member(*json, "admin"),
                 text_member(*json, "metrics"),         text_member(*json, "password_file"),
                 text_member(*json, "token_file"),      text_member(*json, "certificate"),
                 text_member(*json, "certificate_key"), {},
                 texts_member(*json, "origins"),        {}};
  if (const Json* user = find_member(*json, "user")) out.user = read_identity_of(*user);
  for (const Json& link : list_member(*json, "links")) {
    out.links.emplace_back(text_member(link, "name"), text_member(link, "url"));
  }
  return out;
}

Status check_web_options(const WebOptions& options) {
  for (const std::string& text : {options.admin, options.metrics}) {
    if (text.empty()) continue;
    GW_TRY(const auto endpoint, http::Endpoint::parse(text, kPort));
    if (endpoint.is_unix() || endpoint.address.is_loopback() || !options.certificate.empty()) {
      continue;
    }
    return usage_error(text + " is no loopback address: others would read the password",
                       "give --certificate and --certificate-key, or listen on loopback behind a "
                       "proxy");
  }
  return {};
}

Status serve_web(const WebOptions& options, const Clock& clock, const Logger& log,
                 const os::Stop& stop) {
  GW_CHECK(check_web_options(options));
  std::string token;
  if (!options.token_file.empty()) {
    GW_TRY(token, read_secret(options.token_file));
  }
  WebOptions own = options;
  if (own.user) {
    // It may go to the supervisor's socket, and not through what is above that.
    if (::chdir(own.directory.c_str()) != 0) return errno_error(own.directory, errno);
    own.directory = ".";
  }
  Web web(own, clock, std::move(token));
  std::vector<std::unique_ptr<http::Server>> servers;
  const auto serve = [&](const std::string& address, bool admin, bool open) -> Status {
    http::ServerOptions server;
    GW_TRY(server.listen, http::Endpoint::parse(address, kPort));
    if (!options.certificate.empty()) {
      server.tls = http::TlsOptions{options.certificate, options.certificate_key};
    }
    server.log = &log;
    http::Router router;
    if (admin) web.add_admin(router);
    if (open) web.add_open(router);
    GW_TRY(auto started, http::Server::start(std::move(server), std::move(router)));
    log.info("page", {{"address", started->endpoint().format()}});
    servers.push_back(std::move(started));
    return {};
  };
  const bool same = options.admin == options.metrics;
  if (!options.admin.empty()) GW_CHECK(serve(options.admin, true, same));
  if (!options.metrics.empty() && !same) GW_CHECK(serve(options.metrics, false, true));
  // All that only root may open is open.
  if (options.user) {
    const pid_t parent = ::getppid();
    GW_CHECK(os::become(*options.user));
    GW_CHECK(os::end_with_parent(SIGKILL, parent));
  }
  while (!stop.wait_for(std::chrono::hours(1))) {
  }
  return {};
}

}  // namespace gw::supervise
