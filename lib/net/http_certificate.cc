#include "net/http_certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <functional>
#include <memory>
#include <string_view>

#include "os/file.h"

namespace gw::net {

namespace {

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* p) const {
    kFree(p);
  }
};
using Bio = std::unique_ptr<BIO, Freed<&BIO_free>>;
using Certificate = std::unique_ptr<X509, Freed<&X509_free>>;
using Name = std::unique_ptr<X509_NAME, Freed<&X509_NAME_free>>;

// ---- a file of CAs ----

constexpr std::size_t kMaxFile = std::size_t{64} << 20;

// The rest of `bytes` from the content of its first element on, or behind it; none: it is
// malformed. Of DER (X.690): a tag of one byte, a length, the content.
std::string_view der_element(std::string_view& bytes, bool enter) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const begin = at;
  long length = 0;
  int tag = 0;
  int kind = 0;
  const int flags = ASN1_get_object(&at, &length, &tag, &kind, static_cast<long>(bytes.size()));
  if ((flags & 0x80) != 0) return bytes = {};
  const auto header = static_cast<std::size_t>(at - begin);
  const std::string_view all = bytes.substr(0, header + static_cast<std::size_t>(length));
  bytes.remove_prefix(enter ? header : all.size());
  return all;
}

// Of a certificate as RFC 5280 section 4.1 has it; nothing: it is none.
Name subject_of(std::string_view der) {
  constexpr char kVersion = '\xa0';  // [0], which certificates of version 1 leave out
  der_element(der, true);            // Certificate
  der_element(der, true);            // tbsCertificate
  if (der.starts_with(kVersion)) der_element(der, false);
  for (int i = 0; i < 4; ++i) der_element(der, false);  // serialNumber to validity
  const std::string_view subject = der_element(der, false);
  const auto* at = reinterpret_cast<const unsigned char*>(subject.data());
  return Name(d2i_X509_NAME(nullptr, &at, static_cast<long>(subject.size())));
}

// Each certificate of a PEM file, in DER. False: some are damaged, or `take` says so. An error: it
// cannot be read.
Result<bool> for_each_certificate(
    const std::string& path, const std::function<bool(std::string_view der, bool trusted)>& take) {
  GW_TRY(const auto text, os::read_file(path, kMaxFile));
  const Bio in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!in) return internal_error("no memory for a file of CAs");
  bool good = true;
  ERR_set_mark();
  while (good) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(in.get(), &name, &header, &data, &size) != 1) break;
    const std::string_view what(name);
    const bool trusted = what == PEM_STRING_X509_TRUSTED;
    if (trusted || what == PEM_STRING_X509 || what == PEM_STRING_X509_OLD) {
      good = take({reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)}, trusted);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
  }
  // The end, or a block that is damaged.
  good = good && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_pop_to_mark();
  return good;
}

Certificate parse_certificate(std::string_view der, bool trusted) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto size = static_cast<long>(der.size());
  return Certificate(trusted ? d2i_X509_AUX(nullptr, &at, size) : d2i_X509(nullptr, &at, size));
}

// Whether it is a file of certificates, all of them such as can be looked for.
bool is_ca_file(const std::string& path) {
  bool any = false;
  const auto good = for_each_certificate(
      path, [&](std::string_view der, bool) { return any = subject_of(der) != nullptr; });
  return good && *good && any;
}

// OpenSSL asks for who has a name, and finds the answer in the store from then on: all that have
// it, as a renewed CA may be there twice. Called with no lock held; the store has its own.
int find_ca(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name, X509_OBJECT* found) {
  auto* const cas = static_cast<TrustedCas*>(X509_LOOKUP_get_method_data(lookup));
  if (type != X509_LU_X509 || cas == nullptr) return 0;
  X509_STORE* const store = X509_LOOKUP_get_store(lookup);
  const auto looked = for_each_certificate(cas->file(), [&](std::string_view der, bool trusted) {
    const Name subject = subject_of(der);
    if (!subject || X509_NAME_cmp(subject.get(), name) != 0) return true;
    const Certificate one = parse_certificate(der, trusted);
    if (one) X509_STORE_add_cert(store, one.get());
    return true;
  });
  if (!looked) cas->fail(looked.error());
  if (X509_STORE_lock(store) != 1) return 0;
  const X509_OBJECT* const kept =
      X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name);
  X509* const one = kept != nullptr ? X509_OBJECT_get0_X509(kept) : nullptr;
  const bool set = one != nullptr && X509_OBJECT_set1_X509(found, one) == 1;
  // Who asked takes a reference of its own, and forgets this one: the store's is enough for both.
  if (set) X509_free(one);
  X509_STORE_unlock(store);
  return set ? 1 : 0;
}

X509_LOOKUP_METHOD* file_of_cas() {
  static X509_LOOKUP_METHOD* const method = [] {
    X509_LOOKUP_METHOD* made = X509_LOOKUP_meth_new("a file of CAs");
    if (made != nullptr) X509_LOOKUP_meth_set_get_by_subject(made, find_ca);
    return made;
  }();
  return method;
}

// ---- a server's certificate ----

bool names_hosts(const X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const int type = sk_GENERAL_NAME_value(names, i)->type;
    found = found || type == GEN_DNS || type == GEN_IPADD;
  }
  GENERAL_NAMES_free(names);
  return found;
}

// In place of OpenSSL's own check of the chain, which it does first. Whether a name is the one that
// was asked for is looked at afterwards, by curl.
int verify_chain(X509_STORE_CTX* chain, void* /*unused*/) {
  if (X509_verify_cert(chain) != 1) return 0;
  const X509* certificate = X509_STORE_CTX_get0_cert(chain);
  if (certificate != nullptr && names_hosts(certificate)) return 1;
  X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

CURLcode set_verify(CURL* /*easy*/, void* context, void* cas) {
  auto* const ssl = static_cast<SSL_CTX*>(context);
  SSL_CTX_set_cert_verify_callback(ssl, verify_chain, nullptr);
  X509_STORE* const store = static_cast<TrustedCas*>(cas)->store();
  if (store == nullptr) return CURLE_SSL_CACERT_BADFILE;
  SSL_CTX_set1_cert_store(ssl, store);
  return CURLE_OK;
}

}  // namespace

void TrustedCas::Free::operator()(X509_STORE* store) const { X509_STORE_free(store); }

X509_STORE* TrustedCas::store() {
  if (store_) return store_.get();
  std::unique_ptr<X509_STORE, Free> made(X509_STORE_new());
  if (!made) return nullptr;
  // As curl sets its own: a chain may end with whatever the file has.
  X509_STORE_set_flags(made.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  if (!file_.empty()) {
    X509_LOOKUP_METHOD* const method = file_of_cas();
    X509_LOOKUP* const lookup =
        method != nullptr ? X509_STORE_add_lookup(made.get(), method) : nullptr;
    // It is read again for each CA, which what comes through a pipe cannot be.
    const bool good = os::is_regular_file(file_) && is_ca_file(file_);
    if (lookup == nullptr || !good) return nullptr;
    // Connections hold the store, and none of them is left when we go: the client's are closed
    // first.
    X509_LOOKUP_set_method_data(lookup, this);
  }
  store_ = std::move(made);
  return store_.get();
}

void check_certificates(CURL* easy, TrustedCas& cas) {
  // Not all at once, nor those that OpenSSL looks for where it is told of none: of a path curl only
  // keeps the name, and the store that it is for is not the one that is used.
  constexpr const char* kNowhere = "/dev/null";
  for (const CURLoption where : {CURLOPT_CAINFO, CURLOPT_PROXY_CAINFO}) {
    curl_easy_setopt(easy, where, nullptr);
  }
  for (const CURLoption where : {CURLOPT_CAPATH, CURLOPT_PROXY_CAPATH}) {
    curl_easy_setopt(easy, where, kNowhere);
  }
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_verify);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &cas);
}

}  // namespace gw::net
