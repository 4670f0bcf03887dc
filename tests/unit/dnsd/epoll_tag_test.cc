#include "dnsd/epoll_tag.h"

#include <catch2/catch.hpp>

namespace gw::dnsd {
namespace {

TEST_CASE("an event's tag travels whole") {
  using Kind = EpollTag::Kind;
  for (const Kind kind : {Kind::kStop, Kind::kUdp, Kind::kTcpListener, Kind::kTcpConnection}) {
    for (const std::uint32_t index : {0U, 1U, 0x7fffffffU, 0xffffffffU}) {
      for (const std::uint32_t generation : {0U, 1U, EpollTag::kGenerationMask}) {
        const EpollTag tag = EpollTag::unpack(EpollTag{kind, index, generation}.pack());
        CHECK(tag.kind == kind);
        CHECK(tag.index == index);
        CHECK(tag.generation == generation);
      }
    }
  }
}

TEST_CASE("a generation past its bits begins again, and touches neither kind nor index") {
  const EpollTag tag =
      EpollTag::unpack(EpollTag{EpollTag::Kind::kUdp, 7, EpollTag::kGenerationMask + 2}.pack());
  CHECK(tag.kind == EpollTag::Kind::kUdp);
  CHECK(tag.index == 7);
  CHECK(tag.generation == 1);
}

}  // namespace
}  // namespace gw::dnsd
