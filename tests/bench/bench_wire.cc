// What one DNS query costs between the socket's two calls: reading it, and answering it.
//
// Distribution: 4096 packets in a fixed random order over one zone of 100,000 module names (a
// static zone; the server's own index is measured with the server), names of 30 to 50 octets in
// mixed case, each in its own buffer. 90 % name a module, 10 % a missing name. Signatures come from
// a signer that copies a prepared one (what a cache hit costs here), so that the figure is the wire
// code's own. ns per query, best and median of 15 rounds.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "../support/dns/test_zone.h"
#include "dns/rdata.h"

namespace {

using namespace gw::dns;  // NOLINT(google-build-using-namespace)

class CopySigner : public RrsetSigner {
 public:
  SignResult sign(const SignRequest& request, std::span<char> out) override {
    std::memset(out.data(), static_cast<int>(request.rrset.type), out.size());
    return {SignStatus::kSigned, out.size(), Ede::kNone};
  }
};

std::string module_path(unsigned n) {
  return "github.com/owner" + std::to_string(n % 9973) + "/module" + std::to_string(n);
}

std::string module_name(const std::string& path) {
  static const ModuleNames kNames = ModuleNames::in_zone(test::kOrigin).value();
  return kNames.of_module(gw::mod::ModulePath::parse(path).value()).value();
}

template <class F>
void measure(const char* what, std::size_t packets, F&& round) {
  std::vector<double> ns;
  for (int i = 0; i < 15; ++i) {
    auto begin = std::chrono::steady_clock::now();
    round();
    auto end = std::chrono::steady_clock::now();
    ns.push_back(std::chrono::duration<double, std::nano>(end - begin).count() /
                 static_cast<double>(packets));
  }
  std::sort(ns.begin(), ns.end());
  std::printf("%-34s best %7.1f ns  median %7.1f ns\n", what, ns.front(), ns[ns.size() / 2]);
}

}  // namespace

int main() {
  std::mt19937 random(1);
  test::FixedSigner keys;
  std::vector<Rrset> rrsets = test::test_rrsets(keys);
  for (unsigned n = 0; n < 100000; ++n) {
    rrsets.push_back(Rrset::make(parse_name(module_name(module_path(n))).value(), rrtype::kTxt, 300,
                                 {txt_rdata("v=v1.4.0 t=6802a84d; v=v0.9.1 t=66f0a1b2")}));
  }
  auto zone = StaticZone::make(test::wire(test::kOrigin), rrsets, test::kTestKey).value();
  ZoneSet zones;
  if (!zones.add(zone.get())) return 1;
  CopySigner signer;
  AnswerOptions options;
  Answerer answerer(zones, signer, options);
  std::vector<char> out(kMaxMessage);

  auto make = [&](bool edns, bool dnssec_ok) {
    std::vector<std::string> packets;
    for (int i = 0; i < 4096; ++i) {
      bool missing = i % 10 == 9;
      std::string name = module_name(module_path(random() % 100000 + (missing ? 1000000 : 0)));
      for (char& c : name) {
        if (random() % 2 == 0 && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
      }
      packets.push_back(test::make_query({.name = name, .edns = edns, .dnssec_ok = dnssec_ok}));
    }
    std::shuffle(packets.begin(), packets.end(), random);
    return packets;
  };
  auto plain = make(false, false);
  auto edns = make(true, false);
  auto dnssec = make(true, true);
  Query query;
  std::uint64_t sink = 0;
  auto read = [&](const std::vector<std::string>& packets) {
    return [&] {
      for (const std::string& packet : packets) {
        sink += static_cast<unsigned>(read_query(packet, query)) + query.name_size;
      }
    };
  };
  auto both = [&](const std::vector<std::string>& packets) {
    return [&] {
      for (const std::string& packet : packets) {
        sink += answerer.answer(packet, Transport::kUdp, out).size;
      }
    };
  };
  measure("read, no EDNS", plain.size(), read(plain));
  measure("read, OPT", edns.size(), read(edns));
  measure("read and answer, no EDNS", plain.size(), both(plain));
  measure("read and answer, OPT", edns.size(), both(edns));
  measure("read and answer, DO", dnssec.size(), both(dnssec));
  std::array<char, kMaxName> labels;
  measure("encode a module path", 100000, [&] {
    for (unsigned n = 0; n < 100000; ++n) {
      static const std::string kPath = module_path(77777);
      sink += encode_module_labels(kPath, 15, labels);
    }
  });
  return sink == 0 ? 1 : 0;
}
