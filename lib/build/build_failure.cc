#include "build/build_failure.h"

#include <fmt/format.h>

#include <memory>

#include "os/dir.h"

namespace gw::build {

Error failure(FoundReason found) {
  Error error = not_found_error(found.line.empty()
                                    ? std::string(reason_text(found.reason))
                                    : fmt::format("{}: {}", reason_text(found.reason), found.line),
                                std::string(reason_hint(found.reason)));
  error.detail = std::make_shared<BuildFailure>(found.reason, "");
  return error;
}

bool is_failure(const Error& error) {
  return dynamic_cast<const BuildFailure*>(error.detail.get()) != nullptr;
}

bool has_cgo(const std::string& directory) {
  constexpr std::size_t kMaxSource = std::size_t{4} << 20U;
  const auto dir = os::Dir::open_without_links(directory);
  if (!dir) return false;
  const auto entries = dir->list();
  if (!entries) return false;
  for (const os::Dir::Entry& entry : *entries) {
    if (!entry.name.ends_with(".go") || entry.is_directory) continue;
    const auto text = dir->read_file(entry.name, kMaxSource);
    if (text && text->find("import \"C\"") != std::string::npos) return true;
  }
  return false;
}

}  // namespace gw::build
