// A client's connection as bytes: plain, or through TLS. Nothing here blocks.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace gw::http {

class Transport {
 public:
  enum class Io {
    kDone,       // `size` bytes went, or came
    kWantRead,   // again when the socket is readable
    kWantWrite,  // again when it is writable
    kEnd,        // the peer sends no more
    kBroken,
  };
  struct Outcome {
    Io io = Io::kBroken;
    std::size_t size = 0;
  };

  virtual ~Transport() = default;
  // kDone when bytes can be read and written. Called until then.
  virtual Outcome handshake() = 0;
  virtual Outcome read(char* out, std::size_t size) = 0;
  // `more` follows at once: the kernel need not send a short packet for these. After kWant* the
  // same bytes must be given again.
  virtual Outcome write(std::string_view bytes, bool more) = 0;
  // A part of a file; kDone with 0 bytes: it is shorter than that.
  virtual Outcome send_file(int file, std::uint64_t offset, std::uint64_t size) = 0;
  // No more will be written. Failures do not matter.
  virtual void finish() = 0;
  // Bytes have come that no readiness of the socket will tell of.
  virtual bool has_buffered() const = 0;
  virtual bool is_tls() const = 0;
};

// `fd` is borrowed, and does not block. SIGPIPE must be ignored: sendfile(2) has no flag against
// it.
std::unique_ptr<Transport> plain_transport(int fd);

}  // namespace gw::http
