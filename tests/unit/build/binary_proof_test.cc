#include "build/binary_proof.h"

#include <catch2/catch.hpp>

#include "build/key.h"
#include "os/file.h"
#include "support/temp_dir.h"
#include "support/tlog/own_log.h"
#include "tlog/build_log.h"
#include "tlog/log_store.h"
#include "tlog/tlog_proof.h"
#include "tlog/tree.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;

namespace {

// A log of one record, "good" of some build, or any text; and the two files.
struct ProofLab {
  explicit ProofLab(const std::string& record)
      : log(tlog::SignerKey::from_seed("b.example", std::string(32, 'b')).value()) {
    log.append({record});
    tlog::StoreNodes nodes(log.store);
    proof = {record, 0, tlog::inclusion_proof(0, 1, nodes).value(),
             log.writer().head()->checkpoint};
  }
  std::string verify(const std::string& bytes) {
    REQUIRE(os::write_file_atomic(dir.file("svc"), bytes, 0644));
    REQUIRE(os::write_file_atomic(dir.file("svc.proof"), tlog::format_tlog_proof(proof), 0644));
    const auto proven = verify_proof_files(dir.file("svc"), dir.file("svc.proof"), key());
    if (proven) return proven->key + " " + proven->sum + " of " + std::to_string(proven->log_size);
    return std::string(error_kind_name(proven.error().kind)) + " " + proven.error().message;
  }
  tlog::VerifierKey key() const { return log.checkpoint.key(); }
  TempDir dir;
  OwnLog log;
  tlog::TlogProof proof;
};

const Key kProofKey{"a.b/c", "v1.0.0", "/", {"js", "wasm"}, "go1.26.8", false};

std::string proof_record(const std::string& bytes) {
  return tlog::format_build_record(
      {kProofKey.view(), bytes.size(), format_binary_sum(sha256(bytes))});
}

}  // namespace

TEST_CASE("proof: these bytes are in the log", "[binary_proof]") {
  ProofLab lab(proof_record("good"));
  CHECK(lab.verify("good") ==
        format_key(kProofKey) + " " + format_binary_sum(sha256("good")) + " of 1");
}

TEST_CASE("proof: other bytes, of the same size or not, are not", "[binary_proof]") {
  ProofLab lab(proof_record("good"));
  for (const char* bytes : {"evil", "goodbye", ""}) {
    CAPTURE(bytes);
    CHECK(lab.verify(bytes).starts_with("untrusted " + lab.dir.file("svc") + ": "));
  }
}

TEST_CASE("proof: the record beside it counts for nothing unless the tree has it",
          "[binary_proof]") {
  ProofLab lab(proof_record("good"));
  lab.proof.extra = proof_record("evil");
  CHECK(lab.verify("evil").starts_with("untrusted "));
}

TEST_CASE("proof: what the tree has must be a build's record", "[binary_proof]") {
  ProofLab lab("good\n");
  CHECK(lab.verify("good") == "untrusted " + lab.dir.file("svc.proof") + ": of no build's record");
}

TEST_CASE("proof: another log's, and files that are not there", "[binary_proof]") {
  ProofLab lab(proof_record("good"));
  CHECK_FALSE(lab.verify("good").starts_with("untrusted"));
  const auto verify = [&](const std::string& binary, const tlog::VerifierKey& key) {
    return verify_proof_files(binary, lab.dir.file("svc.proof"), key).error().kind;
  };
  CHECK(verify(lab.dir.file("svc"), lab.log.latest.key()) == ErrorKind::kUntrusted);
  CHECK(verify(lab.dir.file("none"), lab.key()) == ErrorKind::kNotFound);
}
