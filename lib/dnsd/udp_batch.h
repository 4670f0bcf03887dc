// Up to 64 UDP queries in, their answers out: two system calls.
//
// All buffers are made once. Belongs to one thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <memory>

#include "dnsd/query_handler.h"

namespace gw::dnsd {

class UdpBatch {
 public:
  static constexpr unsigned kMessages = 64;

  UdpBatch();

  // Answers what has arrived at the socket, at most a batch of it, and returns how many queries
  // that were. `wildcard`: replies must name the address that was asked.
  unsigned serve(int socket, bool wildcard, QueryHandler& handler);

 private:
  static constexpr std::size_t kQuerySize = 4096;  // longer ones are cut, and malformed by that
  static constexpr std::size_t kAnswerSize = 1232;
  static constexpr std::size_t kControlSize = 64;

  struct Buffers {
    std::array<std::array<char, kQuerySize>, kMessages> queries;
    std::array<std::array<char, kAnswerSize>, kMessages> answers;
    alignas(cmsghdr) std::array<std::array<char, kControlSize>, kMessages> controls;
    std::array<sockaddr_in6, kMessages> peers;
    std::array<iovec, kMessages> query_parts;
    std::array<iovec, kMessages> answer_parts;
    std::array<mmsghdr, kMessages> received;
    std::array<mmsghdr, kMessages> replies;
  };

  unsigned receive(int socket, bool wildcard);
  void send(int socket, unsigned count);

  std::unique_ptr<Buffers> b_;
};

}  // namespace gw::dnsd
