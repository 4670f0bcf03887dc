// How a sanitizer runs tests of libraries that it did not make (tests/delivered.cmake): without
// what it keeps and looks for on their account. Leaks and what is used after its end are found by
// the same tests with the libraries that are made for it. What ASAN_OPTIONS says goes before.
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier)

extern "C" const char* __asan_default_options() {
  return "handle_sigill=1:detect_leaks=0:malloc_context_size=0:"
         "quarantine_size_mb=0:thread_local_quarantine_size_kb=0";
}
