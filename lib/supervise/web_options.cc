// What the supervisor tells its page, as text; and which options are none.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "supervise/json_fields.h"
#include "supervise/web.h"

namespace gw::supervise {
namespace {

constexpr std::uint16_t kPort = 8000;
constexpr std::uint64_t kMostIdle = 3'600'000;
constexpr uid_t kNobody = 65534;

os::Identity read_identity_of(const Json& json) {
  os::Identity out{static_cast<uid_t>(number_member(json, "uid").value_or(kNobody)),
                   static_cast<gid_t>(number_member(json, "gid").value_or(kNobody)),
                   {}};
  for (const Json& group : list_member(json, "groups")) {
    if (group.is_number_unsigned()) out.groups.push_back(group.get<gid_t>());
  }
  return out;
}

}  // namespace

std::string format_web_options(const WebOptions& o) {
  Json out = {{"directory", o.directory},
              {"admin", o.admin},
              {"metrics", o.metrics},
              {"password_file", o.password_file},
              {"token_file", o.token_file},
              {"certificate", o.certificate},
              {"certificate_key", o.certificate_key},
              {"origins", o.origins},
              {"names", o.names},
              {"form_token", o.form_token},
              {"listening", o.listening},
              {"idle_ms", o.idle.count()},
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
                 texts_member(*json, "origins"),        {},
                 texts_member(*json, "names"),          text_member(*json, "form_token")};
  for (const Json& fd : list_member(*json, "listening")) {
    if (fd.is_number_unsigned()) out.listening.push_back(fd.get<int>());
  }
  if (const auto ms = number_member(*json, "idle_ms")) {
    out.idle = std::chrono::milliseconds(std::min(*ms, kMostIdle));
  }
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

Result<std::vector<http::Endpoint>> web_endpoints(const WebOptions& options) {
  std::vector<http::Endpoint> out;
  if (!options.admin.empty()) {
    GW_TRY(out.emplace_back(), http::Endpoint::parse(options.admin, kPort));
  }
  if (!options.metrics.empty() && options.metrics != options.admin) {
    GW_TRY(out.emplace_back(), http::Endpoint::parse(options.metrics, kPort));
  }
  return out;
}

}  // namespace gw::supervise
