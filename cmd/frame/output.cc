#include "frame/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/visible.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kFlushAt = std::size_t{64} * 1024;
constexpr int kRed = 31;
constexpr int kYellow = 33;
constexpr int kCyan = 36;

}  // namespace

void Output::line(std::string_view text) {
  const MutexLock lock(mutex_);
  wrote_data_ = true;
  buffer_ += text;
  buffer_ += '\n';
  if (buffer_.size() >= kFlushAt) flush_locked();
}

void Output::write(std::string_view bytes) {
  const MutexLock lock(mutex_);
  wrote_data_ = wrote_data_ || !bytes.empty();
  buffer_ += bytes;
  if (buffer_.size() >= kFlushAt) flush_locked();
}

void Output::json(const Json& document) { line(format_json(document)); }

bool Output::wrote_data() const {
  const MutexLock lock(mutex_);
  return wrote_data_;
}

void Output::flush_locked() {
  if (failed_errno_ == 0) failed_errno_ = write_all(out_fd_, buffer_);
  buffer_.clear();
}

Status Output::flush() {
  const MutexLock lock(mutex_);
  flush_locked();
  if (failed_errno_ != 0) return errno_error("writing standard output", failed_errno_);
  return {};
}

void Output::note(std::string_view text) {
  if (!settings_.quiet) message("", 0, text);
}

void Output::warn(std::string_view text) {
  if (!settings_.quiet) message("warning: ", kYellow, text);
}

void Output::detail(std::string_view text) {
  if (settings_.verbose && !settings_.quiet) message("", 0, text);
}

void Output::error(const Error& error) {
  message("error: ", kRed, error.message);
  if (!error.hint.empty() && !settings_.quiet) message("hint: ", kCyan, error.hint);
}

void Output::message(std::string_view label, int color, std::string_view text) {
  std::string out;
  const MutexLock lock(mutex_);
  if (progress_shown_) out += "\r\x1b[K";
  progress_shown_ = false;
  out += "gwtool: ";
  if (settings_.color && color != 0) out += fmt::format("\x1b[{}m", color);
  out += label;
  if (settings_.color && color != 0) out += "\x1b[0m";
  out += one_line(text);
  out += '\n';
  (void)write_all(err_fd_, out);  // there is nowhere left to say that this failed
}

void Output::lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    out += one_line(take_line(text)) + "\n";
  }
  const MutexLock lock(mutex_);
  if (progress_shown_) out.insert(0, "\r\x1b[K");
  progress_shown_ = false;
  (void)write_all(err_fd_, out);
}

Logger::Sink Output::log_sink() {
  return [this](std::string_view line) {
    if (settings_.timed) {
      lines(fmt::format("time={} {}", format_rfc3339(system_clock().now()), line));
    } else {
      lines(line);
    }
  };
}

Logger::MessageSink Output::message_sink() {
  return [this](LogLevel level, std::string_view text) {
    if (level == LogLevel::kError) {
      message("error: ", kRed, text);
    } else if (level == LogLevel::kWarning) {
      warn(text);
    } else {
      detail(text);
    }
  };
}

void Output::progress(std::string_view text) {
  if (!settings_.terminal || settings_.quiet) return;
  const MutexLock lock(mutex_);
  if (text.empty() && !progress_shown_) return;
  std::string out = "\r\x1b[K" + one_line(text);
  progress_shown_ = !text.empty();
  (void)write_all(err_fd_, out);
}

}  // namespace gw::cmd
