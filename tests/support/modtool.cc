// What lib/module says about files, for tests that compare it with Go's own answers:
//
//   gw_modtool zip MODULE VERSION FILE...    a line each: the h1: sum, or "error: ..."
//   gw_modtool unpack MODULE VERSION FILE DIR    unpacks into the new DIR, then as above
//   gw_modtool dir PREFIX DIR                the h1: sum of a directory
//   gw_modtool buildinfo FILE...             as `go version -m`: "FILE: GOVERSION", then the lines
//                                            after a tab; "FILE: error: ..." where there is none
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "module/buildinfo.h"
#include "module/dirhash.h"
#include "module/zip.h"

using namespace gw;
using namespace gw::mod;

namespace {

Result<FdSource> open_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);  // until the process ends
  if (fd < 0) return io_error("cannot open " + path);
  return FdSource::of(fd);
}

Result<int> open_directory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return io_error("cannot open " + path);
  return fd;
}

Result<std::string> sum_zip(const std::string& module, const std::string& version,
                            const std::string& path, const std::string& unpack_to) {
  GW_TRY(const FdSource source, open_file(path));
  GW_TRY(ModuleZip zip, ModuleZip::open(source, module, version));
  if (unpack_to.empty()) return zip.hash();
  mkdir(unpack_to.c_str(), 0755);
  GW_TRY(const int dir, open_directory(unpack_to));
  return zip.unpack(dir);
}

void print(const Result<std::string>& result) {
  std::cout << (result ? *result : "error: " + result.error().message) << "\n";
}

Result<std::string> describe(const std::string& path) {
  GW_TRY(const FdSource source, open_file(path));
  GW_TRY(BuildInfo info, read_build_info(source));
  std::string out = std::exchange(info.go_version, {}) + "\n";
  std::string text = format_build_info(info);
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
    out += "\t" + text.substr(0, end + 1);
  }
  out.pop_back();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() >= 4 && args[0] == "zip") {
    for (std::size_t i = 3; i < args.size(); ++i) print(sum_zip(args[1], args[2], args[i], ""));
  } else if (args.size() == 5 && args[0] == "unpack") {
    print(sum_zip(args[1], args[2], args[3], args[4]));
  } else if (args.size() == 3 && args[0] == "dir") {
    const auto dir = open_directory(args[2]);
    print(dir ? hash_directory(*dir, args[1]) : dir.error());
  } else if (args.size() >= 2 && args[0] == "buildinfo") {
    for (std::size_t i = 1; i < args.size(); ++i) {
      std::cout << args[i] << ": ";
      print(describe(args[i]));
    }
  } else {
    std::cerr << "usage: see the head of modtool.cc\n";
    return 2;
  }
  return 0;
}
