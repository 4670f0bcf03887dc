#include "os/pages.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace gw::os {
namespace {

TEST_CASE("pages are zeroed, aligned, and whole to their last byte") {
  for (std::size_t size : {1UL, 4096UL, 100'000UL, 2UL << 20, (2UL << 20) + 1, (5UL << 20) + 640}) {
    auto* p = static_cast<char*>(map_pages(size));
    if (size >= (2UL << 20)) CHECK(reinterpret_cast<std::uintptr_t>(p) % (2UL << 20) == 0);
    CHECK(p[0] == 0);
    CHECK(p[size - 1] == 0);
    p[0] = p[size - 1] = 1;
    unmap_pages(p, size);
  }
}

long resident_pages() {
  long size = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident;
}

TEST_CASE("memory that is given back is gone, and what is used comes back") {
  {
    std::vector<std::string> much(2000);
    for (std::string& one : much) one.assign(5000, 'x');
  }
  const long before = resident_pages();
  give_back_memory();
  CHECK(resident_pages() < before);
  // of the program's file, and what was made at its start
  CHECK(std::string("constant") + std::to_string(7) == "constant7");
  give_back_memory();
}

}  // namespace
}  // namespace gw::os
