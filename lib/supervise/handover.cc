#include "supervise/handover.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/bytes.h"
#include "os/file.h"
#include "supervise/json_fields.h"

namespace gw::supervise {
namespace {

// 2: the control socket and the page's come along. Who knows 1 alone would find them in its way, so
// it must not take this over; what it leaves has none of them.
constexpr std::uint64_t kHandoverVersion = 2;
constexpr std::size_t kMaxHandover = std::size_t{1} << 20;

int descriptor_member(const Json& object, std::string_view name) {
  const auto number = number_member(object, name);
  return number && *number < 1'000'000 ? static_cast<int>(*number) : -1;
}

Json sockets_json(const std::vector<Handover::Socket>& sockets) {
  Json out = Json::array();
  for (const auto& [fd, name] : sockets) out.push_back({{"fd", fd}, {"name", name}});
  return out;
}

// False: not all of them are descriptors.
bool read_sockets(const Json& object, std::string_view name, std::vector<Handover::Socket>& out) {
  for (const Json& socket : list_member(object, name)) {
    out.push_back({descriptor_member(socket, "fd"), text_member(socket, "name")});
    if (out.back().fd < 0) return false;
  }
  return true;
}

Result<std::string> read_handover(int fd) {
  std::string out;
  std::array<char, 65536> buffer{};
  for (off_t at = 0; out.size() <= kMaxHandover;) {
    const ssize_t n = ::pread(fd, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading what a supervisor left", errno);
    if (n == 0) return out;
    out.append(buffer.data(), static_cast<std::size_t>(n));
    at += n;
  }
  return usage_error("a supervisor left too much");
}

}  // namespace

std::string format_handover(const Handover& h) {
  Json out = {{"handover", kHandoverVersion},
              {"directory", h.directory},
              {"command", h.command},
              {"service", {{"pid", h.service.pid}, {"started", h.service.started}}},
              {"lock", h.lock},
              {"sockets", sockets_json(h.sockets)},
              {"pages", sockets_json(h.pages)}};
  if (h.control >= 0) out["control"] = h.control;
  if (h.relay >= 0) {
    out["relay"] = h.relay;
    out["relay_address"] = encode_base64(h.relay_address);
  }
  if (h.watchdog) out["watchdog_usec"] = h.watchdog->count();
  return format_json(out);
}

Result<Handover> parse_handover(std::string_view text) {
  const auto json = parse_json(text);
  const auto version = json ? number_member(*json, "handover") : std::nullopt;
  if (!version || *version < 1 || *version > kHandoverVersion) {
    return usage_error("not what a supervisor of this gwtool leaves");
  }
  Handover out;
  out.directory = text_member(*json, "directory");
  out.command = text_member(*json, "command");
  const Json& service = list_member(*json, "service");
  out.service = {number_member(service, "pid").value_or(0),
                 number_member(service, "started").value_or(0)};
  out.lock = descriptor_member(*json, "lock");
  bool good = out.lock >= 0 && out.service.pid > 1 && !out.directory.empty();
  good = read_sockets(*json, "sockets", out.sockets) && good;
  good = read_sockets(*json, "pages", out.pages) && good;
  out.control = descriptor_member(*json, "control");
  if (find_member(*json, "relay") != nullptr) {
    out.relay = descriptor_member(*json, "relay");
    const auto address = decode_base64(text_member(*json, "relay_address"));
    good = good && out.relay >= 0 && address && !address->empty();
    out.relay_address = address.value_or("");
  }
  constexpr std::uint64_t kCentury = std::uint64_t{1} << 52U;
  const auto watchdog = number_member(*json, "watchdog_usec");
  if (watchdog && *watchdog < kCentury) out.watchdog = std::chrono::microseconds(*watchdog);
  if (!good) return usage_error("what a supervisor left is not whole");
  return out;
}

Status check_handover(const Handover& handover, const Options& options) {
  if (handover.directory != os::real_path(options.directory)) {
    return usage_error("another directory than the supervisor's: " + options.directory);
  }
  if (options.command.empty() || handover.command != options.command[0]) {
    return usage_error("another service than the one that runs");
  }
  return {};
}

os::Fd kept_descriptor(int fd) {
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return os::Fd(fd);
}

Result<std::optional<Handover>> take_handover() {
  const char* value = std::getenv(kHandoverVariable);
  if (value == nullptr) return std::optional<Handover>();
  const auto number = parse_decimal(value);
  ::unsetenv(kHandoverVariable);
  if (!number || *number > 1'000'000) return usage_error("GWTOOL_HANDOVER: not a descriptor");
  const auto fd = static_cast<int>(*number);
  GW_TRY(const std::string text, read_handover(fd));
  if (fd != STDIN_FILENO) ::close(fd);
  GW_TRY(Handover out, parse_handover(text));
  return std::optional<Handover>(std::move(out));
}

}  // namespace gw::supervise
