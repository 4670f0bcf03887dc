// The real modules and the real toolchain of shared/data/goproxy, where it is: every zip and go.mod
// has the sum that the captured part of the Go checksum database has for it, and the proxy's other
// answers are understood.
#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "module/dirhash.h"
#include "module/path.h"
#include "module/proxy.h"
#include "module/zip.h"
#include "support/module/file_tree.h"
#include "support/shared_data.h"

using namespace gw;
using namespace gw::mod;

namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool sum_has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every real zip has its sum", "[data]") {
  const std::string root = test::shared_data("goproxy");
  if (root.empty()) {
    WARN("no shared/data/goproxy: only the one module of this tree is tested, in zip_test.cc");
    return;
  }
  int zips = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".zip") continue;
    const auto escaped =
        std::filesystem::relative(entry.path().parent_path().parent_path(), root).string();
    const std::string module = unescape_path(escaped).value();
    const std::string version = unescape_version(entry.path().stem().string()).value();
    INFO(module << "@" << version);
    const std::string record = contents(std::string(GW_TEST_DATA) + "/sumdb/lookup/" + escaped +
                                        "@" + entry.path().stem().string());
    const int fd = open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    const auto source = FdSource::of(fd);
    REQUIRE(source);
    auto zip = ModuleZip::open(*source, module, version);
    INFO((zip ? std::string() : zip.error().message));
    REQUIRE(zip);
    const auto hash = zip->hash();
    REQUIRE(hash);
    CHECK(sum_has(record, module + " " + version + " " + *hash + "\n"));
    auto beside = entry.path();
    if (beside.replace_extension(".ziphash"); std::filesystem::exists(beside)) {
      CHECK(contents(beside) == *hash);
    }
    const std::string gomod = contents(beside.replace_extension(".mod"));
    CHECK(sum_has(record, module + " " + version + "/go.mod " + hash_gomod(gomod) + "\n"));
    if (entry.file_size() < (4U << 20U)) {  // the toolchain takes its time
      const test::FileTree dir;
      CHECK(zip->unpack(dir.fd()).value() == *hash);
      CHECK(hash_directory(dir.fd(), module + "@" + version).value() == *hash);
      CHECK(zip->read("go.mod", kMaxSpecialFileBytes).value() == gomod);
    } else {
      CHECK(zip->files().size() == 11'518);
    }
    close(fd);
    ++zips;
  }
  CHECK(zips == 7);
}

TEST_CASE("every real answer of a proxy is understood", "[data]") {
  const std::string root = test::shared_data("goproxy");
  if (root.empty()) {
    WARN("no shared/data/goproxy: answers are tested in proxy_test.cc only");
    return;
  }
  int answers = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file() || entry.path().parent_path().filename() != "@v") continue;
    const std::string path = std::filesystem::relative(entry.path(), root).string();
    const auto request = parse_proxy_path(path);
    if (entry.path().extension() == ".ziphash") {  // the module cache's, no proxy sum_has it
      CHECK(!request);
      continue;
    }
    INFO(path);
    REQUIRE(request);
    CHECK(entry.file_size() <= max_answer_bytes(request->kind));
    if (request->kind == ProxyRequest::Kind::kInfo) {
      const auto info = parse_version_info(*request, contents(entry.path()));
      REQUIRE(info);
      CHECK(info->version == request->version);
      CHECK(info->time);
    } else if (request->kind == ProxyRequest::Kind::kList) {
      const std::string list = contents(entry.path());
      CHECK((!parse_version_list(request->module, list).empty() ||
             find_latest_by_time(request->module, list)));
    }
    ++answers;
  }
  CHECK(answers == 30);
}
