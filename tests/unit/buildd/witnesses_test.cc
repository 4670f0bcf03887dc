#include "buildd/witnesses.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "support/tlog/own_log.h"
#include "tlog/tree.h"

using namespace gw;
using namespace gw::buildd;
using gw::testing::OwnLog;

namespace {

constexpr WallTime kWitnessNow{std::chrono::seconds(1'800'000'000)};

tlog::SignerKey witness_key() {
  return tlog::SignerKey::from_seed("b.example", std::string(32, 'b')).value();
}

// A witness as the specification has it, which remembers one log.
struct Peer {
  explicit Peer(const std::string& name)
      : signer(tlog::Cosigner::from_seed(name, std::string(32, name[0])).value()) {}
  Witness witness() const { return {signer.key(), "https://" + signer.key().name()}; }

  net::HttpResponse answer(const net::HttpRequest& request, const tlog::VerifierKey& log) {
    ++asked;
    net::HttpResponse out;
    out.status = status;
    if (status != 200) return out;
    std::string_view rest = request.body;
    std::string_view first = take_line(rest);
    REQUIRE(first.starts_with("old "));
    const std::uint64_t old = *parse_decimal(first.substr(4));
    std::vector<Hash> proof;
    for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
      proof.push_back(hash_from_bytes(*decode_base64(line)));
    }
    const std::string_view text = tlog::open_note(rest, log).value();
    std::string_view lines = text;
    CHECK(take_line(lines) == "b.example/tlog");
    const std::uint64_t now = *parse_decimal(take_line(lines));
    const Hash now_root = hash_from_bytes(*decode_base64(take_line(lines)));
    if (old != size) {
      out.status = 409;
      out.body = std::to_string(size) + "\n";
      return out;
    }
    if (old > 0) REQUIRE(tlog::verify_consistency(old, root, now, now_root, proof));
    size = now;
    root = now_root;
    out.body = signer.signature_line(lies ? "other\n" : text, kWitnessNow);
    return out;
  }
  tlog::Cosigner signer;
  std::uint64_t size = 0;
  Hash root{};
  int status = 200;
  bool lies = false;
  int asked = 0;
};

struct WitnessLab {
  explicit WitnessLab(std::size_t quorum)
      : witnesses({a.witness(), b.witness()}, quorum,
                  [this](const net::HttpRequest& request) -> Result<net::HttpResponse> {
                    CHECK(request.method == "POST");
                    Peer& peer = request.url == "https://a.example/add-checkpoint" ? a : b;
                    return peer.answer(request, log.checkpoint.key());
                  }) {}
  Witnesses::Round round() { return witnesses.round(log.store, log.writer()).value(); }
  OwnLog log{witness_key()};
  Peer a{"a.example"};
  Peer b{"b.example"};
  Witnesses witnesses;
};

}  // namespace

TEST_CASE("witnesses: a log grows, and each head is signed", "[witnesses]") {
  WitnessLab lab(2);
  CHECK(lab.round().size == 0);  // nothing to sign
  CHECK(lab.a.asked == 0);
  lab.log.append({"one\n"});
  CHECK(lab.round().size == 1);
  lab.log.append({"two\n", "three\n"});
  // Until then monitors see the old one.
  CHECK(tlog::verify_cosignature(lab.log.writer().checkpoint(), lab.a.signer.key()).value() ==
        kWitnessNow);
  CHECK(lab.log.writer().checkpoint().find("\n1\n") != std::string::npos);
  const auto round = lab.round();
  CHECK(round.size == 3);
  CHECK(round.errors.empty());
  const std::string note = lab.log.writer().checkpoint();
  CHECK(note.find("\n3\n") != std::string::npos);
  for (const Peer* peer : {&lab.a, &lab.b}) {
    CHECK(tlog::verify_cosignature(note, peer->signer.key()).value() == kWitnessNow);
  }
  // Nobody is asked twice for the same.
  const int asked = lab.a.asked;
  CHECK(lab.round().size == 3);
  CHECK(lab.a.asked == asked);
}

TEST_CASE("witnesses: one that has another size in mind, one that is down, one that lies",
          "[witnesses]") {
  WitnessLab lab(1);
  lab.log.append({"one\n", "two\n", "three\n"});
  lab.a.size = 2;
  tlog::StoreNodes nodes(lab.log.store);
  lab.a.root = tlog::frontier_at(2, nodes).value().root();
  lab.b.status = 500;
  auto round = lab.round();
  CHECK(round.size == 3);
  CHECK(lab.a.asked == 2);
  REQUIRE(round.errors.size() == 1);
  CHECK(round.errors[0].message.starts_with("b.example: "));
  CHECK(tlog::verify_cosignature(lab.log.writer().checkpoint(), lab.b.signer.key()).error().kind ==
        ErrorKind::kNotFound);

  lab.log.append({"four\n"});
  lab.a.lies = true;
  lab.b.status = 200;
  lab.b.size = 9;  // it saw a log that was longer
  round = lab.round();
  CHECK(round.size == 0);
  REQUIRE(round.errors.size() == 2);
  CHECK(round.errors[0].kind == ErrorKind::kUntrusted);
  CHECK(round.errors[1].kind == ErrorKind::kUntrusted);
  CHECK(lab.log.writer().checkpoint().find("\n3\n") != std::string::npos);
}

TEST_CASE("witnesses: too few of them", "[witnesses]") {
  WitnessLab lab(2);
  lab.log.append({"one\n"});
  lab.b.status = 403;
  CHECK(lab.round().size == 0);
  CHECK(tlog::verify_cosignature(lab.log.writer().checkpoint(), lab.a.signer.key()).error().kind ==
        ErrorKind::kNotFound);
  lab.b.status = 200;
  CHECK(lab.round().size == 1);
}

TEST_CASE("witnesses: how they are named", "[witnesses]") {
  const Peer peer("w.example");
  const auto witness = Witness::parse(peer.signer.key().format() + "=https://w.example/x/");
  REQUIRE(witness);
  CHECK(witness->key == peer.signer.key());
  CHECK(witness->url == "https://w.example/x");
  CHECK_FALSE(Witness::parse(peer.signer.key().format()));
  CHECK_FALSE(
      Witness::parse(witness_key().verifier().format() + "=https://w.example"));  // a log's key
  CHECK_FALSE(Witness::parse("x=https://w.example"));
}
