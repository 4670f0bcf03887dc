// What the kernel refused of a sandbox, and why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "os/child_calls.h"

namespace gw::os {

enum class SandboxPart : Parts {
  kUserNamespace = 1U << 0,
  kPidNamespace = 1U << 1,
  kRoot = 1U << 2,
  kProc = 1U << 3,
  kNetwork = 1U << 4,
  kIpc = 1U << 5,
  kHostName = 1U << 6,
  kLandlock = 1U << 7,
  kSeccomp = 1U << 8,
  kCgroup = 1U << 9,
  kMemoryLimit = 1U << 10,
  kPidsLimit = 1U << 11,
  kTelling = 1U << 12,  // of calls that seccomp refuses
};
constexpr Parts kAllSandboxParts = (1U << 13) - 1;
constexpr Parts bit(SandboxPart part) { return static_cast<Parts>(part); }

// "network namespace".
std::string_view sandbox_part_name(SandboxPart part);

struct Refusal {
  SandboxPart part = SandboxPart::kRoot;
  std::string what = {};  // the step
  int error = 0;          // an errno value; ECANCELED: it needs another part, which was refused
};
using Refusals = std::vector<Refusal>;

// "network namespace: unshare: Operation not permitted".
std::string refusal_text(const Refusal& refusal);

}  // namespace gw::os
