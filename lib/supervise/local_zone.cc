#include "supervise/local_zone.h"

#include "base/bytes.h"
#include "os/file.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 20;
constexpr const char* kSystem = "/etc/localtime";
constexpr const char* kFolder = "/usr/share/zoneinfo/";

Result<update::TimeZone> zone_file(const std::string& path) {
  GW_TRY(const std::string bytes, os::read_file(path, kMaxFile));
  return update::TimeZone::parse_file(bytes);
}

}  // namespace

Result<update::TimeZone> named_zone(const std::string& name) {
  if (name.find("..") == std::string::npos && !name.empty()) {
    auto zone = zone_file(name[0] == '/' ? name : kFolder + name);
    if (zone) return zone;
  }
  auto rule = update::TimeZone::parse_rule(name);
  if (rule) return rule;
  return usage_error("unknown time zone " + quoted(name),
                     "such as Europe/Amsterdam, or a rule such as CET-1CEST,M3.5.0,M10.5.0/3");
}

update::TimeZone local_zone(const std::optional<std::string>& tz) {
  if (tz && !tz->empty()) {
    const bool colon = (*tz)[0] == ':';
    return named_zone(colon ? tz->substr(1) : *tz).value_or({});
  }
  if (tz) return {};
  return zone_file(kSystem).value_or({});
}

}  // namespace gw::supervise
