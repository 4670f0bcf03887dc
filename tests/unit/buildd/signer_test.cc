#include "buildd/signer.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <thread>

#include "base/bytes.h"
#include "buildd/log_keys.h"
#include "support/temp_dir.h"
#include "tlog/checkpoint.h"

using namespace gw;
using namespace gw::buildd;
using gw::testing::TempDir;

namespace {

// The signer on a thread, and a client's end of its socket.
struct Lab {
  Lab() : key(make_log_key("b.example", dir.file("key")).value()) {
    int ends[2] = {};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    socket = os::Fd(ends[0]);
    thread = std::thread([this, end = ends[1]] {
      const os::Fd theirs(end);
      ended = run_signer(theirs.get(), key);
    });
  }
  ~Lab() { finish(); }
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
  Lab lab;
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
  lab.finish();
  CHECK(lab.ended);
}

TEST_CASE("signer: what does not speak its language is left", "[signer]") {
  Lab lab;
  CHECK(lab.ask(3, "x").empty());
  lab.finish();
  CHECK_FALSE(lab.ended);
  CHECK(SignerProcess::start("/proc/self/exe", lab.dir.file("none")).error().kind ==
        ErrorKind::kUsage);
}
