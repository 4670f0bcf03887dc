#include "os/child_calls.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "os/forbidden_calls.h"

namespace gw::os {

void CallList::add(ChildCall call) {
  if (call.number >= 0 && call_ends_us(call.number)) call.number = ChildCall::kForbidden;
  calls_.push_back(call);
}

void* CallList::bytes(const void* data, std::size_t size) {
  auto& block = memory_.emplace_back(size / sizeof(std::max_align_t) + 1);
  if (size > 0) std::memcpy(block.data(), data, size);
  return block.data();
}

char* CallList::text(std::string_view s) {
  return static_cast<char*>(bytes(std::string(s).c_str(), s.size() + 1));
}

char** CallList::array(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& s : strings) pointers.push_back(text(s));
  pointers.push_back(nullptr);
  return static_cast<char**>(bytes(pointers.data(), pointers.size() * sizeof(char*)));
}

void CallList::open(std::string_view path, int flags, ChildCall as) {
  as.number = SYS_openat;
  as.args = {AT_FDCWD, arg(path), flags | O_CLOEXEC, 0600};
  add(as);
}

void CallList::write_file(const char* what, std::string_view path, std::string_view text,
                          Parts part, Parts needs) {
  auto* fd = keep<std::int32_t>(-1);
  open(path, O_WRONLY, {.what = what, .part = part, .needs = needs, .store = fd});
  // The descriptor stays open until exec closes it: closing would need its number once more.
  add({.what = what,
       .number = SYS_write,
       .args = {ChildCall::kPrevious, arg(text), static_cast<long>(text.size())},
       .part = part,
       .needs = needs});
}

const msghdr* CallList::descriptor_message(std::int32_t** descriptor) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  auto* buffer = static_cast<char*>(bytes(control.data(), control.size()));
  auto* header = reinterpret_cast<cmsghdr*>(buffer);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  *descriptor = reinterpret_cast<std::int32_t*>(CMSG_DATA(header));
  const auto* data = keep<iovec>({text("x"), 1});
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(data);
  message.msg_iovlen = 1;
  message.msg_control = buffer;
  message.msg_controllen = control.size();
  return keep(message);
}

void CallList::append(CallList&& other) {
  for (const ChildCall& call : other.calls_) calls_.push_back(call);
  for (auto& block : other.memory_) memory_.push_back(std::move(block));
  other = CallList();
}

namespace {

// snprintf is not async-signal-safe.
void write_decimal(char* to, long n) {
  std::array<char, 24> digits{};
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n > 0);
  while (count > 0) *to++ = digits[--count];
  *to = '\0';
}

long do_call(const ChildCall& call, long previous) {
  if (call.number == ChildCall::kWritePid) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an argument of a call, as it travels
    write_decimal(reinterpret_cast<char*>(call.args[0]), ::syscall(SYS_getpid));
    return 0;
  }
  if (call.number == ChildCall::kForbidden) {
    errno = EPERM;
    return -1;
  }
  std::array<long, 6> args = call.args;
  for (long& arg : args) {
    if (arg == ChildCall::kPrevious) arg = previous;
  }
  if (call.load != nullptr) args[0] = *call.load;
  return ::syscall(call.number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

}  // namespace

void run_calls(std::span<const ChildCall> calls, Parts required, Parts refused, int report) {
  long previous = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const ChildCall& call = calls[i];
    if ((call.part & refused) != 0) continue;
    if (call.unless != 0 && (call.unless & refused) == 0) continue;
    int error = ECANCELED;
    if ((call.needs & refused) == 0) {
      const long result = do_call(call, previous);
      error = result < 0 ? errno : call.want_zero && result != 0 ? call.error : 0;
      previous = result;
      if (error == 0 && call.store != nullptr) *call.store = static_cast<std::int32_t>(result);
    } else if (call.part == 0) {
      continue;
    }
    if (error == 0) continue;
    const CallFailure failure{static_cast<std::uint32_t>(i), error};
    ::syscall(SYS_write, report, &failure, sizeof failure);
    if (call.part == 0 || (call.part & required) != 0) ::syscall(SYS_exit_group, 127);
    refused |= call.part;
  }
}

}  // namespace gw::os
