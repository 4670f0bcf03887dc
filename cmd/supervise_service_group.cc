// The options of gwtool supervise about the service: its updates, whose it is, its page.
#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/result.h"
#include "dns/name.h"
#include "http/endpoint.h"
#include "net/http_url.h"
#include "os/user.h"
#include "supervise_group.h"

namespace gw::cmd {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Status check_page_address(std::string_view text) {
  GW_TRY([[maybe_unused]] const auto endpoint, http::Endpoint::parse(text, 8000));
  return {};
}

}  // namespace

void add_supervise_update(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  supervise::Options* o = &v->options;
  c.add(duration_option("interval", &o->interval, minutes(1), hours(24 * 30),
                        "pause between two looks for new versions"));
  c.add(duration_option("first-check", &o->first_check, seconds(0), hours(24),
                        "how long after the start the first look is"));
  c.add(flag_option("monitor", &o->monitor, "look for new versions, install none by itself"));
  c.add(text_option("before", "COMMAND", &o->before, "run this before each update")
            .more("By /bin/sh, while the old version still runs: a backup, a veto. 0: go on; 75: "
                  "try later; anything else: never this version. GW_OLD and GW_NEW are the files, "
                  "GW_VERSION and GW_GO_VERSION what is to be installed."));
  c.add(duration_option("trial", &v->trial, milliseconds(10), hours(1),
                        "how long a new version must run to be kept"));
  c.add(
      text_option("ready", "HOW", &v->ready, "how a new version shows that it is ready")
          .check([](std::string_view text) -> Status {
            GW_TRY([[maybe_unused]] const auto readiness, supervise::parse_readiness(text));
            return {};
          })
          .more("Instead of --trial. notify: it says READY=1 to its NOTIFY_SOCKET, as services of "
                "systemd do. http://ADDR/PATH: the answer's status is from 200 to 299. "
                "tcp:ADDR:PORT or tcp:unix:PATH: it accepts a connection. exec:COMMAND, or a "
                "command alone, run by /bin/sh with GW_PID: it ends with 0. All but notify are "
                "tried each second."));
  c.add(flag_option("overlap", &o->overlap, "start a new version beside the old one")
            .more("With --listen or a socket unit, and --ready notify or a command: the old one "
                  "answers until the new one is ready, and goes on where that fails. Not for "
                  "services that lock a file."));
  c.rules.push_back([v]() -> Status {
    if (!v->options.overlap) return {};
    GW_TRY(const auto ready, supervise::parse_readiness(v->ready.value_or("")));
    if (ready.by == supervise::ReadyBy::kNotify || ready.by == supervise::ReadyBy::kCommand) {
      return {};
    }
    return usage_error("--overlap needs --ready notify, or a command",
                       "by an address the old version would answer for the new one");
  });
  c.add(duration_option("ready-timeout", &o->ready_timeout, milliseconds(100), hours(1),
                        "how long a new version may take to become ready"));
  c.add(custom_option(
            "ready-passes", "N",
            [o](std::string_view text) -> Status {
              const auto n = parse_decimal(text);
              if (!n || *n == 0 || *n > 1000) return usage_error("from 1 to 1000");
              o->ready_passes = static_cast<unsigned>(*n);
              return {};
            },
            "so many times in a row")
            .default_text("3"));
  c.add(duration_option("stop-timeout", &o->stop_timeout, milliseconds(10), hours(24),
                        "how long the service may take to end before it is killed"));
  c.add(text_option("on-event", "COMMAND", &o->on_event, "run this when something happened")
            .more("By /bin/sh, with GW_EVENT, GW_VERSION, GW_GO_VERSION and GW_MESSAGE. One event "
                  "after the other, as they happened. What the supervisor's end cut short, or did "
                  "not come to, is told by the next start, so that an event may be told twice. Of "
                  "those that come while 16 are not told to the end, the one that is being told "
                  "among them, the log alone tells."));
  c.add(text_option("event-url", "URL", &o->event_url, "post JSON there when something happened")
            .check(net::check_url)
            .more("With event, time, host, package, version, go_version, by and message; in the "
                  "order of --on-event."));
  c.add(
      list_option("event", "NAME", &o->events, "of these alone --on-event and --event-url tell")
          .default_text("all")
          .check([](std::string_view text) -> Status {
            constexpr std::array kEvents{"updated",     "failed",    "untrusted",  "skipped",
                                         "rolled-back", "cancelled", "vulnerable", "exited"};
            if (std::find(kEvents.begin(), kEvents.end(), text) != kEvents.end()) return {};
            return usage_error(gw::quoted(text) + " is no event",
                               "updated, failed, untrusted, skipped, rolled-back, cancelled, "
                               "vulnerable, exited");
          })
          .more(
              "updated, failed, untrusted, skipped, rolled-back, cancelled, vulnerable (something "
              "new is known of what runs) or exited (within a day after an update). "
              "Repeatable."));
  c.rules.push_back([o]() -> Status {
    if (o->events.empty() || !o->on_event.empty() || !o->event_url.empty()) return {};
    return usage_error("--event needs --on-event or --event-url");
  });
}

void add_supervise_service(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(text_option("user", "NAME|UID", &v->user, "run the service as this user")
            .more("Needs root, which stays with the supervisor. The directories of the binary and "
                  "of --dir must not be the user's to write."));
  c.add(list_option("groups", "NAME|GID", &v->groups, "with these groups, the first its own one")
            .more("Instead of those that the user is in; a user who is in no file needs them."));
  c.add(text_option("helper-user", "NAME|UID", &v->helper_user,
                    "look for versions and fetch as this user")
            .more("Needs root. Not the service's user, nor one that others use: it may connect "
                  "anywhere. Without it a number that nobody has, when --user is given."));
  c.add(text_option("page-user", "NAME|UID", &v->page_user, "serve the page as this user")
            .more("Needs root. Neither the service's user nor the helper's; without it a number "
                  "that nobody has. The supervisor looks at the password itself, and does not go "
                  "back to an older version for the page."));
  c.add(list_option("listen", "ADDR:PORT|unix:PATH", &v->options.listen,
                    "hold this socket open for the service")
            .check([](std::string_view text) -> Status {
              GW_CHECK(check_page_address(text));
              if (text.starts_with("unix:") || os::SocketAddress::parse(text)) return {};
              return usage_error(gw::quoted(text) + " has no port");
            })
            .more("For one that takes sockets from systemd (LISTEN_FDS): while it is exchanged, "
                  "connections wait and none is refused. Repeatable; after those that systemd "
                  "gave."));
  c.add(list_option("ambient-capability", "NAME", &v->ambient,
                    "a capability that it has without being root")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const int number, os::parse_capability(text));
              return {};
            }));
  c.add(list_option("limit", "NAME=N", &v->limits, "a resource limit, such as nofile=4096")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto limit, os::parse_resource_limit(text));
              return {};
            }));
  c.add(flag_option("no-new-privileges", &v->options.no_new_privileges,
                    "nothing that it runs can gain privileges")
            .more("A file's capabilities, too, are without effect then."));
}

Result<std::pair<std::string, std::string>> parse_page_link(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == text.npos) return usage_error("not NAME=URL: " + gw::quoted(text));
  GW_CHECK(net::check_url(text.substr(equals + 1)));
  return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

void add_supervise_page(Command& c, const std::shared_ptr<SuperviseValues>& v) {
  c.add(
      text_option("admin-listen", "ADDR:PORT|unix:PATH", &v->admin, "serve a web page there")
          .check(check_page_address)
          .more("What runs, what will be installed when and why, and buttons; /json, and webhooks "
                "with --webhook-token-file. For the user admin with the password. On loopback or "
                "a Unix socket; elsewhere only with --certificate."));
  c.add(text_option("metrics-listen", "ADDR:PORT|unix:PATH", &v->metrics,
                    "serve /metrics and /service-version there")
            .check(check_page_address)
            .more("Without a password. May be the same address."));
  c.add(path_option("password-file", "FILE", &v->password, PathUse::kSecret,
                    "the page's password, a line")
            .default_text("DIR/password, made when missing"));
  c.add(path_option("webhook-token-file", "FILE", &v->token, PathUse::kSecret,
                    "the bearer token of webhooks, a line")
            .more("POST /notify and /notifytoolchain of the page's address look for new versions: "
                  "at once, and after 5 and 15 minutes."));
  c.add(list_option("admin-origin", "ORIGIN", &v->origins,
                    "the page's address in browsers, behind a proxy")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto host, supervise::host_of_origin(text));
              return {};
            })
            .more("Such as https://ops.example.org. What another site's page sends is refused."));
  c.add(list_option("admin-name", "NAME", &v->options.web.names,
                    "a host's name by which page and metrics may be asked for")
            .check([](std::string_view text) { return dns::check_host_text(text); })
            .more("Besides addresses, localhost and the hosts of --admin-origin; other names get "
                  "421, so that no web page of somebody else's reads them by a name that it lets "
                  "lead here. With --certificate no name is looked at."));
  c.add(list_option("link", "NAME=URL", &v->links, "a link to show on the page")
            .check([](std::string_view text) -> Status {
              GW_TRY([[maybe_unused]] const auto link, parse_page_link(text));
              return {};
            }));
  c.add(path_option("certificate", "FILE", &v->certificate, PathUse::kInput,
                    "serve both with TLS, by this certificate"));
  c.add(path_option("certificate-key", "FILE", &v->certificate_key, PathUse::kSecret,
                    "the certificate's key"));
  c.rules.push_back([v]() -> Status {
    if (v->certificate.has_value() != v->certificate_key.has_value()) {
      return usage_error("--certificate and --certificate-key need each other");
    }
    if (v->token && !v->admin) {
      return usage_error("--webhook-token-file needs --admin-listen", "webhooks are sent there");
    }
    return {};
  });
}

}  // namespace gw::cmd
