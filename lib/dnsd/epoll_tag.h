// What an event of a worker's epoll is about, as it travels in the event's 64 bits.
#pragma once

#include <cstdint>

namespace gw::dnsd {

struct EpollTag {
  enum class Kind : std::uint8_t { kStop, kUdp, kTcpListener, kTcpConnection };

  Kind kind = Kind::kStop;
  std::uint32_t index = 0;       // which one of its kind
  std::uint32_t generation = 0;  // below 2^24: an index is used again, this makes it another one

  static constexpr std::uint32_t kGenerationMask = 0xffffff;

  constexpr std::uint64_t pack() const {
    return (static_cast<std::uint64_t>(kind) << 56) |
           (static_cast<std::uint64_t>(generation & kGenerationMask) << 32) | index;
  }
  static constexpr EpollTag unpack(std::uint64_t data) {
    return {static_cast<Kind>(data >> 56), static_cast<std::uint32_t>(data),
            static_cast<std::uint32_t>(data >> 32) & kGenerationMask};
  }
};

}  // namespace gw::dnsd
