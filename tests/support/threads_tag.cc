// In rooms without threads and locks of their own, a unit test that starts a thread all the same
// says so with the tag [threads]: of those rooms only such tests run under the thread sanitizer,
// which has nothing to see in the others. This ends every test that does not say so. Not in
// sanitizer builds, which have a pthread_create of their own.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <dlfcn.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

namespace {

std::atomic<bool> thread_started = false;  // by the case that runs

class ThreadsTag : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testCaseStarting(const Catch::TestCaseInfo& /*info*/) override { thread_started = false; }

  void testCaseEnded(const Catch::TestCaseStats& stats) override {
    const auto& tags = stats.testInfo.lcaseTags;
    if (!thread_started || std::find(tags.begin(), tags.end(), "threads") != tags.end()) return;
    std::fprintf(stderr, "test case \"%s\" started a thread: give it the tag [threads]\n",
                 stats.testInfo.name.c_str());
    std::_Exit(1);
  }
};

CATCH_REGISTER_LISTENER(ThreadsTag)

}  // namespace

// Found before libc's by all that is linked into a test, and by the standard library.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto libc = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  thread_started = true;
  return libc(thread, attributes, run, argument);
}
