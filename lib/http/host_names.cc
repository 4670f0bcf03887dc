#include "http/host_names.h"

#include <algorithm>

#include "base/text.h"
#include "os/address.h"

namespace gw::http {

namespace {

std::string_view without_port(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  if (colon == std::string_view::npos) return host;
  if (bracket != std::string_view::npos && bracket > colon) return host;
  return host.substr(0, colon);
}

}  // namespace

bool may_be_asked_as(std::string_view host, const std::vector<std::string>& names) {
  if (host.empty()) return true;
  std::string name = to_lower(without_port(host));
  if (name.starts_with('[') && name.ends_with(']')) {
    return name.find(':') != std::string::npos &&
           os::SocketAddress::parse(name, std::uint16_t{0}).has_value();
  }
  if (name.ends_with('.')) name.pop_back();
  if (name == "localhost" || os::SocketAddress::parse(name, std::uint16_t{0})) return true;
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& own) { return to_lower(own) == name; });
}

}  // namespace gw::http
