#include "os/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "os/file.h"
#include "os/forbidden_calls.h"

namespace gw::os {

namespace {

// The kernel's header here may be older than the kernel. Bits of an access mask.
enum Fs : std::uint64_t {
  kFsExecute = 1ULL << 0,
  kFsWriteFile = 1ULL << 1,
  kFsReadFile = 1ULL << 2,
  kFsReadDir = 1ULL << 3,
  kFsRemoveDir = 1ULL << 4,
  kFsRemoveFile = 1ULL << 5,
  kFsMakeChar = 1ULL << 6,
  kFsMakeDir = 1ULL << 7,
  kFsMakeReg = 1ULL << 8,
  kFsMakeSock = 1ULL << 9,
  kFsMakeFifo = 1ULL << 10,
  kFsMakeBlock = 1ULL << 11,
  kFsMakeSym = 1ULL << 12,
  kFsRefer = 1ULL << 13,     // ABI 2
  kFsTruncate = 1ULL << 14,  // ABI 3
  kFsIoctlDev = 1ULL << 15,  // ABI 5
};
constexpr std::uint64_t kFsAbi1 = (1ULL << 13) - 1;
constexpr std::uint64_t kNetBindConnect = 3;        // ABI 4
constexpr std::uint64_t kScopeSocketAndSignal = 3;  // ABI 6
constexpr std::uint64_t kOnFiles =
    kFsExecute | kFsWriteFile | kFsReadFile | kFsTruncate | kFsIoctlDev;

struct RulesetAttr {
  std::uint64_t fs = 0;
  std::uint64_t net = 0;
  std::uint64_t scoped = 0;
};

struct [[gnu::packed]] PathBeneathAttr {
  std::uint64_t access = 0;
  std::int32_t parent = -1;
};

constexpr long kRulePathBeneath = 1;
constexpr long kCreateVersion = 1;

std::uint64_t handled_fs(int abi) {
  std::uint64_t mask = kFsAbi1;
  if (abi >= 2) mask |= kFsRefer;
  if (abi >= 3) mask |= kFsTruncate;
  if (abi >= 5) mask |= kFsIoctlDev;
  return mask;
}

std::uint64_t allowed_fs(const LandlockRule& rule, int abi) {
  constexpr std::uint64_t kRead = kFsReadFile | kFsReadDir;
  constexpr std::uint64_t kWrite = kRead | kFsWriteFile | kFsRemoveDir | kFsRemoveFile |
                                   kFsMakeDir | kFsMakeReg | kFsMakeSock | kFsMakeFifo |
                                   kFsMakeSym | kFsRefer | kFsTruncate;
  std::uint64_t mask = kRead;
  switch (rule.access) {
    case LandlockRule::Access::kRead:
      break;
    case LandlockRule::Access::kExecute:
      mask = kRead | kFsExecute;
      break;
    case LandlockRule::Access::kWrite:
      mask = kWrite;
      break;
    case LandlockRule::Access::kAll:
      mask = kWrite | kFsExecute;
      break;
  }
  if (rule.is_file) mask &= kOnFiles;
  return mask & handled_fs(abi);
}

// How much of the attribute a kernel of that version knows.
std::size_t attr_size(int abi) { return abi >= 6 ? 24 : abi >= 4 ? 16 : 8; }

}  // namespace

int landlock_abi() {
  for (const long number :
       {SYS_landlock_create_ruleset, SYS_landlock_add_rule, SYS_landlock_restrict_self}) {
    if (call_ends_us(number)) return 0;
  }
  const long abi = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kCreateVersion);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

namespace {

RulesetAttr ruleset_of(const LandlockPolicy& policy, int abi) {
  return {.fs = handled_fs(abi),
          .net = abi >= 4 && policy.refuse_tcp ? kNetBindConnect : 0,
          .scoped = abi >= 6 && policy.isolate ? kScopeSocketAndSignal : 0};
}

Status refused_by_kernel(const std::string& what) {
  Error error = errno_error(what, errno);
  error.kind = ErrorKind::kUnavailable;
  return error;
}

}  // namespace

Status restrict_by_landlock(const LandlockPolicy& policy, int abi) {
  const RulesetAttr attr = ruleset_of(policy, abi);
  const Fd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attr, attr_size(abi), 0)));
  if (!ruleset) return refused_by_kernel("making a Landlock rule set");
  for (const LandlockRule& rule : policy.rules) {
    const std::string what = fmt::format("allowing {} by Landlock", rule.path);
    const Fd path(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
    if (!path) return refused_by_kernel(what);
    const PathBeneathAttr beneath{.access = allowed_fs(rule, abi), .parent = path.get()};
    if (::syscall(SYS_landlock_add_rule, ruleset.get(), kRulePathBeneath, &beneath, 0) != 0) {
      return refused_by_kernel(what);
    }
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) {
    return refused_by_kernel("restricting by Landlock");
  }
  return {};
}

void plan_landlock(const LandlockPolicy& policy, int abi, Parts part, CallList& early,
                   CallList& late) {
  const auto* attr = early.keep<RulesetAttr>(ruleset_of(policy, abi));
  // Its number is known in the child only. It is used in `late` too, whose memory lives as long.
  auto* ruleset = early.keep<std::int32_t>(-1);
  early.add({.what = "making a Landlock rule set",
             .number = SYS_landlock_create_ruleset,
             .args = {CallList::address(attr), static_cast<long>(attr_size(abi)), 0},
             .part = part,
             .store = ruleset});
  for (const LandlockRule& rule : policy.rules) {
    const char* what = early.text(fmt::format("allowing {} by Landlock", rule.path));
    auto* beneath = early.keep<PathBeneathAttr>({.access = allowed_fs(rule, abi)});
    auto* parent = reinterpret_cast<std::int32_t*>(reinterpret_cast<char*>(beneath) +
                                                   offsetof(PathBeneathAttr, parent));
    early.open(rule.path, O_PATH, {.what = what, .part = part, .store = parent});
    early.add({.what = what,
               .number = SYS_landlock_add_rule,
               .args = {0, kRulePathBeneath, CallList::address(beneath), 0},
               .part = part,
               .load = ruleset});
  }
  late.add({.what = "restricting by Landlock",
            .number = SYS_landlock_restrict_self,
            .args = {0, 0},
            .part = part,
            .load = ruleset});
}

}  // namespace gw::os
