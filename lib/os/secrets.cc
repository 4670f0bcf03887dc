#include "os/secrets.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

namespace gw::os {

Result<bool> keep_memory_secret() {
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error("PR_SET_DUMPABLE", errno);
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0) return errno_error("RLIMIT_CORE", errno);
  rlimit lock{};
  if (::getrlimit(RLIMIT_MEMLOCK, &lock) == 0) {
    lock.rlim_cur = lock.rlim_max;
    (void)::setrlimit(RLIMIT_MEMLOCK, &lock);
  }
  // What is touched later is locked then: this binary's pages are many, and most never used.
  return ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

}  // namespace gw::os
