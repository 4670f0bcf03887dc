// The server's side of TLS: certificate and key from PEM files, read again when they change, so
// that a renewal needs no restart. OpenSSL, 1.2 and newer, HTTP/1.1 only. This header is the door
// to OpenSSL's TLS.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "http/transport.h"

namespace gw::http {

struct TlsOptions {
  std::string certificate_file = {};  // PEM: the server's, then those between it and a root
  std::string key_file = {};          // PEM, without a password
};

// Used by one thread.
class TlsFiles {
 public:
  // kUsage when a file cannot be read or they do not belong together; the message names the file.
  static Result<std::unique_ptr<TlsFiles>> load(TlsOptions options);
  ~TlsFiles();
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  enum class Change { kNone, kLoaded, kFailed };
  // Looks whether the files are others than before, and takes them if they are good; connections
  // that are open keep what they began with. kFailed, once for a change: `error` says why, and what
  // was loaded last goes on.
  Change refresh(Error& error);

  // Null when there is no memory left. `fd` as in plain_transport().
  std::unique_ptr<Transport> transport(int fd) const;

 private:
  struct Impl;
  explicit TlsFiles(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gw::http
