#include "buildd/signer.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/bytes.h"
#include "base/text.h"
#include "buildd/claims.h"
#include "buildd/log_keys.h"
#include "buildd/provenance.h"
#include "os/secrets.h"
#include "os/user.h"
#include "tlog/checkpoint.h"

namespace gw::buildd {

namespace {

constexpr std::uint8_t kSignLatest = 1;
constexpr std::uint8_t kSignCheckpoint = 2;
constexpr std::uint8_t kSignHop = 3;
constexpr std::uint8_t kSignEnvelope = 4;
constexpr std::size_t kIdBytes = 4;  // of a key, in front of its signature
// Asked for at the start: the text is empty, the answer the verifier key.
constexpr std::size_t kMaxMessage = std::size_t{64} << 10U;
constexpr std::uint8_t kDone = 0;
constexpr std::uint8_t kRefused = 1;
constexpr std::uint8_t kNoKey = 2;

struct Message {
  std::uint8_t kind = 0;
  std::string text;
};

Status send_message(int socket, const Message& message) {
  std::string out;
  append_u8(out, message.kind);
  append_u32(out, static_cast<std::uint32_t>(message.text.size()));
  out += message.text;
  // Without SIGPIPE, whatever the process does with it.
  std::string_view rest = out;
  while (!rest.empty()) {
    const ssize_t n = ::send(socket, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return unavailable_error("the signer is gone");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::string> read_exactly(int socket, std::size_t size) {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::read(socket, out.data() + have, size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return unavailable_error("the signer is gone");
    have += static_cast<std::size_t>(n);
  }
  return out;
}

Result<Message> receive_message(int socket) {
  GW_TRY(const std::string head, read_exactly(socket, 5));
  ByteReader reader(head);
  Message out;
  out.kind = *reader.u8();
  const std::uint32_t size = *reader.u32();
  if (size > kMaxMessage) return unavailable_error("not a signer's message");
  GW_TRY(out.text, read_exactly(socket, size));
  return out;
}

// What was signed last with a key, so that it never signs two histories.
class Guard {
 public:
  Guard(tlog::SignerKey key, std::string origin)
      : key_(std::move(key)), origin_(std::move(origin)) {}

  Result<std::string> sign(const std::string& text) {
    if (text.empty()) return key_.verifier().format();
    std::string_view rest = text;
    const std::string_view origin = take_line(rest);
    const auto size = parse_decimal(take_line(rest));
    const auto root = decode_base64(take_line(rest));
    if (origin != origin_ || !size || !root || root->size() != Hash().size() || !rest.empty() ||
        text != tlog::format_tree_text(origin_, *size, hash_from_bytes(*root))) {
      return usage_error("not a head of this log");
    }
    if (*size < size_ || (*size == size_ && !root_.empty() && *root != root_)) {
      return usage_error("another history than was signed before");
    }
    size_ = *size;
    root_ = *root;
    return key_.sign_note(text);
  }

 private:
  tlog::SignerKey key_;
  std::string origin_;
  std::uint64_t size_ = 0;
  std::string root_;
};

// What is no head, and cannot be one.
Result<std::string> sign_other(const tlog::SignerKey& key, std::uint8_t kind,
                               const std::string& text) {
  if (kind == kSignHop && parse_hop_text(text)) return key.sign_note(text);
  if (kind == kSignEnvelope && is_envelope_text(text)) {
    // The signature alone, without the line around it.
    const std::string line = key.signature_line(text);
    const auto bytes = decode_base64(trim(line.substr(line.rfind(' ') + 1)));
    return bytes && bytes->size() > kIdBytes ? bytes->substr(kIdBytes) : std::string();
  }
  return usage_error("neither a hop nor an envelope");
}

}  // namespace

Status run_signer(int socket, const tlog::SignerKey& key) {
  GW_TRY(const tlog::SignerKey second, checkpoint_key(key));
  Guard latest(key, std::string(tlog::kSumdbOrigin));
  Guard checkpoint(second, second.verifier().name());
  while (true) {
    const auto request = receive_message(socket);
    if (!request) return {};  // the service has ended
    if (request->kind < kSignLatest || request->kind > kSignEnvelope) {
      return unavailable_error("not the service's question");
    }
    auto note = request->kind == kSignLatest       ? latest.sign(request->text)
                : request->kind == kSignCheckpoint ? checkpoint.sign(request->text)
                                                   : sign_other(key, request->kind, request->text);
    GW_CHECK(send_message(socket,
                          note ? Message{kDone, *note} : Message{kRefused, note.error().message}));
  }
}

Status run_signer_process(int socket, const std::string& key_file) {
  // systemd, and a terminal, signal the whole service: its last heads are still to be signed. This
  // ends with the socket.
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) (void)std::signal(number, SIG_IGN);
  GW_CHECK(os::keep_memory_secret());
  const auto key = load_log_key(key_file);
  if (!key) {
    const auto request = receive_message(socket);
    if (!request) return {};
    return send_message(socket,
                        {kNoKey, fmt::format("{}\n{}", key.error().message, key.error().hint)});
  }
  if (::geteuid() == 0) {
    GW_CHECK(os::become({kSignerUser, kSignerUser, {kSignerUser}}));
    GW_CHECK(os::keep_memory_secret());
  }
  return run_signer(socket, *key);
}

class SignerProcess::Signer : public tlog::NoteSigner {
 public:
  Signer(SignerProcess& process, std::uint8_t which, tlog::VerifierKey key)
      : process_(process), which_(which), key_(std::move(key)) {}
  Result<std::string> sign(std::string_view text) override { return process_.ask(which_, text); }
  const tlog::VerifierKey& key() const override { return key_; }

 private:
  SignerProcess& process_;
  const std::uint8_t which_;
  const tlog::VerifierKey key_;
};

SignerProcess::SignerProcess(std::string program, std::string key_file)
    : program_(std::move(program)), key_file_(std::move(key_file)) {}
SignerProcess::~SignerProcess() = default;

tlog::NoteSigner& SignerProcess::latest() { return *latest_; }
tlog::NoteSigner& SignerProcess::checkpoint() { return *checkpoint_; }

Result<std::string> SignerProcess::sign_hop(const std::string& text) { return ask(kSignHop, text); }
Result<std::string> SignerProcess::sign_envelope(const std::string& text) {
  return ask(kSignEnvelope, text);
}

Status SignerProcess::spawn() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errno_error("a socket for the signer", errno);
  }
  os::Fd ours(ends[0]);
  const os::Fd theirs(ends[1]);
  os::Spawn spawn;
  spawn.argv = {"gwtool", "build", "signer", "--key", key_file_};
  spawn.file = program_;
  spawn.environment.emplace();
  spawn.descriptors = {{theirs.get(), 0}, {os::FdMap::kNull, 1}};
  spawn.no_new_privileges = true;
  GW_TRY(auto child, os::spawn(std::move(spawn)));
  child_.reset();  // the one before, if there was one: it is gone
  child_.emplace(std::move(child));
  socket_ = std::move(ours);
  return {};
}

Result<std::string> SignerProcess::exchange(std::uint8_t key, std::string_view text) {
  GW_CHECK(send_message(socket_.get(), {key, std::string(text)}));
  GW_TRY(Message answer, receive_message(socket_.get()));
  if (answer.kind == kDone) return std::move(answer.text);
  if (answer.kind == kNoKey) {
    std::string_view rest = answer.text;
    const std::string message(take_line(rest));
    return usage_error(message, std::string(rest));
  }
  return internal_error("the signer refuses: " + answer.text);
}

Result<std::string> SignerProcess::ask(std::uint8_t key, std::string_view text) {
  const MutexLock lock(mutex_);
  auto answer = exchange(key, text);
  if (answer || answer.error().kind != ErrorKind::kUnavailable) return answer;
  if (lost_) {
    lost_();
    return unavailable_error("the signer is gone, and the key is out of reach",
                             "start the service again");
  }
  GW_CHECK(spawn());
  return exchange(key, text);
}

void SignerProcess::give_up_key(std::function<void()> lost) {
  const MutexLock lock(mutex_);
  lost_ = std::move(lost);
}

Result<std::unique_ptr<SignerProcess>> SignerProcess::start(std::string program,
                                                            std::string key_file) {
  std::unique_ptr<SignerProcess> out(new SignerProcess(std::move(program), std::move(key_file)));
  {
    const MutexLock lock(out->mutex_);
    GW_CHECK(out->spawn());
  }
  for (const std::uint8_t which : {kSignLatest, kSignCheckpoint}) {
    GW_TRY(const std::string text, out->ask(which, ""));
    GW_TRY(auto key, tlog::VerifierKey::parse(text));
    (which == kSignLatest ? out->latest_ : out->checkpoint_) =
        std::make_unique<Signer>(*out, which, std::move(key));
  }
  return out;
}

}  // namespace gw::buildd
