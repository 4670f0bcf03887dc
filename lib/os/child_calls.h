// What a child does between fork and exec: a list of system calls, made before the fork.
//
// In a child of a process with threads nothing may be called that takes a lock, allocates or
// changes what glibc believes about the process. So a hook there is data, not code: the parent
// writes down each call with its arguments and owns the memory they point to; the child works
// through the list, says what failed over a pipe, and calls nothing else.
//
// A call belongs to a part. When one of a part that is required fails, the child ends and the
// parent learns which call it was and why. When the part is not required, it counts as refused: its
// remaining calls are left out, and so are the parts that need it (ECANCELED), and the parent
// learns of each. Nothing that fails stays unsaid.
//
// Made and used by one thread. Sources: signal-safety(7), clone(2), and each call's manual page.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gw::os {

using Parts = std::uint32_t;  // a set of parts, one bit each; what they mean is the caller's

struct ChildCall {
  // Stands for the result of the call before.
  static constexpr long kPrevious = INT64_MIN;
  // Not a system call: writes the child's pid in decimal, with an ending zero, to args[0] (char*).
  static constexpr long kWritePid = -1;
  // Not a system call: one that a filter over us would answer with our end. It fails with EPERM.
  static constexpr long kForbidden = -2;

  const char* what = "";  // "mounting /proc", for messages; outlives the list
  long number = 0;        // SYS_…
  std::array<long, 6> args{};
  Parts part = 0;                      // at most one bit; none: always required
  Parts needs = 0;                     // parts without which the call, and so its part, is left out
  Parts unless = 0;                    // when not 0: left out where none of these was refused
  std::int32_t* store = nullptr;       // where the result goes, for a later call's argument
  const std::int32_t* load = nullptr;  // what was stored there is args[0]
  bool want_zero = false;              // another result than 0 fails as `error`
  int error = 0;
};

// A list of calls and the memory that they point to. Pointers stay valid when the list is moved,
// not when it is copied, so it cannot be.
class CallList {
 public:
  CallList() = default;
  CallList(CallList&&) = default;
  CallList& operator=(CallList&&) = default;
  CallList(const CallList&) = delete;
  CallList& operator=(const CallList&) = delete;

  // A call that would end who makes it (os/forbidden_calls.h) is one that fails.
  void add(ChildCall call);

  // Copies that live as long as the list, as arguments of calls.
  char* text(std::string_view s);  // zero-terminated
  long arg(std::string_view s) { return address(text(s)); }
  template <class T>
  T* keep(const T& value) {  // T: trivially copyable
    static_assert(std::is_trivially_copyable_v<T>);
    static_assert(alignof(T) <= alignof(std::max_align_t));
    return static_cast<T*>(bytes(&value, sizeof value));
  }
  void* bytes(const void* data, std::size_t size);
  // A zero-terminated array of pointers to copies of `strings`, as execve(2) takes it.
  char** array(const std::vector<std::string>& strings);

  static long address(const void* p) { return reinterpret_cast<long>(p); }

  // The descriptor of `path`, opened with `flags`, for calls whose argument is kPrevious or *store.
  // `as`: what else the call is: what, part, needs, store.
  void open(std::string_view path, int flags, ChildCall as);
  // Writes `text` to the file, which must be there.
  void write_file(const char* what, std::string_view path, std::string_view text, Parts part,
                  Parts needs = 0);

  // A message of sendmsg(2) that hands a descriptor over; where *descriptor points to, a call
  // before it stores the number.
  const msghdr* descriptor_message(std::int32_t** descriptor);

  // Appends the other's calls, and takes its memory.
  void append(CallList&& other);

  const std::vector<ChildCall>& calls() const { return calls_; }
  bool empty() const { return calls_.empty(); }

 private:
  std::vector<ChildCall> calls_;
  std::deque<std::vector<std::max_align_t>> memory_;
};

// What the child says over its pipe.
struct CallFailure {
  std::uint32_t index = 0;  // into the list
  std::int32_t error = 0;   // an errno value
};

// For the child alone, after fork: works through the list; what fails is written to `report`.
// Returns when all is done or refused; ends the process with 127 when a required call fails. Parts
// in `refused` count as refused from the start.
void run_calls(std::span<const ChildCall> calls, Parts required, Parts refused, int report);

}  // namespace gw::os
