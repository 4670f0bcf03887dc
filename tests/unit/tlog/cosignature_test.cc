#include "tlog/cosignature.h"

#include <catch2/catch.hpp>

#include "base/crypto.h"
#include "tlog/note.h"

using namespace gw;
using namespace gw::tlog;

namespace {

// The checkpoint of the specification's example.
const std::string kExample =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\xe2\x80\x94 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\xe2\x80\x94 witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/"
    "zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

const WallTime kTime = from_unix(1679315147);

Cosigner witness(std::string_view name) {
  return Cosigner::from_seed(name, as_bytes(sha256(name))).value();
}

std::string log_note() {
  auto log = SignerKey::from_seed("log.test/tlog", std::string(32, 'l')).value();
  return log.sign_note("log.test/tlog\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
}

std::string text_of(const std::string& note) { return std::string(parse_note(note)->text); }

}  // namespace

TEST_CASE("the specification's cosignature has the form that is read and written here") {
  const auto note = parse_note(kExample);
  REQUIRE(note);
  REQUIRE(note->signatures.size() == 2);
  const auto parts = parse_cosignature(note->signatures[1].signature);
  REQUIRE(parts);
  CHECK(parts->time == kTime);
  CHECK(parts->signature.size() == 64);
  // The log's own signature is none.
  CHECK_FALSE(parse_cosignature(note->signatures[0].signature));
}

TEST_CASE("what a cosignature signs, spelled out") {
  const Cosigner w = witness("w.test");
  const std::string text = text_of(log_note());
  const std::string note = text + "\n" + w.signature_line(text, kTime);
  const auto sig = parse_note(note)->signatures[0];
  CHECK(sig.name == "w.test");
  CHECK(sig.id == key_id("w.test", "\x04" + w.key().public_key()));
  CHECK(sig.signature.substr(0, 8) == std::string("\0\0\0\0\x64\x18\x50\xcb", 8));
  CHECK(ed25519_verify(w.key().public_key(), "cosignature/v1\ntime 1679315147\n" + text,
                       std::string_view(sig.signature).substr(8)));
}

TEST_CASE("witness keys have one spelling") {
  const CosignerKey key = witness("w.test").key();
  const std::string text = key.format();
  CHECK(CosignerKey::parse(text).value() == key);
  // The same public key as a log's key is another key, and neither is taken for the other.
  const std::string log =
      SignerKey::from_seed("w.test", as_bytes(sha256("w.test")))->verifier().format();
  CHECK_FALSE(CosignerKey::parse(log));
  CHECK_FALSE(VerifierKey::parse(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string bad = text;
    bad[i] = bad[i] == 'b' ? 'c' : 'b';
    INFO(bad);
    const auto parsed = CosignerKey::parse(bad);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == ErrorKind::kUsage);
  }
  CHECK_FALSE(Cosigner::from_seed("a b", std::string(32, 'x')));
  CHECK_FALSE(Cosigner::from_seed("a", std::string(31, 'x')));
}

TEST_CASE(
    "a cosignature is verified with its time, and any changed byte of text or line is refused") {
  const Cosigner w = witness("w.test");
  const std::string note = log_note();
  const std::string good = note + w.signature_line(text_of(note), kTime);
  REQUIRE(verify_cosignature(good, w.key()).value() == kTime);
  // The log's own signature still opens it.
  CHECK(open_note(good, SignerKey::from_seed("log.test/tlog", std::string(32, 'l'))->verifier()));

  std::size_t other_key = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    if (i > text_of(note).size() && i < note.size()) continue;  // the log's signature
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    INFO(i);
    const auto verified = verify_cosignature(bad, w.key());
    REQUIRE_FALSE(verified);
    // With another name or key id it is nobody's that we know.
    if (verified.error().kind == ErrorKind::kNotFound) ++other_key;
  }
  CHECK(other_key > 0);
  CHECK(other_key <= 6 + 6);

  CHECK(verify_cosignature(note, w.key()).error().kind == ErrorKind::kNotFound);
  CHECK(verify_cosignature("", w.key()).error().kind == ErrorKind::kUntrusted);
  CHECK(verify_cosignature(good, witness("v.test").key()).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("times of a cosignature") {
  const Cosigner w = witness("w.test");
  const std::string text = text_of(log_note());
  for (std::int64_t time : {std::int64_t{0}, std::int64_t{1}, std::int64_t{INT64_MAX}}) {
    const std::string note = text + "\n" + w.signature_line(text, from_unix(time));
    CHECK(verify_cosignature(note, w.key()).value() == from_unix(time));
  }
  CHECK_FALSE(parse_cosignature(std::string("\x80", 1) + std::string(71, '\0')));
  CHECK_FALSE(parse_cosignature(std::string(71, '\0')));
  CHECK_FALSE(parse_cosignature(std::string(73, '\0')));
  CHECK_FALSE(parse_cosignature(""));
}

TEST_CASE("witnesses' answers are added to a note: known and good ones only") {
  const std::string note = log_note();
  const std::string text = text_of(note);
  const Cosigner a = witness("a.test");
  const Cosigner b = witness("b.test");
  const Cosigner stranger = witness("stranger.test");
  const std::vector<CosignerKey> known = {a.key(), b.key()};

  auto once = add_cosignatures(
      note, a.signature_line(text, kTime) + stranger.signature_line(text, kTime), known);
  REQUIRE(once);
  CHECK(*once == note + a.signature_line(text, kTime));
  // A later one by the same witness takes the place of the older; others stay.
  const WallTime later = kTime + std::chrono::seconds(60);
  auto twice =
      add_cosignatures(*once, b.signature_line(text, later) + a.signature_line(text, later), known);
  REQUIRE(twice);
  CHECK(*twice == note + b.signature_line(text, later) + a.signature_line(text, later));
  CHECK(verify_cosignature(*twice, a.key()).value() == later);
  CHECK(verify_cosignature(*twice, b.key()).value() == later);
  // The same twice in one answer: the first counts.
  auto same =
      add_cosignatures(note, a.signature_line(text, kTime) + a.signature_line(text, later), known);
  CHECK(*same == note + a.signature_line(text, kTime));

  // One of another head, a mangled line, a text in place of lines, nothing.
  const std::string other = "log.test/tlog\n8\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  for (const std::string& bad :
       {a.signature_line(other, kTime), "x" + a.signature_line(text, kTime), std::string(),
        "more text\n\n" + a.signature_line(text, kTime)}) {
    INFO(bad);
    const auto added = add_cosignatures(note, bad, known);
    REQUIRE_FALSE(added);
    CHECK(added.error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("a note with a hundred signatures takes no more") {
  std::string note = log_note();
  const std::string text = text_of(note);
  std::vector<CosignerKey> known;
  for (int i = 1; i < 100; ++i) {
    const Cosigner w = witness("w" + std::to_string(i));
    known.push_back(w.key());
    note += w.signature_line(text, kTime);
  }
  const Cosigner last = witness("last");
  known.push_back(last.key());
  CHECK_FALSE(add_cosignatures(note, last.signature_line(text, kTime), known));
  const Cosigner first = witness("w1");
  CHECK(add_cosignatures(note, first.signature_line(text, kTime), known));
}
