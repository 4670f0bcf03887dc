#include "tlog/tlog_proof.h"

#include <catch2/catch.hpp>

#include "support/tlog/own_log.h"
#include "tlog/log_store.h"
#include "tlog/tree.h"

using namespace gw;
using namespace gw::tlog;
using namespace gw::testing;

namespace {

struct Lab {
  Lab() : log(SignerKey::from_seed("b.example", std::string(32, 'b')).value()) {
    std::vector<std::string> records;
    records.reserve(300);
    for (int n = 0; n < 300; ++n) records.push_back("record " + std::to_string(n) + "\n");
    log.append(records);
  }
  TlogProof prove(std::uint64_t index) {
    StoreNodes nodes(log.store);
    return {"extra", index, inclusion_proof(index, 300, nodes).value(),
            log.writer().head()->checkpoint};
  }
  OwnLog log;
};

}  // namespace

TEST_CASE("tlog proof: written, read, verified", "[tlog_proof]") {
  Lab lab;
  const VerifierKey& key = lab.log.checkpoint.key();
  for (const std::uint64_t index : {0U, 7U, 255U, 256U, 299U}) {
    const TlogProof proof = lab.prove(index);
    const std::string text = format_tlog_proof(proof);
    CHECK(parse_tlog_proof(text).value() == proof);
    const std::string entry = "record " + std::to_string(index) + "\n";
    CHECK(verify_tlog_proof(proof, entry, key).value() == 300);
    CHECK(verify_tlog_proof(proof, "another\n", key).error().kind == ErrorKind::kUntrusted);
    TlogProof other = proof;
    other.index = index == 7 ? 8 : 7;
    CHECK_FALSE(verify_tlog_proof(other, entry, key));
    other = proof;
    other.index = 300;
    CHECK_FALSE(verify_tlog_proof(other, entry, key));
    // The log's own key is another one, and its heads are not checkpoints.
    CHECK_FALSE(verify_tlog_proof(proof, entry, lab.log.latest.key()));
  }
  TlogProof plain = lab.prove(1);
  plain.extra.clear();
  CHECK(parse_tlog_proof(format_tlog_proof(plain)).value() == plain);
}

TEST_CASE("tlog proof: what is none", "[tlog_proof]") {
  Lab lab;
  const std::string good = format_tlog_proof(lab.prove(7));
  const auto edited = [&](std::string_view from, std::string_view to) {
    std::string out = good;
    out.replace(out.find(from), from.size(), to);
    return out;
  };
  for (const std::string& text :
       {std::string(), edited("@v1", "@v2"), edited("index 7", "index 07"), edited("index 7", "7"),
        edited("extra ", "extra"), edited("extra ", "extra !"), edited("extra ", "extra \nextra "),
        edited("\n\n", "\n"), good.substr(0, good.size() - 1),
        good.substr(0, good.find("\n\n") + 2), edited("index 7\n", "index 7\nAAAA\n")}) {
    INFO(text);
    CHECK(parse_tlog_proof(text).error().kind == ErrorKind::kUntrusted);
  }
}
