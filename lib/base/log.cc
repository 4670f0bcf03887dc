#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"

namespace gw {

namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
  }
  return "error";
}

bool plain(char c) { return is_visible(c) && c != '"' && c != '=' && c != '\\'; }

void append_value(std::string& line, std::string_view value) {
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) {
    line += value;
  } else {
    line += quoted(value, 2000);
  }
}

void write_stderr(std::string_view line) {
  (void)write_all(STDERR_FILENO, line);  // there is nowhere left to say that this failed
}

}  // namespace

Logger::Logger(LogLevel level, Sink sink)
    : level_(level), sink_(sink ? std::move(sink) : Sink(write_stderr)) {}

Logger Logger::messages(LogLevel level, MessageSink sink) {
  Logger log(level);
  log.message_ = std::move(sink);
  return log;
}

void Logger::write(LogLevel level, std::string_view event,
                   std::initializer_list<LogField> fields) const {
  if (level < level_) return;
  std::string line;
  if (message_) {
    line = event;
    if (fields.size() > 0) line += ':';
  } else {
    line += "level=";
    line += level_name(level);
    line += " event=";
    append_value(line, event);
  }
  for (const LogField& f : fields) {
    line += ' ';
    line += f.key;
    line += '=';
    append_value(line, f.value);
  }
  if (message_) return message_(level, line);
  line += '\n';
  sink_(line);
}

void Logger::error(std::string_view event, const Error& error) const {
  if (message_) return message_(LogLevel::kError, fmt::format("{}: {}", event, error.message));
  if (error.hint.empty()) {
    write(LogLevel::kError, event,
          {{"kind", error_kind_name(error.kind)}, {"error", error.message}});
  } else {
    write(LogLevel::kError, event,
          {{"kind", error_kind_name(error.kind)}, {"error", error.message}, {"hint", error.hint}});
  }
}

}  // namespace gw
