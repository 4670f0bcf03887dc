#include "buildd/signer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <thread>

#include "base/bytes.h"
#include "base/crypto.h"
#include "buildd/claims.h"
#include "buildd/log_keys.h"
#include "buildd/provenance.h"
#include "support/os/as_user.h"
#include "support/temp_dir.h"
#include "tlog/checkpoint.h"

using namespace gw;
using namespace gw::buildd;
using gw::testing::TempDir;

namespace {

// The signer on a thread, and a client's end of its socket.
struct SignerLab {
  SignerLab() : key(make_log_key("b.example", dir.file("key")).value()) {
    int ends[2] = {};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    socket = os::Fd(ends[0]);
    thread = std::thread([this, end = ends[1]] {
      const os::Fd theirs(end);
      ended = run_signer(theirs.get(), key);
    });
  }
  ~SignerLab() { finish(); }
  void finish() {
    socket.reset();
    if (thread.joinable()) thread.join();
  }
  // 0 or 1 and the text.
  std::string ask(char which, const std::string& text) {
    std::string out(1, which);
    append_u32(out, static_cast<std::uint32_t>(text.size()));
    out += text;
    if (write_all(socket.get(), out) != 0) return "";
    std::string head(5, '\0');
    if (::recv(socket.get(), head.data(), head.size(), MSG_WAITALL) != 5) return "";
    std::string body(static_cast<std::size_t>(static_cast<unsigned char>(head[3])) << 8U |
                         static_cast<unsigned char>(head[4]),
                     '\0');
    if (!body.empty()) (void)::recv(socket.get(), body.data(), body.size(), MSG_WAITALL);
    return head.substr(0, 1) + body;
  }
  TempDir dir;
  tlog::SignerKey key;
  os::Fd socket;
  Status ended;
  std::thread thread;
};

std::string head_text(std::string_view origin, std::uint64_t size, char fill) {
  Hash root{};
  root.fill(static_cast<std::uint8_t>(fill));
  return tlog::format_tree_text(origin, size, root);
}

}  // namespace

TEST_CASE("signer: heads, ever larger, and nothing else", "[signer]") {
  SignerLab lab;
  const std::string kOrigin(tlog::kSumdbOrigin);
  CHECK(lab.ask(1, "").substr(1) == lab.key.verifier().format());
  const std::string second = lab.ask(2, "").substr(1);
  CHECK(second.starts_with("b.example/tlog+"));

  const std::string note = lab.ask(1, head_text(kOrigin, 7, 'a'));
  REQUIRE(note[0] == 0);
  CHECK(tlog::open_note(note.substr(1), lab.key.verifier()));
  CHECK(lab.ask(1, head_text(kOrigin, 7, 'a'))[0] == 0);  // again
  CHECK(lab.ask(1, head_text(kOrigin, 7, 'b'))[0] == 1);  // a fork
  CHECK(lab.ask(1, head_text(kOrigin, 6, 'a'))[0] == 1);  // back
  CHECK(lab.ask(1, head_text(kOrigin, 8, 'b'))[0] == 0);
  CHECK(lab.ask(2, head_text("b.example/tlog", 3, 'a'))[0] == 0);  // each key for itself
  for (const std::string& text :
       {std::string("hello\n"), head_text("another", 9, 'a'), head_text(kOrigin, 9, 'a') + "more\n",
        kOrigin + "\n09\n" + encode_base64(std::string(32, 'a')) + "\n",
        kOrigin + "\n9\nnonsense\n", head_text("b.example/tlog", 9, 'a')}) {
    CHECK(lab.ask(1, text)[0] == 1);
  }
  CHECK(lab.ask(2, head_text(kOrigin, 9, 'a'))[0] == 1);
  // What is no head has kinds of its own.
  const std::string hop = format_hop_text(
      "a.b/c v1.0.0 / linux amd64 go1.26.8 7 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n", WallTime());
  const std::string mark = lab.ask(3, hop);
  REQUIRE(mark[0] == 0);
  CHECK(tlog::open_note(mark.substr(1), lab.key.verifier()).value() == hop);
  const std::string envelope = envelope_text("{}");
  const std::string signature = lab.ask(4, envelope);
  REQUIRE(signature.size() == 65);
  CHECK(signature[0] == 0);
  CHECK(ed25519_verify(lab.key.verifier().public_key(), envelope, signature.substr(1)));
  for (const char kind : {3, 4}) {
    CHECK(lab.ask(kind, head_text(kOrigin, 9, 'a'))[0] == 1);
    CHECK(lab.ask(kind, "hello\n")[0] == 1);
  }
  CHECK(lab.ask(3, envelope)[0] == 1);
  CHECK(lab.ask(4, hop)[0] == 1);
  CHECK(lab.ask(1, hop)[0] == 1);
  lab.finish();
  CHECK(lab.ended);
}

TEST_CASE("signer: what does not speak its language is left", "[signer]") {
  SignerLab lab;
  CHECK(lab.ask(5, "x").empty());
  lab.finish();
  CHECK_FALSE(lab.ended);
}

namespace {

// What a signer's process answers first, from its beginning.
std::string first_answer(const std::string& key_file) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return "";
  os::Fd ours(ends[0]);
  std::thread signer([&] {
    const os::Fd theirs(ends[1]);
    (void)run_signer_process(theirs.get(), key_file);
  });
  std::string out(256, '\0');
  if (write_all(ours.get(), std::string(1, '\1') + std::string(4, '\0')) == 0) {
    const ssize_t n = ::read(ours.get(), out.data(), out.size());
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  }
  ours.reset();
  signer.join();
  return out;
}

}  // namespace

TEST_CASE("signer: reads its key, gives up root, and says what is wrong", "[signer]") {
  const TempDir dir;
  const auto key = make_log_key("b.example", dir.file("key")).value();
  os_test::in_child([&] {
    GW_EXPECT(first_answer(dir.file("none"))[0] == 2);
    const std::string answer = first_answer(dir.file("key"));
    GW_EXPECT(answer.size() > 5 && answer.substr(5) == key.verifier().format());
    GW_EXPECT(::geteuid() != 0);
    return std::string();
  });
}
