// The HTTP client against real TLS: Python's server with certificates of openssl's making, and Go's
// HTTP/2 server.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "net/http.h"
#include "net/stream_window.h"
#include "support/net/child_process.h"
#include "support/net/test_server.h"

using namespace gw;
using namespace gw::net;
using namespace std::chrono_literals;
using test::ChildProcess;

namespace {

struct Scratch {
  Scratch() {
    path = std::filesystem::temp_directory_path() / "gw-https-XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  std::string path;
};

struct Address {
  std::string url;
  std::string ca_file;
};

// The line that both servers print: "URL CA-FILE".
Address read_address(const ChildProcess& child) {
  std::string line = child.read_line();
  auto space = line.find(' ');
  REQUIRE(space != std::string::npos);
  return {line.substr(0, space), line.substr(space + 1)};
}

ChildProcess start_https(const std::string& kind) {
  return ChildProcess(
      {"python3", GW_TESTS_DIR "/support/http_fixture.py", GW_TEST_DATA "/replica", "--tls", kind});
}

HttpClient tls_client(HttpOptions options) {
  auto made = HttpClient::create(std::move(options));
  REQUIRE(made);
  return *std::move(made);
}

}  // namespace

TEST_CASE("https: a server with a certificate of a CA that is trusted") {
  ChildProcess child = start_https("good");
  Address at = read_address(child);
  auto trusted = tls_client({.ca_file = at.ca_file}).fetch_one({.url = at.url + "/latest"});
  REQUIRE(trusted);
  CHECK(trusted->status == 200);
  CHECK(trusted->body.starts_with("go.sum database tree\n"));

  ::setenv("SSL_CERT_FILE", at.ca_file.c_str(), 1);
  auto by_environment = tls_client({}).fetch_one({.url = at.url + "/latest"});
  ::setenv("SSL_CERT_FILE", "/nonexistent/ca.pem", 1);
  auto no_file = tls_client({}).fetch_one({.url = at.url + "/latest"});
  auto not_needed = tls_client({}).fetch_one({.url = at.url + "/latest", .verify_tls = false});
  ::unsetenv("SSL_CERT_FILE");
  CHECK(by_environment);
  CHECK(not_needed);
  REQUIRE(!no_file);
  CHECK(no_file.error().kind == ErrorKind::kUsage);
  CHECK(no_file.error().message.find("/nonexistent/ca.pem") != std::string::npos);

  // Who names a file trusts no others, neither those that OpenSSL finds by itself.
  ChildProcess other = start_https("other-ca");
  const Address stranger = read_address(other);
  ::setenv("SSL_CERT_FILE", at.ca_file.c_str(), 1);
  auto named = tls_client({.ca_file = stranger.ca_file}).fetch_one({.url = at.url + "/latest"});
  ::unsetenv("SSL_CERT_FILE");
  REQUIRE_FALSE(named);
  CHECK(named.error().message.find("certificate is not accepted") != std::string::npos);

  // A file that holds no certificate.
  Scratch scratch;
  std::string empty = scratch.path + "/empty.pem";
  REQUIRE(os::create_file(empty, "nothing\n", 0644));
  auto bad_file = tls_client({.ca_file = empty}).fetch_one({.url = at.url + "/latest"});
  REQUIRE(!bad_file);
  CHECK(bad_file.error().kind == ErrorKind::kUsage);
  CHECK(bad_file.error().message.find(empty) != std::string::npos);
  // Another file's certificates besides do not make up for one that is cut.
  const auto good = os::read_file(at.ca_file, 1 << 20);
  REQUIRE(good);
  std::string cut = *good + *good;
  cut.erase(cut.size() / 2 + 100, 10);
  REQUIRE(os::write_file_atomic(empty, cut, 0644));
  const auto damaged = tls_client({.ca_file = empty}).fetch_one({.url = at.url + "/latest"});
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().kind == ErrorKind::kUsage);
  // Text around it, what is no certificate, and the same one twice do no harm.
  const std::string more =
      "# a CA\n" + *good + "-----BEGIN OTHER-----\nAAAA\n-----END OTHER-----\n\n" + *good + "end\n";
  REQUIRE(os::write_file_atomic(empty, more, 0644));
  HttpClient client = tls_client({.ca_file = empty, .max_connections = 2});
  const std::vector<HttpRequest> several(4, {.url = at.url + "/latest"});
  for (const auto& response : client.fetch(several)) CHECK(response);

  // A CA that was made anew under its name is there twice; here the second one signed.
  const auto others = os::read_file(stranger.ca_file, 1 << 20);
  REQUIRE(others);
  REQUIRE(os::write_file_atomic(empty, *others + *good, 0644));
  CHECK(tls_client({.ca_file = empty}).fetch_one({.url = at.url + "/latest"}));

  // What can be read only once would be empty when a CA is looked for.
  const std::string pipe = scratch.path + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const auto once = tls_client({.ca_file = pipe}).fetch_one({.url = at.url + "/latest"});
  REQUIRE_FALSE(once);
  CHECK(once.error().kind == ErrorKind::kUsage);
  CHECK(once.error().message.find("not a regular file") != std::string::npos);

  // One that is gone after it was looked through is no matter of the server's certificate.
  test::TestServer plain([](const std::string&) { return test::respond(200, "no TLS"); });
  HttpClient later = tls_client({.ca_file = empty});
  CHECK_FALSE(later.fetch_one({.url = "https" + plain.url("/").substr(4)}));
  REQUIRE(std::filesystem::remove(empty));
  const auto gone = later.fetch_one({.url = at.url + "/latest"});
  REQUIRE_FALSE(gone);
  CHECK(gone.error().message.find("CA file " + empty + ": ") != std::string::npos);
}

TEST_CASE("https: certificates that are not accepted") {
  for (const char* kind : {"expired", "other-name", "other-ca", "common-name"}) {
    CAPTURE(kind);
    ChildProcess child = start_https(kind);
    Address at = read_address(child);
    HttpClient c = tls_client({.ca_file = at.ca_file});
    auto refused = c.fetch_one({.url = at.url + "/latest"});
    REQUIRE(!refused);
    CHECK(refused.error().kind == ErrorKind::kUnavailable);
    CHECK(refused.error().message.starts_with(at.url + "/latest: the server's certificate is not "
                                                       "accepted: "));
    // Only who signed it is a matter of other CAs.
    const std::string& hint = refused.error().hint;
    CHECK((hint.find("--ca-file") != hint.npos) == (std::string(kind) == "other-ca"));
    CHECK((hint.find("clock") != hint.npos) == (std::string(kind) == "expired"));
    // The connection that was allowed once is not used for a request that checks.
    auto accepted = c.fetch_one({.url = at.url + "/latest", .verify_tls = false});
    REQUIRE(accepted);
    CHECK(accepted->status == 200);
    CHECK_FALSE(c.fetch_one({.url = at.url + "/latest"}));
  }
}

TEST_CASE("https: a redirect never leaves https") {
  test::TestServer plain([](const std::string&) { return test::respond(200, "plain"); });
  std::string rules = R"([{"pattern": "/out", "status": 302, "headers": {"Location": ")" +
                      plain.url("/x") + R"("}}])";
  ChildProcess child({"python3", GW_TESTS_DIR "/support/http_fixture.py", GW_TEST_DATA "/replica",
                      "--tls", "good", "--rules", rules});
  Address at = read_address(child);
  HttpClient c = tls_client({.ca_file = at.ca_file});
  auto refused = c.fetch_one({.url = at.url + "/out", .max_redirects = 5});
  REQUIRE(!refused);
  CHECK(refused.error().kind == ErrorKind::kUnavailable);
  CHECK(refused.error().message.find("scheme that is not allowed") != std::string::npos);
  CHECK(plain.requests().empty());
  // In the other direction it is followed, and checked.
  test::TestServer up([&](const std::string&) {
    return test::respond(302, "", "Location: " + at.url + "/latest\r\n");
  });
  auto followed = c.fetch_one({.url = up.url(), .max_redirects = 5});
  REQUIRE(followed);
  CHECK(followed->status == 200);
  CHECK(followed->redirected_to == at.url + "/latest");
}

TEST_CASE("https: HTTP/2 requests share one connection") {
  Scratch scratch;
  std::string program = scratch.path + "/h2_server";
  const char* shared = std::getenv("GW_GO_CACHE");  // NOLINT(concurrency-mt-unsafe): before threads
  const std::string go_cache = shared != nullptr ? shared : scratch.path + "/cache";
  {
    ChildProcess build({"env", "GO111MODULE=off", "GOCACHE=" + go_cache, "go", "build", "-o",
                        program, GW_TESTS_DIR "/support/net/h2_server.go"});
    CHECK(build.read_line(200s).empty());  // it says nothing, and this is when it has ended
  }
  ChildProcess child({program, scratch.path});
  Address at = read_address(child);
  HttpClient c = tls_client({.ca_file = at.ca_file, .max_connections = 8, .max_streams = 50});
  std::vector<HttpRequest> requests;
  for (int i = 0; i < 200; ++i) requests.push_back({.url = at.url + "/" + std::to_string(i)});
  auto results = c.fetch(requests);
  for (std::size_t i = 0; i < results.size(); ++i) {
    CAPTURE(i, results[i] ? "" : results[i].error().message);
    REQUIRE(results[i]);
    CHECK(results[i]->body == "HTTP/2.0 /" + std::to_string(i));
  }
  CHECK(c.connections() == 1);
  CHECK(c.fetch_one({.url = at.url + "/connections"})->body == "1");
  // Now that it is known what the server can do, far more than max_connections are under way.
  std::vector<HttpRequest> together(40, {.url = at.url + "/wait/40"});
  for (auto& r : c.fetch(together)) {
    REQUIRE(r);
    CHECK(r->body == "together");
  }
  CHECK(c.connections() == 1);
  // Each has its time, and all share the link: those that would be late wait for their turn.
  HttpClient narrow = tls_client({.ca_file = at.ca_file, .max_streams = 64});
  REQUIRE(narrow.fetch_one({.url = at.url + "/0"}));
  for (auto& r : narrow.fetch(std::vector<HttpRequest>(
           40, {.url = at.url + "/narrow/", .timeout = std::chrono::seconds(6)}))) {
    CAPTURE(r ? "" : r.error().message);
    REQUIRE(r);
    CHECK(r->body.size() == 50000);
  }
  // The first of them get their turn while there are others to ask for.
  for (auto& r : narrow.fetch(std::vector<HttpRequest>(
           110, {.url = at.url + "/newest/", .timeout = std::chrono::seconds(4)}))) {
    CAPTURE(r ? "" : r.error().message);
    REQUIRE(r);
    CHECK(r->body == "newest");
  }
}

TEST_CASE("http: how many streams a connection gets") {
  StreamWindow window;
  CHECK(window.size() == StreamWindow::kFirst);
  for (int i = 0; i < 100; ++i) window.done({10ms, 1s}, 30s, 64);
  CHECK(window.size() == 64);
  window.done({3s, 4s}, 30s, 64);  // neither quick nor slow
  CHECK(window.size() == 64);
  window.done({6s, 6s}, 30s, 64);
  CHECK(window.size() == 63);
  // It waited for others, or for the server to think.
  window.done({10ms, 9s}, 30s, 64);
  CHECK(window.size() == 63);
  window.done({10ms, 11s}, 30s, 64);
  CHECK(window.size() == 62);
  window.late();
  CHECK(window.size() == 31);
  for (int i = 0; i < 10; ++i) window.late();
  CHECK(window.size() == 1);
  window.done({6s, 6s}, 30s, 64);
  CHECK(window.size() == 1);
  window.done({0s, 0s}, 30s, 64);
  CHECK(window.size() == 2);
}
