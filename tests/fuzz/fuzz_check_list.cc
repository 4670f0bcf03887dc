// What an operator's list, a proxy list or an address may be: what is taken is taken again when it
// is written down, and an error's text can be printed.
#include <cstdint>
#include <string>
#include <string_view>

#include "check/gomod_file.h"
#include "check/request.h"
#include "fuzz/require.h"
#include "module/path.h"
#include "net/source_http.h"
#include "os/address.h"
#include "vanity/report.h"

namespace fuzz_check_list {

namespace {

void check_error(const gw::Error& error) {
  require(error.kind == gw::ErrorKind::kUsage);
  for (const char c : error.message) require(c >= 0x20 && c < 0x7f);
}

void check_requests(std::string_view text) {
  std::string lines;
  std::size_t good = 0;
  const auto list = gw::check::parse_request_list(text);
  if (!list) return check_error(list.error());
  for (const auto& request : list->requests) {
    if (!request.asked) {
      require(!request.notes.empty() && !request.problem);
      continue;
    }
    if (request.problem) {
      check_error(*request.problem);
      continue;
    }
    require(gw::mod::check_path(request.path).has_value());
    ++good;
    lines += request.path + (request.known ? "@" + *request.known : "") + " # x\r\n";
    if (request.known) require(!gw::check::is_newer(*request.known, *request.known));
  }
  const auto again = gw::check::parse_request_list(lines);
  require(again && again->requests.size() == good && again->main_modules == 0);
  for (const auto& request : again->requests) require(!request.problem);
}

// What a go.mod says asks about nothing without saying where it stands.
void check_gomod(std::string_view text) {
  gw::check::FoundFiles found;
  gw::check::read_gomod("go.mod", text, true, found);
  for (const auto& request : found.modules) require(!request.places.first.empty());
  for (const auto& file : found.files) {
    for (const auto& error : file.errors) check_error(error);
  }
}

void check_address(std::string_view text) {
  const auto address = gw::os::SocketAddress::parse(text, 53);
  if (!address) return check_error(address.error());
  const auto again = gw::os::SocketAddress::parse(address->format());
  require(again && *again == *address);
  const auto copy = gw::os::SocketAddress::from_sockaddr(address->data(), address->size());
  require(copy && *copy == *address && copy->ip_bytes() == address->ip_bytes());
}

void check_proxies(std::string_view text) {
  const auto list = gw::net::parse_proxy_list(text);
  if (!list) return check_error(list.error());
  std::string line;
  for (const auto& entry : *list) {
    using Kind = gw::mod::ProxyEntry::Kind;
    line += entry.kind == Kind::kUrl ? entry.place : entry.kind == Kind::kDirect ? "direct" : "off";
    line += entry.after_any ? '|' : ',';
  }
  if (!line.empty() && line.back() == ',') line.pop_back();
  const auto again = gw::net::parse_proxy_list(line);
  require(again && *again == *list);
}

}  // namespace

FUZZ_TARGET(check_list)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_requests(text);
  check_gomod(text);
  check_address(text.substr(0, text.find('\n')));
  check_proxies(text.substr(0, text.find('\n')));
  for (const std::string& path : gw::vanity::parse_path_list(text)) {
    require(!path.empty() && path.find('#') == path.npos && path.find('\n') == path.npos);
  }
  return 0;
}

}  // namespace fuzz_check_list
