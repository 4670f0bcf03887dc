#include "frame/output.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/visible.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kFlushAt = std::size_t{64} * 1024;
constexpr int kRed = 31;
constexpr int kYellow = 33;
constexpr int kCyan = 36;

// Of a terminal; 0: it does not say.
std::size_t columns_of(int fd) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// As much of a line of UTF-8 as fits with the cursor behind it: one that goes on in the next line
// could not be taken back.
std::string_view fitting(std::string_view line, std::size_t columns) {
  std::size_t characters = 0;
  for (std::size_t i = 0; columns > 0 && i < line.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(line[i]) & 0xC0U) != 0x80U;
    if (begins && ++characters == columns) return line.substr(0, i);
  }
  return line;
}

// JSON with what a terminal could take for more than a character escaped: the same document. What
// is not ASCII stands in strings only.
std::string escape_invisible(std::string_view json) {
  constexpr std::uint32_t kPairs = 0x10000;
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const std::string_view before = json;
    const std::uint32_t rune = take_rune(json);
    if (rune == kBadRune) {  // format_json() writes none
      json.remove_prefix(1);
    } else if (rune == ' ' || is_visible_rune(rune)) {
      out += before.substr(0, before.size() - json.size());
    } else if (rune < kPairs) {
      out += fmt::format("\\u{:04x}", rune);
    } else {
      const std::uint32_t rest = rune - kPairs;
      out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10U), 0xdc00 + (rest & 0x3ffU));
    }
  }
  return out;
}

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

void Output::json(const Json& document) { line(escape_invisible(format_json(document))); }

bool Output::wrote_data() const {
  const MutexLock lock(mutex_);
  return wrote_data_;
}

void Output::flush_locked() {
  if (failed_errno_ == 0) failed_errno_ = write_all(out_fd_, buffer_);
  buffer_.clear();
}

Error Output::failure() const { return errno_error("writing standard output", failed_errno_); }

bool Output::told_failure() const {
  const MutexLock lock(mutex_);
  return told_failure_;
}

Status Output::flush() {
  const MutexLock lock(mutex_);
  flush_locked();
  if (failed_errno_ != 0) return failure();
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
  {
    const MutexLock lock(mutex_);
    told_failure_ =
        told_failure_ || (failed_errno_ != 0 && error.message.ends_with(failure().message));
  }
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
  const std::string line = one_line(text);
  const std::string out = fmt::format("\r\x1b[K{}", fitting(line, columns_of(err_fd_)));
  progress_shown_ = !text.empty();
  (void)write_all(err_fd_, out);
}

}  // namespace gw::cmd
