// Standard output and standard error of every command.
//
// Standard output carries data and nothing else; it is buffered, and whether all of it arrived is
// checked once at the end (a full disk, a closed pipe: exit code 1). Standard error carries what a
// person reads: "gwtool: error: ...", "gwtool: hint: ...", notes, progress. -q leaves errors only.
// Nothing is coloured and no progress is shown unless standard error is a terminal, nor when
// NO_COLOR is set. Safe from any thread; a line is never torn.
//
// Output and Logger are the only two writers; daemons use the Logger for events.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/result.h"

namespace gw::cmd {

class Output {
 public:
  struct Settings {
    bool quiet = false;
    bool verbose = false;
    bool color = false;     // error and hint in colour
    bool terminal = false;  // progress lines may be shown and rewritten
    bool watched = false;   // standard error is a terminal, whatever may be shown there
    bool shown = false;     // standard output is a terminal
    bool timed = false;     // lines of the log have a time of their own
  };
  // Writes to file descriptors `out` and `err`, which stay the caller's.
  Output(int out, int err) : out_fd_(out), err_fd_(err) {}
  ~Output() { (void)flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void configure(Settings settings) { settings_ = settings; }
  const Settings& settings() const { return settings_; }

  // Data. line() adds the line feed; json() is one document on one line.
  void line(std::string_view text);
  void write(std::string_view bytes);
  void json(const Json& document);
  // Whether there was any.
  bool wrote_data() const;
  // Whether an error was shown that ended with why flush() fails.
  bool told_failure() const;

  // For people, on standard error: "gwtool: TEXT".
  void note(std::string_view text);    // not with -q
  void warn(std::string_view text);    // "gwtool: warning: TEXT", not with -q
  void detail(std::string_view text);  // only with -v
  void error(const Error& error);      // "gwtool: error: MESSAGE" and "gwtool: hint: HINT"

  // Several lines as they are, on standard error, also with -q: evidence that others are to check.
  // Nothing but the lines' control characters is changed.
  void lines(std::string_view text);

  // Where a Logger's lines go, so that none ends up behind a progress line. Borrows this.
  Logger::Sink log_sink();
  // The same for a one-shot command's Logger: its events as messages.
  Logger::MessageSink message_sink();

  // A status line that the next one replaces, cut where the terminal ends; nothing unless standard
  // error is a terminal and -q is not given. An empty text takes it away; every other message does
  // so by itself.
  void progress(std::string_view text);

  // Everything written so far reaches the file, or an io error says why it does not; after the
  // first failure nothing more is written and every flush repeats the error. Streams flush per
  // record.
  Status flush();

 private:
  void message(std::string_view label, int color, std::string_view text);
  void flush_locked() GW_REQUIRES(mutex_);
  Error failure() const GW_REQUIRES(mutex_);

  int out_fd_;
  int err_fd_;
  Settings settings_;    // set before there are threads
  mutable Mutex mutex_;  // and both descriptors: a line is never torn
  std::string buffer_ GW_GUARDED_BY(mutex_);
  bool progress_shown_ GW_GUARDED_BY(mutex_) = false;
  bool wrote_data_ GW_GUARDED_BY(mutex_) = false;
  int failed_errno_ GW_GUARDED_BY(mutex_) = 0;
  bool told_failure_ GW_GUARDED_BY(mutex_) = false;
};

}  // namespace gw::cmd
