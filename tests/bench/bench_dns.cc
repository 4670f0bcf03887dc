// The two ends of the DNS benchmark, driven by bench_dns.py: a load generator that keeps 64 queries
// in flight, and an echo server that shows what the kernel alone costs.
//
//   bench_dns load HOST PORT NAMES key=value...
//     NAMES: a file of wire names, each behind its length octet. Names are asked for by Zipf's law
//     (exponent 1) over a fixed shuffling of the file; `miss` of a hundred queries ask for a name
//     beside one of them that does not exist, a different one each time.
//       seconds=5 warm=1   how long, and how long before that
//       inflight=64        queries on their way
//       tcp=0              connections; 0: UDP
//       do=0               ask for DNSSEC
//       miss=10            percent
//       top=0              only the most asked for so many; 0: all
//       order=zipf         or `each`: every name once, in the order of its rank
//     Prints "READY" when warm, waits for a line, runs, prints "DONE queries answered errors
//     seconds".
//   bench_dns echo PORT [sign]
//     Sends each packet back; with `sign`, after one P-256 signature.
//   bench_dns names LIST ZONE OUT
//     From "PATH TXT" lines: OUT.names for `load`, and OUT.zone, the same zone for other servers.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "dns/module_name.h"
#include "dns/name.h"
#include "dns/types.h"
#include "dns/wire.h"
#include "os/file.h"

namespace {

using namespace gw;
using Clock = std::chrono::steady_clock;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "bench_dns: %s\n", why.c_str());
  std::exit(2);
}

std::uint64_t random_state = 88172645463325252ULL;
std::uint64_t next_random() {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}
double uniform() { return static_cast<double>(next_random() >> 11) / 9007199254740992.0; }

struct Settings {
  std::map<std::string, std::string> values;
  Settings(int argc, char** argv, int from) {
    for (int i = from; i < argc; ++i) {
      const std::string arg = argv[i];
      const std::size_t equals = arg.find('=');
      if (equals == std::string::npos) die("not key=value: " + arg);
      values[arg.substr(0, equals)] = arg.substr(equals + 1);
    }
  }
  double number(const std::string& key, double fallback) const {
    auto it = values.find(key);
    return it == values.end() ? fallback : std::stod(it->second);
  }
  bool is(const std::string& key, const std::string& value) const {
    auto it = values.find(key);
    return it != values.end() && it->second == value;
  }
};

// Makes queries into a buffer.
class Queries {
 public:
  Queries(const std::string& file, const Settings& s)
      : each_(s.is("order", "each")),
        dnssec_(s.number("do", 0) != 0),
        miss_(s.number("miss", 10) / 100),
        top_(static_cast<std::size_t>(s.number("top", 0))) {
    auto bytes = os::read_file(file, std::size_t{1} << 31);
    if (!bytes) die(bytes.error().message);
    names_ = *std::move(bytes);
    for (std::size_t at = 0; at < names_.size(); at += 1 + static_cast<std::uint8_t>(names_[at])) {
      offsets_.push_back(static_cast<std::uint32_t>(at));
    }
  }
  std::size_t make(char* out) {
    const std::size_t n = top_ == 0 ? offsets_.size() : std::min(top_, offsets_.size());
    std::size_t rank =
        each_ ? count_ % n
              : static_cast<std::size_t>(std::exp(uniform() * std::log(static_cast<double>(n))));
    rank = std::min(rank, n - 1);
    const std::size_t i = rank * 2654435761UL % offsets_.size();
    const char* name = names_.data() + offsets_[i];
    const std::size_t size = static_cast<std::uint8_t>(name[0]);
    std::memset(out, 0, 12);
    dns::store_u16(out, static_cast<std::uint16_t>(count_++));
    out[2] = 1;  // RD
    out[5] = 1;
    std::size_t at = 12;
    if (!each_ && uniform() < miss_) {
      at += static_cast<std::size_t>(
          std::snprintf(out + at, 16, "\x0a%010x", static_cast<unsigned>(next_random())));
      // A sibling: the first label replaced.
      const std::size_t first = 1 + static_cast<std::uint8_t>(name[1]);
      std::memcpy(out + at, name + 1 + first, size - first);
      at += size - first;
    } else {
      std::memcpy(out + at, name + 1, size);
      at += size;
    }
    dns::store_u16(out + at, dns::rrtype::kTxt);
    dns::store_u16(out + at + 2, 1);
    at += 4;
    if (dnssec_) {
      static constexpr char kOpt[] = "\0\0\x29\x04\xd0\0\0\x80\0\0";
      std::memcpy(out + at, kOpt, 11);
      out[11] = 1;
      at += 11;
    }
    return at;
  }

 private:
  std::string names_;
  std::vector<std::uint32_t> offsets_;
  std::uint64_t count_ = 0;
  bool each_, dnssec_;
  double miss_;
  std::size_t top_;
};

struct Totals {
  std::uint64_t sent = 0, answered = 0, errors = 0, found = 0;
  void count(const char* reply, std::size_t size) {
    ++answered;
    found += size >= 12 && (reply[6] != 0 || reply[7] != 0) ? 1 : 0;
    if (size < 12 || (reply[3] & 15) == 2 || (reply[3] & 15) == 5 || (reply[2] & 2) != 0) ++errors;
  }
};

sockaddr_in address(const char* host, const char* port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  if (inet_pton(AF_INET, host, &a.sin_addr) != 1) die("not an address");
  return a;
}

class UdpLoad {
 public:
  static constexpr unsigned kBatch = 64;
  UdpLoad(const sockaddr_in& to, unsigned inflight) : inflight_(inflight) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM, 0);
    const int buffer = 1 << 20;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) die("connect");
  }
  void run(Queries& queries, Totals& t, Clock::time_point end) {
    while (Clock::now() < end) {
      const unsigned room = std::min<unsigned>(kBatch, inflight_ - outstanding_);
      for (unsigned i = 0; i < room; ++i) {
        parts_[i] = {out_[i].data(), queries.make(out_[i].data())};
        messages_[i] = {};
        messages_[i].msg_hdr.msg_iov = &parts_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
      }
      if (room != 0) {
        const int n = ::sendmmsg(fd_, messages_.data(), room, 0);
        if (n > 0) {
          outstanding_ += static_cast<unsigned>(n);
          t.sent += static_cast<std::uint64_t>(n);
        }
      }
      receive(t);
    }
  }

 private:
  void receive(Totals& t) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 100) == 0) {
      outstanding_ = 0;  // lost
      return;
    }
    for (unsigned i = 0; i < kBatch; ++i) {
      parts_[i] = {in_[i].data(), in_[i].size()};
      messages_[i] = {};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    const int n = ::recvmmsg(fd_, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < n; ++i)
      t.count(in_[static_cast<unsigned>(i)].data(), messages_[static_cast<unsigned>(i)].msg_len);
    if (n > 0) outstanding_ -= std::min(outstanding_, static_cast<unsigned>(n));
  }

  int fd_;
  unsigned inflight_, outstanding_ = 0;
  std::array<std::array<char, 512>, kBatch> out_;
  std::array<std::array<char, 2048>, kBatch> in_;
  std::array<iovec, kBatch> parts_;
  std::array<mmsghdr, kBatch> messages_;
};

class TcpLoad {
 public:
  TcpLoad(const sockaddr_in& to, unsigned inflight, unsigned connections)
      : depth_(std::max(1U, inflight / connections)) {
    for (unsigned i = 0; i < connections; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) die("connect");
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      ::fcntl(fd, F_SETFL, O_NONBLOCK);
      polls_.push_back({fd, POLLIN, 0});
      pending_.emplace_back();
      outstanding_.push_back(0);
    }
  }
  void run(Queries& queries, Totals& t, Clock::time_point end) {
    while (Clock::now() < end) {
      for (std::size_t c = 0; c < polls_.size(); ++c) {
        std::string batch;
        std::array<char, 512> query;
        for (; outstanding_[c] < depth_; ++outstanding_[c], ++t.sent) {
          const std::size_t n = queries.make(query.data());
          batch.push_back(static_cast<char>(n >> 8));
          batch.push_back(static_cast<char>(n));
          batch.append(query.data(), n);
        }
        if (!batch.empty() && ::send(polls_[c].fd, batch.data(), batch.size(), MSG_NOSIGNAL) !=
                                  static_cast<ssize_t>(batch.size())) {
          die("tcp send");
        }
      }
      if (::poll(polls_.data(), polls_.size(), 1000) <= 0) die("no tcp answers");
      for (std::size_t c = 0; c < polls_.size(); ++c) {
        if (polls_[c].revents != 0) receive(c, t);
      }
    }
  }

 private:
  void receive(std::size_t c, Totals& t) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::recv(polls_[c].fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) die("tcp connection closed");
    std::string& in = pending_[c];
    in.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t at = 0;
    while (in.size() - at >= 2) {
      const std::size_t size = dns::load_u16(in.data() + at);
      if (in.size() - at - 2 < size) break;
      t.count(in.data() + at + 2, size);
      --outstanding_[c];
      at += 2 + size;
    }
    in.erase(0, at);
  }

  unsigned depth_;
  std::vector<pollfd> polls_;
  std::vector<std::string> pending_;
  std::vector<unsigned> outstanding_;
};

int load(int argc, char** argv) {
  if (argc < 5) die("load HOST PORT NAMES");
  const Settings s(argc, argv, 5);
  Queries queries(argv[4], s);
  const sockaddr_in to = address(argv[2], argv[3]);
  const auto inflight = static_cast<unsigned>(s.number("inflight", 64));
  const auto tcp = static_cast<unsigned>(s.number("tcp", 0));
  auto go = [&](auto&& generator) {
    Totals warm;
    Totals t;
    auto seconds = [](double x) {
      return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(x));
    };
    generator.run(queries, warm, Clock::now() + seconds(s.number("warm", 1)));
    std::printf("READY\n");
    std::fflush(stdout);
    (void)std::getchar();
    const auto start = Clock::now();
    generator.run(queries, t, start + seconds(s.number("seconds", 5)));
    const std::chrono::duration<double> took = Clock::now() - start;
    std::printf("DONE %lu %lu %lu %lu %.3f\n", t.sent, t.answered, t.errors, t.found, took.count());
  };
  if (tcp == 0) {
    go(UdpLoad(to, inflight));
  } else {
    go(TcpLoad(to, inflight, tcp));
  }
  return 0;
}

int echo(int argc, char** argv) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in at = address("127.0.0.1", argv[2]);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) != 0) die("bind");
  const bool sign = argc > 3;
  auto signer = P256Signer::generate();
  constexpr unsigned kBatch = 64;
  static std::array<std::array<char, 2048>, kBatch> buffers;
  std::array<sockaddr_in, kBatch> peers;
  std::array<iovec, kBatch> parts;
  std::array<mmsghdr, kBatch> messages{};
  std::array<std::uint8_t, 64> signature;
  for (;;) {
    for (unsigned i = 0; i < kBatch; ++i) {
      parts[i] = {buffers[i].data(), buffers[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &peers[i];
      messages[i].msg_hdr.msg_namelen = sizeof(peers[i]);
    }
    const int n = ::recvmmsg(fd, messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (n <= 0) continue;
    for (unsigned i = 0; i < static_cast<unsigned>(n); ++i) {
      // About an answer's size.
      parts[i].iov_len = std::min<std::size_t>(messages[i].msg_len + 33UL, buffers[i].size());
      buffers[i][2] = static_cast<char>(0x85);
      if (sign) (void)signer->sign({buffers[i].data(), 120}, signature.data());
    }
    ::sendmmsg(fd, messages.data(), static_cast<unsigned>(n), 0);
  }
}

int names(char** argv) {
  std::ifstream list(argv[2]);
  const std::string zone = argv[3];
  const std::string origin = *dns::parse_lower_name(zone);
  const auto names = dns::ModuleNames::in_zone(zone);
  std::ofstream wire(std::string(argv[4]) + ".names", std::ios::binary);
  std::ofstream text(std::string(argv[4]) + ".zone");
  text << "$ORIGIN " << zone
       << ".\n$TTL 300\n@ SOA ns1 hostmaster 1 14400 3600 1209600 300\n@ NS ns1\nns1 A 127.0.0.1\n";
  std::string line;
  while (std::getline(list, line)) {
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    auto path = mod::ModulePath::parse(line.substr(0, space));
    if (!path) continue;
    auto name = names->of_module(*path);
    if (!name) continue;
    auto encoded = dns::parse_lower_name(*name);
    wire << static_cast<char>(encoded->size()) << *encoded;
    text << *name << ". TXT \"" << line.substr(space + 1) << "\"\n";
  }
  wire.flush();
  text.flush();
  if (!wire || !text) die("cannot write");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (!init_crypto()) return 1;
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "load") return load(argc, argv);
  if (mode == "echo" && argc >= 3) return echo(argc, argv);
  if (mode == "names" && argc == 5) return names(argv);
  die("load, echo or names");
}
