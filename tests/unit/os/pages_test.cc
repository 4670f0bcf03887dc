#include "os/pages.h"

#include <catch2/catch.hpp>
#include <cstdint>

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

}  // namespace
}  // namespace gw::os
