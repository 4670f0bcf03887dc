// Any bytes as a path of each kind: a module path is an import path, an import path is one of a
// file but for a dash in front, and what is accepted keeps inside the directory that it is joined
// to.
#include <cstdint>
#include <string_view>

#include "base/text.h"
#include "fuzz/require.h"
#include "module/path.h"

namespace fuzz_import_path {

using namespace gw;
using namespace gw::mod;

namespace {

void check_error(const Status& status) {
  for (char c : status.error().message) require(c >= 0x20 && c < 0x7f);
}

void check_elements(std::string_view path) {
  for (std::string_view rest = path;;) {
    const std::size_t slash = rest.find('/');
    const std::string_view element = rest.substr(0, slash);
    require(!element.empty() && element != "." && element != "..");
    if (slash == rest.npos) return;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace

FUZZ_TARGET(import_path)(const std::uint8_t* data, std::size_t size) {
  const std::string_view path(reinterpret_cast<const char*>(data), size);
  const Status module = check_path(path);
  const Status import = check_import_path(path);
  const Status file = check_file_path(path);
  if (module) require(import.has_value());
  if (import) require(file.has_value());
  for (const Status* status : {&module, &import, &file}) {
    if (!*status) check_error(*status);
  }
  if (!file) return 0;
  require(is_utf8(path) && path.find('\\') == path.npos && path.find('\0') == path.npos);
  check_elements(path);
  if (size < kMaxPathBytes / 2) {
    require(check_file_path(std::string(path) + "/" + std::string(path)).has_value());
  }
  return 0;
}

}  // namespace fuzz_import_path
