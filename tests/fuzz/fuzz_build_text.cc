// What people and the go command write: requests, targets, Go versions, a toolchain's go.env, and
// the output in which a reason is looked for.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "build/go_command.h"
#include "build/includes.h"
#include "build/reason.h"
#include "build/resolve.h"
#include "build/target.h"
#include "build/toolchain_hash.h"
#include "fuzz/require.h"
#include "module/path.h"

namespace fuzz_build_text {

using namespace gw;
using namespace gw::build;

FUZZ_TARGET(build_text)(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto request = parse_request(input)) {
    if (request->path.empty() || request->query.empty()) std::abort();
    for (const std::string& module : candidate_modules(request->path)) {
      if (!mod::check_path(module) || !request->path.starts_with(module)) std::abort();
    }
  }
  if (const auto target = parse_target(input)) {
    if (format_target(*target) != input) std::abort();
  }
  if (check_go_version(input) && input.find_first_of(" /\n") != std::string_view::npos) {
    std::abort();
  }
  (void)check_go_env(input);
  (void)is_program(input);
  (void)find_includes(input);
  (void)assembled_directories(input);
  const FoundReason found = find_reason(input, "a.b/c", [](std::string_view) { return true; });
  if (found.line.size() > 400 || found.line.find('\n') != std::string::npos) std::abort();
  return 0;
}

}  // namespace fuzz_build_text
