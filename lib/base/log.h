// The daemons' log: one `key=value` line per event on standard error.
//
//   log.info("followed", {{"log", name}, {"size", size}});
//   → level=info event=followed log=sum.golang.org size=71848828
//
// Values are quoted when they hold anything but plain characters, and untrusted bytes are escaped,
// so that a line is always one line. Times are left to the service manager. Safe from any thread: a
// line is one write(2).
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace gw {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string key;
  std::string value;
  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  template <class T>
  requires std::is_integral_v<T> LogField(std::string_view k, T v)
      : key(k), value(std::to_string(v)) {}
};

class Logger {
 public:
  using Sink = std::function<void(std::string_view line)>;  // called with the line and its LF
  using MessageSink = std::function<void(LogLevel level, std::string_view message)>;

  // Lines below `level` are dropped. Without a sink they go to standard error.
  explicit Logger(LogLevel level = LogLevel::kInfo, Sink sink = nullptr);

  // For a one-shot command, which speaks in messages: "EVENT" or "EVENT: key=value key=value".
  static Logger messages(LogLevel level, MessageSink sink);

  void write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const;
  void debug(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kDebug, event, fields);
  }
  void info(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kInfo, event, fields);
  }
  void warning(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kWarning, event, fields);
  }
  void error(std::string_view event, std::initializer_list<LogField> fields = {}) const {
    write(LogLevel::kError, event, fields);
  }
  // An Error as an event: its kind, message and hint.
  void error(std::string_view event, const Error& error) const;

 private:
  LogLevel level_;
  Sink sink_;
  MessageSink message_;  // when set, instead of sink_
};

}  // namespace gw
