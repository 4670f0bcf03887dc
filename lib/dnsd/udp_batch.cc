#include "dnsd/udp_batch.h"

#include <cerrno>
#include <cstring>

#include "base/metrics.h"

namespace gw::dnsd {

namespace {

// Turns the control message that came with a query into the one that goes with its answer: from the
// address asked, by whatever interface routing chooses (but for a link-local address, which means
// something on its own link only).
bool make_reply_control(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof(info));
      info.ipi_ifindex = 0;
      info.ipi_addr = {};
      std::memcpy(CMSG_DATA(c), &info, sizeof(info));
      return true;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof(info));
      if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
      std::memcpy(CMSG_DATA(c), &info, sizeof(info));
      return true;
    }
  }
  return false;
}

}  // namespace

UdpBatch::UdpBatch() : b_(std::make_unique<Buffers>()) {
  std::memset(static_cast<void*>(b_.get()), 0, sizeof(*b_));
  for (unsigned i = 0; i < kMessages; ++i) {
    b_->query_parts[i] = {b_->queries[i].data(), kQuerySize};
  }
}

unsigned UdpBatch::receive(int socket, bool wildcard) {
  for (unsigned i = 0; i < kMessages; ++i) {
    msghdr& m = b_->received[i].msg_hdr;
    m.msg_name = &b_->peers[i];
    m.msg_namelen = sizeof(b_->peers[i]);
    m.msg_iov = &b_->query_parts[i];
    m.msg_iovlen = 1;
    m.msg_control = wildcard ? b_->controls[i].data() : nullptr;
    m.msg_controllen = wildcard ? kControlSize : 0;
    m.msg_flags = 0;
  }
  const int n = ::recvmmsg(socket, b_->received.data(), kMessages, MSG_DONTWAIT, nullptr);
  if (n >= 0) return static_cast<unsigned>(n);
  // Whatever it was, it concerned one packet or a moment; the socket stays good.
  if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    metric_add(Metric::kServeReceiveErrors);
  }
  return 0;
}

void UdpBatch::send(int socket, unsigned count) {
  unsigned sent = 0;
  while (sent < count) {
    const int n = ::sendmmsg(socket, b_->replies.data() + sent, count - sent, 0);
    if (n > 0) {
      sent += static_cast<unsigned>(n);
    } else if (errno != EINTR) {
      // The first of them cannot be sent (no route, no buffer): UDP may lose it, the others go on.
      metric_add(Metric::kServeSendErrors);
      ++sent;
    }
  }
}

unsigned UdpBatch::serve(int socket, bool wildcard, QueryHandler& handler) {
  const unsigned n = receive(socket, wildcard);
  if (n == 0) return 0;
  unsigned replies = 0;
  handler.begin_batch();
  for (unsigned i = 0; i < n; ++i) {
    msghdr& query = b_->received[i].msg_hdr;
    const auto peer = os::SocketAddress::from_sockaddr(static_cast<const sockaddr*>(query.msg_name),
                                                       query.msg_namelen);
    if (!peer || peer->port() == 0) continue;
    if (wildcard && !make_reply_control(query)) continue;
    const std::size_t size = handler.answer_udp({b_->queries[i].data(), b_->received[i].msg_len},
                                                *peer, b_->answers[replies]);
    if (size == 0) continue;
    b_->answer_parts[replies] = {b_->answers[replies].data(), size};
    msghdr& reply = b_->replies[replies].msg_hdr;
    reply = query;
    reply.msg_iov = &b_->answer_parts[replies];
    reply.msg_flags = 0;
    ++replies;
  }
  handler.end_batch();
  send(socket, replies);
  return n;
}

}  // namespace gw::dnsd
