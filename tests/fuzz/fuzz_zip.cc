// Module zips from outside. What is opened has only names that are safe, in bounds; what is hashed
// is what can be read, and the same each time.
#include <cstdint>
#include <cstdlib>

#include "fuzz/require.h"
#include "module/path.h"
#include "module/zip.h"

namespace fuzz_zip {

using namespace gw;
using namespace gw::mod;

namespace {

void check_zip(const ByteSource& source, std::string_view module, std::string_view version) {
  auto zip = ModuleZip::open(source, module, version);
  if (!zip) return;
  std::uint64_t total = 0;
  for (const ModuleZip::File& file : zip->files()) {
    if (!check_file_path(file.name) || file.size > kMaxZipBytes - total) std::abort();
    total += file.size;
  }
  const auto hash = zip->hash();
  if (!hash) return;
  for (const ModuleZip::File& file : zip->files()) {
    const auto content = zip->read(file.name, file.size);
    if (!content || content->size() != file.size) std::abort();
  }
  const auto again = zip->hash();
  if (!again || *again != *hash) std::abort();
}

}  // namespace

FUZZ_TARGET(zip)(const std::uint8_t* data, std::size_t size) {
  const MemorySource source({reinterpret_cast<const char*>(data), size});
  check_zip(source, "a.b/m", "v1.0.0");
  check_zip(source, "golang.org/x/example/hello", "v0.0.0-20250915201037-7f05d217867b");
  return 0;
}

}  // namespace fuzz_zip
