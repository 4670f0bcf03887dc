// OpenSSL works on the socket itself, without buffers of ours between: an idle connection costs
// what OpenSSL keeps of it, and no more.
#include "http/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "os/file.h"

namespace gw::http {

namespace {

struct FreeContext {
  void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
};
struct FreeSsl {
  void operator()(SSL* s) const { SSL_free(s); }
};
using Context = std::unique_ptr<SSL_CTX, FreeContext>;

constexpr std::size_t kRecord = 16 << 10;  // the most that one TLS record holds

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return text == nullptr ? "unknown error" : text;
}

// RFC 7301: a client that only speaks others goes on without, as most servers let it.
int choose_protocol(SSL* /*ssl*/, const unsigned char** out, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* /*unused*/) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, size, kHttp11, sizeof kHttp11 - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

Result<Context> load_context(const TlsOptions& options) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return internal_error("starting TLS: " + openssl_reason());
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                             SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                          SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(c, choose_protocol, nullptr);
  // OpenSSL opens them by name, and would wait for who writes to a pipe.
  for (const std::string& file : {options.certificate_file, options.key_file}) {
    auto there = os::open_regular_file(file);
    if (there) continue;
    Error error = std::move(there).error();
    if (error.kind == ErrorKind::kNotFound) error.kind = ErrorKind::kUsage;
    return error;
  }
  auto failed = [](const std::string& file) {
    return usage_error(fmt::format("{}: {}", file, openssl_reason()));
  };
  // No terminal is asked for a password.
  SSL_CTX_set_default_passwd_cb(c, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_use_certificate_chain_file(c, options.certificate_file.c_str()) != 1) {
    return failed(options.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(c, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(c) != 1) {
    return failed(options.key_file);
  }
  return context;
}

// Another file, or other content, by what stat(2) says of it.
using Stamp = std::tuple<dev_t, ino_t, off_t, std::int64_t, std::int64_t>;
Stamp stamp_of(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
}
using Stamps = std::array<Stamp, 2>;
Stamps stamps_of(const TlsOptions& o) {
  return {stamp_of(o.certificate_file), stamp_of(o.key_file)};
}

class TlsTransport : public Transport {
 public:
  TlsTransport(std::unique_ptr<SSL, FreeSsl> ssl, int fd) : ssl_(std::move(ssl)), fd_(fd) {}

  Outcome handshake() override {
    ERR_clear_error();
    return outcome(SSL_accept(ssl_.get()), 0);
  }

  Outcome read(char* out, std::size_t size) override {
    ERR_clear_error();
    std::size_t n = 0;
    const int result = SSL_read_ex(ssl_.get(), out, size, &n);
    return outcome(result, n);
  }

  Outcome write(std::string_view bytes, bool /*more*/) override {
    ERR_clear_error();
    std::size_t n = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n);
    return outcome(result, n);
  }

  Outcome send_file(int file, std::uint64_t offset, std::uint64_t size) override {
    std::array<char, kRecord> part;
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(size, part.size()));
    const ssize_t n = ::pread(file, part.data(), want, static_cast<off_t>(offset));
    if (n < 0) return {Io::kBroken, 0};
    if (n == 0) return {Io::kDone, 0};
    return write({part.data(), static_cast<std::size_t>(n)}, false);
  }

  void finish() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) != 0 && !broken_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
    ::shutdown(fd_, SHUT_WR);
  }

  bool has_buffered() const override { return SSL_has_pending(ssl_.get()) != 0; }
  bool is_tls() const override { return true; }

 private:
  Outcome outcome(int result, std::size_t size) {
    if (result > 0) return {Io::kDone, size};
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {Io::kWantRead, 0};
      case SSL_ERROR_WANT_WRITE:
        return {Io::kWantWrite, 0};
      case SSL_ERROR_ZERO_RETURN:
        return {Io::kEnd, 0};
      default:
        broken_ = true;  // OpenSSL: nothing more may be asked of it, SSL_shutdown() neither
        ERR_clear_error();
        return {Io::kBroken, 0};
    }
  }

  std::unique_ptr<SSL, FreeSsl> ssl_;
  const int fd_;
  bool broken_ = false;
};

}  // namespace

struct TlsFiles::Impl {
  TlsOptions options;
  Context context;
  Stamps stamps;
};

TlsFiles::TlsFiles(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsFiles::~TlsFiles() = default;

Result<std::unique_ptr<TlsFiles>> TlsFiles::load(TlsOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  // Before the files are read: what changes meanwhile is seen as a change.
  impl->stamps = stamps_of(impl->options);
  GW_TRY(impl->context, load_context(impl->options));
  return std::unique_ptr<TlsFiles>(new TlsFiles(std::move(impl)));
}

TlsFiles::Change TlsFiles::refresh(Error& error) {
  const Stamps now = stamps_of(impl_->options);
  if (now == impl_->stamps) return Change::kNone;
  impl_->stamps = now;
  auto loaded = load_context(impl_->options);
  if (!loaded) {
    error = std::move(loaded).error();
    return Change::kFailed;
  }
  impl_->context = *std::move(loaded);
  return Change::kLoaded;
}

std::unique_ptr<Transport> TlsFiles::transport(int fd) const {
  std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(impl_->context.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return std::make_unique<TlsTransport>(std::move(ssl), fd);
}

}  // namespace gw::http
