// What a server's certificate must be beyond what curl asks of it, and whom it may be signed by.
// Part of the HTTP client.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"

struct x509_store_st;  // OpenSSL's X509_STORE

namespace gw::net {

// The CAs of a PEM file. Those are parsed that a server's chain leads to, and kept: all of a
// system's are 900 kB of memory, and 20 ms. For one thread.
class TrustedCas {
 public:
  explicit TrustedCas(std::string file) : file_(std::move(file)) {}  // empty: none
  TrustedCas(const TrustedCas&) = delete;
  TrustedCas& operator=(const TrustedCas&) = delete;

  const std::string& file() const { return file_; }
  // Null: not a file of certificates, or some of it are damaged. Looks through all of it once.
  x509_store_st* store();

  // Why a CA could not be looked for, though the file was good before.
  void fail(Error error) { failure_ = std::move(error); }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  struct Free {
    void operator()(x509_store_st* store) const;
  };
  std::string file_;
  std::optional<Error> failure_;
  std::unique_ptr<x509_store_st, Free> store_;
};

// From now on this transfer accepts only certificates that lead to one of `cas`, which is borrowed
// while the transfer lasts (CURLE_SSL_CACERT_BADFILE: there is no store of them), and that name
// hosts or addresses as alternative names of their subject. Where there is none curl goes by the
// subject's common name, as nobody has for years (RFC 9525 section 6.4.4), the go command neither.
void check_certificates(CURL* easy, TrustedCas& cas);

}  // namespace gw::net
