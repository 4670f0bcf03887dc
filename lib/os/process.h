// Running another program without surprises, also from a process with threads.
//
// All that the child needs is made before the fork; between fork and exec it works through a list
// of system calls (os/child_calls.h) and does nothing else. What goes wrong there, the exec
// included, comes back as the error of spawn(), with the step that failed. A child is known by a
// pidfd, never by a bare number that another process may have by now, and is waited for by poll(2).
//
// What a child gets: standard input, output and error, as ours unless mapped, and no other
// descriptor that is not in `descriptors`; signals at their defaults and unblocked, but those that
// were ignored when we were started stay so (nohup); SIGPIPE and SIGXFSZ at their default.
//
// Any thread, but PDEATHSIG counts from the thread that spawned: when that ends, the child is
// signalled. Sources: clone(2), pidfd_open(2), prctl(2), signal-safety(7).
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "os/child_calls.h"
#include "os/file.h"
#include "os/user.h"

namespace gw::os {

struct FdMap {
  static constexpr int kNull = -1;  // /dev/null
  int from = kNull;                 // ours, borrowed until spawn() returns
  int to = 0;                       // the child's
};

enum class ProcessGroup {
  kOwn,         // a new one, so that signal_group() reaches all it starts
  kForeground,  // that, and the terminal's at standard input, if it is one
  kSession,     // a new session: no terminal
  kOurs,
};

// More for the child to do, as data: what sandboxes are made of.
struct ChildHook {
  // clone(2) flags beside the usual ones. When the kernel refuses the first, the next is tried, and
  // the parts that it lacks count as refused.
  struct Clone {
    unsigned long flags = 0;
    Parts lacks = 0;
  };
  std::vector<Clone> clones = {};
  CallList early = {};  // as whoever we are: before limits, identity and directory
  CallList late = {};   // last before exec
  Parts required = 0;   // without these the child does not start
};

struct Spawn {
  std::vector<std::string> argv = {};  // at least one
  std::string file = {};               // a path with a slash; empty: argv[0]. PATH is not looked at
  std::optional<std::vector<std::string>> environment = {};  // "NAME=value"; nothing: ours
  std::vector<std::string> pid_variables = {};  // names to set to the child's pid (LISTEN_PID)
  std::vector<FdMap> descriptors = {};
  std::string directory = {};  // empty: ours
  ProcessGroup group = ProcessGroup::kOwn;
  int death_signal = 0;  // sent to the child when our thread ends; 0: none
  std::optional<Identity> identity = {};
  std::vector<int> ambient = {};  // capabilities that it keeps although it is no root
  // No capability but the ambient ones, now or ever: the bounding set goes, too.
  bool drop_capabilities = false;
  bool no_new_privileges = false;
  std::vector<ResourceLimit> limits = {};
  ChildHook hook = {};
};

struct Exit {
  int code = 0;    // when signal is 0
  int signal = 0;  // that ended it
  bool ok() const { return code == 0 && signal == 0; }
  friend bool operator==(const Exit&, const Exit&) = default;
};
// "ended with 3", "was ended by signal 9".
std::string exit_text(const Exit& exit);

// A part that is not required and did not work, and why.
struct RefusedCall {
  Parts part = 0;
  std::string what = {};
  int error = 0;  // an errno value
};

// A child of ours until reap(). One thread.
class Child {
 public:
  Child(Child&& o) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();  // one that was not reaped is killed, with its group, and reaped

  // A child that this process had before it replaced its own program by exec(2): the leader of a
  // group of its own. kNotFound: it has no such child.
  static Result<Child> adopt(pid_t pid);

  // Valid until reap(): an ended child keeps its number so long.
  pid_t pid() const { return pid_; }
  // Readable once it has ended: for poll(2) and Loop.
  int pidfd() const { return pidfd_.get(); }
  const std::vector<RefusedCall>& refused() const { return refused_; }

  // How it ended, if it has within that time; it can still be asked, and its group be signalled.
  Result<std::optional<Exit>> wait_for(Duration timeout) const;
  // Waits for its end and lets its number go.
  Result<Exit> reap();

  // To it alone; to it and all that it started and that did not leave its group. One that has ended
  // is no error.
  Status signal(int number) const;
  Status signal_group(int number) const;

 private:
  friend Result<Child> spawn(Spawn spawn);
  friend Result<std::vector<RefusedCall>> rehearse(Spawn spawn);
  Child(pid_t pid, Fd pidfd, bool group) : pid_(pid), pidfd_(std::move(pidfd)), group_(group) {}

  pid_t pid_ = -1;  // -1: reaped
  Fd pidfd_;
  bool group_ = false;  // it leads its own
  std::vector<RefusedCall> refused_;
};

// Returns once the program runs. kNotFound: there is no such program; kIo: the step that failed and
// why; kUsage: `spawn` contradicts itself.
Result<Child> spawn(Spawn spawn);

// Runs the hook's calls and ends without a program: tells what the kernel refuses.
Result<std::vector<RefusedCall>> rehearse(Spawn spawn);

// Looks after a program that runs: called in the thread of run(), before its group is ended.
class RunGuard {
 public:
  virtual ~RunGuard() = default;
  // look() is called when it is readable; -1: none. Asked anew each time.
  virtual int fd() const { return -1; }
  // And so often.
  virtual Duration every() const = 0;
  // `child`: in our pid namespace. False: it is to be ended.
  virtual bool look(pid_t child) = 0;
};

struct RunOptions {
  std::optional<Duration> timeout = {};
  std::string input = {};             // standard input; empty: /dev/null
  bool capture_output = false;        // else ours, or as mapped
  bool errors_to_output = false;      // standard error with it, in their order
  std::size_t max_output = 1U << 20;  // what is more is read and dropped
  // Given the output as it comes, also what is dropped; in the thread of run().
  std::function<void(std::string_view)> on_output = {};
  int stop_fd = -1;           // readable: end it
  RunGuard* guard = nullptr;  // borrowed
};

struct Ran {
  enum class End { kExited, kTimeout, kStopped, kGuard };
  End end = End::kExited;
  Exit exit;  // by SIGKILL when we ended it
  std::string output = {};
  bool output_cut = false;
};

// Runs it to its end. All that is left of its group is killed then, and when time is over or a stop
// is asked for. Errors as spawn().
Result<Ran> run(Spawn spawn, const RunOptions& options);

// A socket through which a child hands descriptors over, by CallList::descriptor_message().
struct HandOver {
  Fd ours;
  Fd child;  // above the numbers of all standard descriptors; the child's until exec
};
Result<HandOver> make_hand_over();

// ---- what a process that looks after others needs ----

// Ends this process by `signal` when the thread that started it ends, as Spawn::death_signal does:
// again after become(), by which the kernel forgets it. kUnavailable: `parent`, which it was, is
// gone already.
Status end_with_parent(int signal, pid_t parent);

// Orphans among our descendants become our children from now on, not init's.
Status become_subreaper();

// A child of ours that has ended and was not reaped, if there is one: ours by spawn() or adopted.
Result<std::optional<pid_t>> ended_child();
// Lets an adopted one go. Not for those of spawn(): Child::reap().
Result<Exit> reap_adopted(pid_t pid);

// Sends the signal to every descendant of ours but those in `except` and theirs; returns how many
// there were. Those born meanwhile are missed: call again until it returns 0. Needs /proc.
Result<std::size_t> signal_descendants(int number, const std::set<pid_t>& except = {});

}  // namespace gw::os
