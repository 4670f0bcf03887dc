#include "tlog/note.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "base/crypto.h"
#include "os/file.h"
#include "tlog/checkpoint.h"
#include "tlog/go_log.h"
#include "tlog/hash.h"

using namespace gw;
using namespace gw::tlog;

namespace {

const std::string kDash = "\xe2\x80\x94 ";

SignerKey signer(std::string_view name, std::string_view seed) {
  return SignerKey::from_seed(name, as_bytes(sha256(seed))).value();
}

// A well-formed signature line of a key that nobody knows.
std::string stranger(std::string_view text, std::string_view name = "stranger") {
  return signer(name, "stranger").signature_line(text);
}

}  // namespace

TEST_CASE("verifier keys") {
  auto go = VerifierKey::parse(kGoLogKey);
  REQUIRE(go);
  CHECK(go->name() == "sum.golang.org");
  CHECK(go->id() == 0x033de0ae);
  CHECK(go->format() == kGoLogKey);
  std::string good(kGoLogKey);
  struct {
    std::string text, message;
  } bad[] = {
      {"", "NAME+ID+KEY"},
      {"sum.golang.org", "NAME+ID+KEY"},
      {"sum.golang.org+033de0ae", "NAME+ID+KEY"},
      {"+033de0ae" + good.substr(23), "bad key name"},
      {"sum golang.org" + good.substr(14), "bad key name"},
      {"sum.golang.or" + good.substr(14), "id is not that"},
      {"sum.golang.org+033de0af" + good.substr(23), "id is not that"},
      {"sum.golang.org+33de0ae" + good.substr(23), "eight hex digits"},
      {"sum.golang.org+033de0aeff" + good.substr(23), "eight hex digits"},
      {"sum.golang.org+033de0ag" + good.substr(23), "eight hex digits"},
      {good + "=", "not base64"},
      {good.substr(0, good.size() - 4), "not 32 bytes"},
      {"sum.golang.org+033de0ae+", "not base64"},
      {"sum.golang.org+033de0ae+Ac5zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "id is not that"},
      {"sum.golang.org+033de0ae+BM4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "not Ed25519"},
      {good + "\n", "not base64"},
  };
  for (auto& b : bad) {
    INFO(b.text);
    auto key = VerifierKey::parse(b.text);
    REQUIRE_FALSE(key);
    CHECK(key.error().kind == ErrorKind::kUsage);
    CHECK_THAT(key.error().message, Catch::Contains(b.message));
  }
}

TEST_CASE("signer keys") {
  std::string text = os::read_file(GW_TEST_DATA "/replica/key.test-only", 1000).value();
  text.resize(text.find_last_not_of('\n') + 1);
  std::string pub = os::read_file(GW_TEST_DATA "/replica/key.pub", 1000).value();
  pub.resize(pub.find_last_not_of('\n') + 1);
  auto key = SignerKey::parse(text);
  REQUIRE(key);
  CHECK(key->format() == text);
  CHECK(key->verifier().format() == pub);
  std::string note = key->sign_note("hello\n");
  CHECK(open_note(note, VerifierKey::parse(pub).value()).value() == "hello\n");

  CHECK_FALSE(SignerKey::parse(pub));
  std::string other_id = text;
  other_id.replace(other_id.find("69d69b16"), 8, "69d69b17");
  auto bad = SignerKey::parse(other_id);
  REQUIRE_FALSE(bad);
  CHECK_THAT(bad.error().message, !Catch::Contains("ASc52Pt"));  // no secrets in messages
  CHECK_FALSE(SignerKey::from_seed("a+b", std::string(32, 's')));
  CHECK_FALSE(SignerKey::from_seed("", std::string(32, 's')));
  CHECK_FALSE(
      SignerKey::from_seed("a\xc2\xa0"
                           "b",
                           std::string(32, 's')));
  CHECK_FALSE(SignerKey::from_seed("a\xe3\x80\x80", std::string(32, 's')));
  CHECK_FALSE(SignerKey::from_seed("a\xff", std::string(32, 's')));
  CHECK_FALSE(SignerKey::from_seed("a", "short"));
}

TEST_CASE("each way in which a note can be malformed, one by one") {
  SignerKey us = signer("us", "us");
  VerifierKey key = us.verifier();
  std::string text = "first\n\nsecond\n";
  std::string line = us.signature_line(text);
  std::string good = text + "\n" + line;
  REQUIRE(open_note(good, key).value() == text);
  REQUIRE(open_note(text + "\n" + stranger(text) + line, key));
  REQUIRE(open_note(text + "\n" + line + stranger(text), key));

  std::string many;
  for (int i = 0; i < 99; ++i) many += stranger(text);
  REQUIRE(open_note(text + "\n" + many + line, key));

  std::string short_sig = kDash + "stranger " + encode_base64("1234") + "\n";
  std::string bad_line = us.signature_line("another text\n");
  struct {
    std::string what, note, message;
  } cases[] = {
      {"empty", "", "no signatures"},
      {"text only", text, "malformed signature line"},
      {"no blank line", "text\n" + line, "no signatures"},
      {"no signature lines", text + "\n", "does not end in a signature"},
      {"no last line feed", good.substr(0, good.size() - 1), "does not end in a signature"},
      {"a carriage return", text + "\n" + line.substr(0, line.size() - 1) + "\r\n", "control"},
      {"a tab in the text", "a\tb\n\n" + us.signature_line("a\tb\n"), "control"},
      {"a zero byte", std::string("a\0b\n\n", 5) + line, "control"},
      {"not UTF-8", "\xff\n\n" + us.signature_line("\xff\n"), "UTF-8"},
      {"a plain dash", text + "\n- us " + line.substr(7), "malformed signature line"},
      {"no space after the dash", text + "\n\xe2\x80\x94us " + line.substr(7), "malformed"},
      {"no signature", text + "\n" + kDash + "us\n", "malformed signature line"},
      {"empty signature", text + "\n" + kDash + "us \n", "malformed signature by"},
      {"empty name", text + "\n" + kDash + " " + line.substr(7), "bad key name"},
      {"a plus in a name", text + "\n" + line + kDash + "a+b AAAAAAAA\n", "bad key name"},
      {"a no-break space in a name",
       text + "\n" + line + kDash +
           "a\xc2\xa0"
           "b AAAAAAAA\n",
       "bad key name"},
      {"not base64, of a stranger", text + "\n" + line + kDash + "stranger ????\n", "malformed"},
      {"unpadded base64", text + "\n" + line + kDash + "stranger AAAAAAA\n", "malformed"},
      {"two spaces", text + "\n" + line + kDash + "stranger  AAAAAAAA\n", "malformed"},
      {"text behind the signature", text + "\n" + line + kDash + "stranger AAAAAAAA x\n",
       "malformed"},
      {"four bytes of signature", text + "\n" + line + short_sig, "malformed signature by"},
      {"101 signatures", text + "\n" + many + line + stranger(text), "more than 100"},
      {"another line among them", text + "\n" + line + "hello\n", "malformed signature line"},
      {"signed text changed", "First\n\nsecond\n\n" + line, "bad signature"},
      {"a bad signature of a known key", text + "\n" + bad_line, "bad signature"},
      {"a bad one before a good one", text + "\n" + bad_line + line, "bad signature"},
      {"only a stranger", text + "\n" + stranger(text), "no signature by"},
      {"a stranger with our name", text + "\n" + stranger(text, "us"), "no signature by"},
      {"our key with another name", text + "\n" + kDash + "them " + line.substr(7),
       "no signature by"},
      {"longer than any head", std::string(kMaxNoteBytes, 'a') + "\n\n" + line, "too long"},
  };
  for (auto& c : cases) {
    INFO(c.what);
    auto opened = open_note(c.note, key);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == ErrorKind::kUntrusted);
    CHECK_THAT(opened.error().message, Catch::Contains(c.message));
  }
  // The second signature of a known key is not looked at.
  CHECK(open_note(text + "\n" + line + bad_line, key));
}

TEST_CASE("flipping any bit of a signed note invalidates it") {
  SignerKey us = signer("us", "us");
  std::string good = us.sign_note("text\n");
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(static_cast<unsigned char>(bad[i]) ^ (1U << bit));
      INFO(i << " " << bit);
      REQUIRE_FALSE(open_note(bad, us.verifier()));
    }
  }
}

TEST_CASE("signed heads") {
  SignerKey us = signer("us", "us");
  VerifierKey key = us.verifier();
  std::string hash = encode_base64(std::string(32, 'h'));
  std::string first = "go.sum database tree\n";
  auto open = [&](const std::string& text) {
    return Checkpoint::open(us.sign_note(text), key, kGoLog);
  };
  auto head = open(first + "5\n" + hash + "\n");
  REQUIRE(head);
  CHECK(head->size() == 5);
  CHECK(as_bytes(head->root()) == std::string(32, 'h'));
  CHECK(head->note() == us.sign_note(first + "5\n" + hash + "\n"));
  CHECK(head->key_name() == "us");
  CHECK(open(first + "5\n" + hash + "\nmore\n\nlines\n"));
  // The empty tree, in both ways of writing its root.
  std::string zeros = encode_base64(std::string(32, '\0'));
  CHECK(open(first + "0\n" + zeros + "\n")->root() == empty_tree_hash());
  CHECK(open(format_tree_text(kGoLog.origin, 0, empty_tree_hash()))->root() == empty_tree_hash());
  CHECK(open(first + "1\n" + zeros + "\n")->root() == Hash{});

  for (const std::string& bad :
       {std::string("go.sum database tree"), std::string("\n"), first, first + "5\n",
        first + "5\n" + hash, "Go.sum database tree\n5\n" + hash + "\n",
        first + "05\n" + hash + "\n", first + "+5\n" + hash + "\n", first + "-5\n" + hash + "\n",
        first + "\n" + hash + "\n", first + "5 \n" + hash + "\n",
        first + "281474976710657\n" + hash + "\n", first + "18446744073709551616\n" + hash + "\n",
        first + "5\n" + hash.substr(4) + "\n", first + "5\n" + hash + "AAAA\n",
        first + "5\n" + hash + " \n", first + "5\n\n" + hash + "\n", first + "0\n" + hash + "\n"}) {
    INFO(bad);
    std::string text = bad.ends_with('\n') ? bad : bad + "\n";
    if (bad == first + "5\n" + hash) continue;  // with its line feed it is a good one
    auto refused = open(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kUntrusted);
  }
}

TEST_CASE("the real heads of the Go checksum database") {
  auto key = VerifierKey::parse(kGoLogKey).value();
  auto open = [&](const char* file) {
    return Checkpoint::open(
        os::read_file(std::string(GW_TEST_DATA "/sumdb/") + file, 10000).value(), key, kGoLog);
  };
  CHECK(open("latest.first")->size() == 71769961);
  CHECK(open("latest")->size() == 71848828);
}
