// What one tile costs to get from each kind of source: CPU and wall time of this process.
//
//   bench_source DIRECTORY [URL]
//
// DIRECTORY holds a log. All its full tiles of level 0 and all its data tiles are fetched, 256 to a
// call, again and again for about two seconds, warm in the page cache; with a URL the same files
// are fetched from there too. The files' sizes are the log's own: hash tiles of 8192 bytes, data
// tiles of 10 to 40 KB.
#include <time.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "net/source.h"

namespace {

double cpu_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

std::vector<gw::tlog::FetchRequest> tiles_below(const std::string& directory) {
  std::vector<gw::tlog::FetchRequest> out;
  for (const char* level : {"tile/8/0", "tile/8/data"}) {
    std::filesystem::path root = directory + "/" + level;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      std::string path = entry.path().string().substr(directory.size() + 1);
      bool partial = path.find(".p/") != std::string::npos;
      if (entry.is_regular_file() && !partial) out.push_back({path, std::size_t{16} << 20});
    }
  }
  return out;
}

// Returns false when a file could not be fetched.
bool measure(const std::string& where, const std::vector<gw::tlog::FetchRequest>& tiles) {
  auto source = gw::net::make_source({.log_name = "bench.example", .source = where});
  if (!source) {
    std::fprintf(stderr, "%s\n", source.error().message.c_str());
    return false;
  }
  std::size_t files = 0;
  std::size_t bytes = 0;
  double cpu = cpu_seconds();
  auto begin = std::chrono::steady_clock::now();
  std::chrono::duration<double> wall{};
  while (wall.count() < 2) {
    for (std::size_t i = 0; i < tiles.size(); i += 256) {
      std::span<const gw::tlog::FetchRequest> some(tiles);
      for (auto& r :
           (*source)->fetch(some.subspan(i, std::min<std::size_t>(256, some.size() - i)))) {
        if (!r) {
          std::fprintf(stderr, "%s\n", r.error().message.c_str());
          return false;
        }
        ++files;
        bytes += r->size();
      }
    }
    wall = std::chrono::steady_clock::now() - begin;
  }
  cpu = cpu_seconds() - cpu;
  auto n = static_cast<double>(files);
  std::printf("%s: %zu files of %.0f bytes, %.1f us CPU and %.1f us wall each\n",
              (*source)->describe().c_str(), files, static_cast<double>(bytes) / n, cpu / n * 1e6,
              wall.count() / n * 1e6);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || !gw::init_crypto()) {
    std::fprintf(stderr, "usage: bench_source DIRECTORY [URL]\n");
    return 2;
  }
  auto tiles = tiles_below(argv[1]);
  if (tiles.empty()) {
    std::fprintf(stderr, "%s: no tiles\n", argv[1]);
    return 1;
  }
  for (int i = 1; i < argc; ++i) {
    if (!measure(argv[i], tiles)) return 1;
  }
  return 0;
}
