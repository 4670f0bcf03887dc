#include "net/http_certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace gw::net {

namespace {

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

CURLcode set_verify(CURL* /*easy*/, void* context, void* /*unused*/) {
  SSL_CTX_set_cert_verify_callback(static_cast<SSL_CTX*>(context), verify_chain, nullptr);
  return CURLE_OK;
}

}  // namespace

void require_alternative_names(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, set_verify);
}

}  // namespace gw::net
