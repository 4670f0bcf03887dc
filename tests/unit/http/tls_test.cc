// The server's TLS, with a client of OpenSSL's and certificates made here.
#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <mutex>

#include "http/file_response.h"
#include "http/server.h"
#include "support/http/client.h"

using namespace gw;
using namespace gw::http;
using namespace gw::http::test;
using namespace std::chrono_literals;

namespace {

std::string pem_of(auto write) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio);
  char* data = nullptr;
  const long n = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(n));
  BIO_free(bio);
  return out;
}

struct Pair {
  std::string certificate;
  std::string key;
};

// A P-256 key and a certificate of its own making for `name`.
Pair make_pair(const char* name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_NAME* subject = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(cert, subject);
  REQUIRE(X509_sign(cert, key, EVP_sha256()) > 0);
  Pair out;
  out.certificate = pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, cert); });
  out.key = pem_of(
      [&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
  X509_free(cert);
  EVP_PKEY_free(key);
  return out;
}

struct Answer {
  std::string text;
  std::string name;      // of the server's certificate
  std::string protocol;  // of ALPN
};

// Sends `request` through TLS and reads until the server closes.
Answer ask_tls(const Endpoint& to, std::string_view request, int max_version = TLS1_3_VERSION) {
  Answer out;
  const Fd fd = connect_to(to);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, max_version);
  SSL_CTX_set_security_level(context, 0);
  SSL* ssl = SSL_new(context);
  static constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
  SSL_set_alpn_protos(ssl, kProtocols, sizeof kProtocols - 1);
  SSL_set_fd(ssl, fd.get());
  if (SSL_connect(ssl) == 1) {
    X509* cert = SSL_get1_peer_certificate(ssl);
    char name[100] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    X509_free(cert);
    out.name = name;
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    out.protocol.assign(reinterpret_cast<const char*>(protocol), size);
    SSL_write(ssl, request.data(), static_cast<int>(request.size()));
    char buffer[16384];
    int n = 0;
    while ((n = SSL_read(ssl, buffer, sizeof buffer)) > 0) {
      out.text.append(buffer, static_cast<std::size_t>(n));
    }
    // The server's end is a message of TLS: nobody between has cut the answer short.
    CHECK((SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  ERR_clear_error();
  return out;
}

const std::string kGetPage = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

struct Files {
  std::string path = std::filesystem::temp_directory_path() / "gw-tls-XXXXXX";
  TlsOptions options;

  Files() {
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    options = {path + "/cert.pem", path + "/key.pem"};
  }
  ~Files() { std::filesystem::remove_all(path); }
  void put(const Pair& pair) const {
    put_certificate(pair);
    put_key(pair);
  }
  void put_certificate(const Pair& p) const {
    REQUIRE(os::write_file_atomic(options.certificate_file, p.certificate, 0644));
  }
  void put_key(const Pair& p) const {
    REQUIRE(os::write_file_atomic(options.key_file, p.key, 0600));
  }
};

}  // namespace

TEST_CASE("tls: pages, large ones, files and streams") {
  const Files files;
  files.put(make_pair("first"));
  std::string content;
  for (int i = 0; i < 300000; ++i) content += std::to_string(i);
  REQUIRE(os::create_file(files.path + "/f", content, 0644));
  Router router;
  router.get("/", [](const Request& r) { return text_response(200, r.tls ? "tls" : "plain"); });
  router.get("/large", [&](const Request&) { return Response{.body = content}; });
  router.get("/file",
             [&](const Request& r) { return file_response(r, *open_file(files.path + "/f")); });
  router.post("/form", [](const Request& r) { return Response{.body = r.body}; });
  ServerOptions options;
  options.listen = *Endpoint::parse("127.0.0.1:0", 0);
  options.tls = files.options;
  auto server = Server::start(options, std::move(router));
  REQUIRE(server);
  const Endpoint to = (*server)->endpoint();

  const Answer page = ask_tls(to, kGetPage);
  CHECK(page.text.ends_with("\r\n\r\ntls\n"));
  CHECK(page.name == "first");
  CHECK(page.protocol == "http/1.1");
  CHECK(ask_tls(to, kGetPage, TLS1_2_VERSION).text.ends_with("tls\n"));
  CHECK(ask_tls(to, kGetPage, TLS1_1_VERSION).text.empty());
  const std::string end = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  CHECK(ask_tls(to, "GET /large" + end + "\r\n").text.ends_with("\r\n\r\n" + content));
  CHECK(ask_tls(to, "GET /file" + end + "\r\n").text.ends_with("\r\n\r\n" + content));
  CHECK(ask_tls(to, "GET /file" + end + "Range: bytes=100000-\r\n\r\n")
            .text.ends_with("\r\n\r\n" + content.substr(100000)));
  const std::string body(50000, 'b');
  CHECK(ask_tls(to, "POST /form" + end + "Content-Length: 50000\r\n\r\n" + body)
            .text.ends_with("\r\n\r\n" + body));
  // Many in one record, and in one write.
  std::string all;
  for (int i = 0; i < 200; ++i) all += "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string answers = ask_tls(to, all + kGetPage).text;
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("tls\n", at)) != std::string::npos; ++at) ++count;
  CHECK(count == 201);

  // What is no TLS is no request.
  CHECK_FALSE(contains(ask(to, kGetPage), "tls"));
  CHECK(ask_tls(to, kGetPage).text.ends_with("tls\n"));
}

TEST_CASE("tls: files that change are taken, bad ones are not") {
  const Files files;
  const Pair first = make_pair("first");
  const Pair second = make_pair("second");
  files.put(first);
  Router router;
  router.get("/", [](const Request&) { return Response(); });
  std::mutex mutex;
  std::string lines;
  const Logger log(LogLevel::kInfo, [&](std::string_view line) {
    const std::lock_guard lock(mutex);
    lines += line;
  });
  ServerOptions options;
  options.listen = *Endpoint::parse("127.0.0.1:0", 0);
  options.tls = files.options;
  options.log = &log;
  auto server = Server::start(options, std::move(router));
  REQUIRE(server);
  const Endpoint to = (*server)->endpoint();
  auto logged = [&](std::string_view text) {
    const std::lock_guard lock(mutex);
    return contains(lines, text);
  };
  CHECK(ask_tls(to, kGetPage).name == "first");
  CHECK(lines.empty());

  files.put_certificate(second);  // the key is still the first's
  CHECK(ask_tls(to, kGetPage).name == "first");
  CHECK(logged("event=tls_reload_failed"));
  CHECK(logged("key.pem"));
  files.put_key(second);
  CHECK(ask_tls(to, kGetPage).name == "second");
  CHECK(logged("event=tls_reloaded"));
  std::filesystem::remove(files.options.key_file);
  CHECK(ask_tls(to, kGetPage).name == "second");
  files.put(first);
  CHECK(ask_tls(to, kGetPage).name == "first");
}

TEST_CASE("tls: files that cannot be used at the start") {
  const Files files;
  const Pair pair = make_pair("x");
  auto refused = [&](const std::string& path) {
    auto loaded = TlsFiles::load(files.options);
    if (loaded) return false;
    CHECK(loaded.error().kind == ErrorKind::kUsage);
    CAPTURE(loaded.error().message);
    CHECK(loaded.error().message.starts_with(path + ": "));
    return true;
  };
  CHECK(refused(files.options.certificate_file));
  files.put_certificate(pair);
  CHECK(refused(files.options.key_file));
  files.put_key(make_pair("other"));
  CHECK(refused(files.options.key_file));
  REQUIRE(os::write_file_atomic(files.options.key_file, "no PEM", 0600));
  CHECK(refused(files.options.key_file));
  files.put_key(pair);
  CHECK(TlsFiles::load(files.options));
}
