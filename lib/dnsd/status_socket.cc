#include "dnsd/status_socket.h"

#include <fmt/format.h>

#include <optional>

#include "base/visible.h"

namespace gw::dnsd {

Result<std::unique_ptr<StatusSocket>> StatusSocket::start(const std::string& path,
                                                          std::function<Json()> document) {
  GW_TRY(auto loop, os::Loop::make());
  std::unique_ptr<StatusSocket> status(new StatusSocket(std::move(loop)));
  const auto answer = [document = std::move(document)](const os::Peer&, const std::string&) {
    return format_json(document()) + "\n";
  };
  GW_TRY(status->socket_,
         os::ControlSocket::listen(*status->loop_, path,
                                   {.mode = std::nullopt, .flag = "--status-socket"}, answer));
  GW_TRY(status->thread_, os::start_thread([loop = status->loop_.get()] {
           // Fails where epoll itself does; the server goes on, and who asks is told that nobody
           // answers.
           [[maybe_unused]] const Status ended = loop->run();
         }));
  return status;
}

StatusSocket::~StatusSocket() {
  loop_->stop();
  if (thread_.joinable()) thread_.join();
}

Result<Json> StatusSocket::ask(const std::string& path) {
  auto text = os::ask_control(path, "status");
  if (!text && text.error().kind == ErrorKind::kUnavailable) {
    text.error().hint = "is it running, with this --db or --status-socket, and as this user?";
  }
  if (!text) return std::move(text).error();
  std::optional<Json> document = parse_json(*text);
  if (!document || !document->is_object()) {
    return corrupt_error(path + ": not the status of a server");
  }
  return *std::move(document);
}

namespace {

// One "name: value" line for every member; members of members are indented.
void append_text(std::string& out, const Json& value, const std::string& name, int depth) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  if (value.is_object()) {
    out += fmt::format("{}{}:\n", indent, one_line(name));
    for (const auto& [key, member] : value.items()) append_text(out, member, key, depth + 1);
  } else if (value.is_array() && !value.empty() && value[0].is_object()) {
    for (const Json& element : value) append_text(out, element, name, depth);
  } else if (value.is_array()) {
    std::string list;
    for (const Json& element : value) {
      list += (list.empty() ? "" : " ") +
              one_line(element.is_string() ? element.get<std::string>() : format_json(element));
    }
    out += fmt::format("{}{}: {}\n", indent, one_line(name), list);
  } else if (!value.is_null()) {
    out += fmt::format("{}{}: {}\n", indent, one_line(name),
                       value.is_string() ? one_line(value.get<std::string>()) : format_json(value));
  }
}

}  // namespace

std::string format_status(const Json& status) {
  std::string out;
  for (const auto& [key, member] : status.items()) append_text(out, member, key, 0);
  return out;
}

}  // namespace gw::dnsd
