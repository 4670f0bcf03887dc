// Runs a fuzz target over the files of its corpus, as an ordinary test: one program for all
// targets, whose entry points are gw_replay_NAME (require.h). An empty corpus is a failure: it
// would prove nothing.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// REPLAY(name) for each target.
#define REPLAY(name) extern "C" int gw_replay_##name(const std::uint8_t* data, std::size_t size);
#include "replay_targets.inc"
#undef REPLAY

namespace {

using Target = int (*)(const std::uint8_t*, std::size_t);

Target find(const char* wanted) {
#define REPLAY(name) \
  if (std::strcmp(wanted, #name) == 0) return gw_replay_##name;
#include "replay_targets.inc"
#undef REPLAY
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  const Target target = argc == 3 ? find(argv[1]) : nullptr;
  if (target == nullptr) {
    std::fprintf(stderr, "usage: %s TARGET CORPUS\n", argv[0]);
    return 2;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[2])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  std::printf("%zu inputs replayed\n", files);
  return files == 0 ? 1 : 0;
}
