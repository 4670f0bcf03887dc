// How the address sanitizer runs in this build's programs; what ASAN_OPTIONS says goes before. What
// the undefined-behaviour sanitizer finds is an illegal instruction, and told with its place. Where
// memory came from is told in two steps, not thirty: each allocation of each process walks them,
// and a start touches 4 MB for them. (A report that does not say enough: run its test again with
// ASAN_OPTIONS=malloc_context_size=30.)
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier)

extern "C" const char* __asan_default_options() { return "handle_sigill=1:malloc_context_size=2"; }
