#include "net/resolver_probe.h"

#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iterator>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"
#include "dns/name.h"
#include "dns/types.h"
#include "os/file.h"
#include "os/thread.h"

namespace gw::net {

namespace {

constexpr std::size_t kMaxConf = std::size_t{64} << 10;
constexpr std::size_t kMaxServers = 3;  // as many as the C library takes

// A question as RFC 1035 has it, recursion desired, checking disabled.
std::string plain_query(const Question& q, std::uint16_t id) {
  const auto name = dns::parse_name(q.name);
  if (!name) return "";
  std::string out;
  append_u16(out, id);
  append_u16(out, 0x0110);
  append_u16(out, 1);
  out.append(6, '\0');
  out += *name;
  append_u16(out, q.type);
  append_u16(out, dns::rrclass::kIn);
  return out;
}

// The response code, or -1 when nothing came that is an answer to `query`; an errno in `fault` when
// the network said why.
int ask_server(const os::SocketAddress& server, const std::string& query, MonoTime deadline,
               int& fault) {
  const os::Fd fd(::socket(server.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd || ::connect(fd.get(), server.data(), server.size()) != 0 ||
      ::send(fd.get(), query.data(), query.size(), 0) < 0) {
    fault = errno;
    return -1;
  }
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - system_clock().mono()).count();
    pollfd p{fd.get(), POLLIN, 0};
    if (left <= 0 || ::poll(&p, 1, static_cast<int>(left)) == 0) return -1;
    char reply[512];
    const ssize_t n = ::recv(fd.get(), reply, sizeof reply, 0);
    if (n < 0 && errno != EINTR && errno != EAGAIN) {
      fault = errno;
      return -1;
    }
    const bool answer = n >= 12 && std::equal(reply, reply + 2, query.begin());
    if (answer && (static_cast<unsigned char>(reply[2]) & 0x80) != 0) return reply[3] & 15;
  }
}

}  // namespace

std::string rcode_text(int rcode) {
  static constexpr std::string_view kNames[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                                "NXDOMAIN", "NOTIMP",  "REFUSED"};
  if (rcode >= 0 && static_cast<std::size_t>(rcode) < std::size(kNames)) {
    return std::string(kNames[rcode]);
  }
  return fmt::format("rcode {}", rcode);
}

std::vector<os::SocketAddress> resolver_addresses(const ResolverOptions& options) {
  std::vector<os::SocketAddress> out;
  const auto add = [&out](std::string_view text) {
    if (auto address = os::SocketAddress::parse(text, 53)) out.push_back(*address);
  };
  if (!options.resolver.empty()) {
    add(options.resolver);
    return out;
  }
  if (const auto text = os::read_file(options.resolv_conf, kMaxConf)) {
    for (std::string_view rest = *text; !rest.empty() && out.size() < kMaxServers;) {
      const auto words = split_words(take_line(rest));
      if (words.size() >= 2 && words[0] == "nameserver") add(words[1]);
    }
  }
  if (out.empty()) add("127.0.0.1");
  return out;
}

namespace {

// Asks each server in turn; `codes`: whether a response code is a reason.
std::string probe_servers(const std::vector<os::SocketAddress>& servers, const Question& question,
                          MonoTime end, bool codes) {
  constexpr int kServfail = static_cast<int>(dns::Rcode::kServFail);
  constexpr int kNxdomain = static_cast<int>(dns::Rcode::kNxDomain);
  for (const os::SocketAddress& server : servers) {
    const std::string random = random_bytes(2);
    const auto id = static_cast<std::uint16_t>(static_cast<unsigned char>(random[0]) << 8 |
                                               static_cast<unsigned char>(random[1]));
    const std::string query = plain_query(question, id);
    if (query.empty()) return "";
    int fault = 0;
    const int rcode = ask_server(server, query, end, fault);
    if (fault == EMFILE || fault == ENFILE)
      return errno_error("no socket to ask with", fault).message;
    if (fault != 0) {
      return errno_error(fmt::format("the resolver {} cannot be reached", server.format()), fault)
          .message;
    }
    if (codes && rcode > 0 && rcode != kServfail && rcode != kNxdomain) {
      return fmt::format("the resolver {} answers {}", server.format(), rcode_text(rcode));
    }
  }
  return "";
}

}  // namespace

std::string why_no_answer(const std::vector<os::SocketAddress>& servers, const Question& question,
                          MonoTime deadline) {
  const MonoTime end = std::min(deadline, system_clock().mono() + std::chrono::seconds(1));
  return probe_servers(servers, question, end, true);
}

std::string why_unreachable(const std::vector<os::SocketAddress>& servers, const Question& question,
                            MonoTime deadline) {
  return probe_servers(servers, question, deadline, false);
}

Status check_means() {
  // Below this libevent ends the process, or validation finds no keys.
  constexpr int kDescriptors = 16;
  std::vector<os::Fd> spare;
  for (int i = 0; i < kDescriptors; ++i) {
    spare.emplace_back(::eventfd(0, EFD_CLOEXEC));
    if (!spare.back()) return unavailable_error(errno_error("descriptors", errno).message);
  }
  // libunbound makes one thread, and waits for ever for what it says although there is none.
  pid_t id = 0;
  GW_TRY(os::Thread thread, os::start_thread([&id] { id = ::gettid(); }));
  thread.join();
  // It counts against the limit until the kernel has let go of it, which is soon.
  constexpr int kMostTries = 100'000;
  for (int i = 0; i < kMostTries && ::tgkill(::getpid(), id, 0) == 0; ++i) ::sched_yield();
  return {};
}

}  // namespace gw::net
