#include "dnsd/status_socket.h"

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/dnsd/temp_dir.h"

namespace gw::dnsd {
namespace {

TEST_CASE("a status is asked for, told, and no longer there after the server") {
  const TempDir dir;
  const std::string path = StatusSocket::default_path(dir.file("db"));
  CHECK(path == dir.file("db.serve-dns.sock"));
  const Error nobody = StatusSocket::ask(path).error();
  CHECK(nobody.kind == ErrorKind::kUnavailable);
  CHECK(nobody.hint.find("--status-socket") != std::string::npos);
  int asked = 0;
  {
    auto socket = StatusSocket::start(path, [&asked] {
      Json out;
      out["asked"] = ++asked;
      return out;
    });
    REQUIRE(socket);
    CHECK(StatusSocket::ask(path).value()["asked"] == 1);
    CHECK(StatusSocket::ask(path).value()["asked"] == 2);
    CHECK(StatusSocket::start(path, [] { return Json(); }).error().kind == ErrorKind::kUsage);
    CHECK(StatusSocket::ask(path).value()["asked"] == 3);  // the refused one took nothing away
  }
  CHECK_FALSE(os::file_exists(path));
  CHECK(StatusSocket::ask(path).error().kind == ErrorKind::kUnavailable);
}

TEST_CASE("an answer that is no document is refused") {
  const TempDir dir;
  const std::string path = dir.file("socket");
  auto socket = StatusSocket::start(path, [] { return Json(17); });
  REQUIRE(socket);
  CHECK(StatusSocket::ask(path).error().kind == ErrorKind::kCorrupt);
}

TEST_CASE("a status as text") {
  const struct {
    const char* json;
    const char* text;
  } rows[] = {
      {"{}", ""},
      {R"({"pid":7,"version":"1.2"})", "pid: 7\nversion: 1.2\n"},
      {R"({"listen":["127.0.0.1:53","[::1]:53"],"none":[]})",
       "listen: 127.0.0.1:53 [::1]:53\nnone: \n"},
      {R"({"log":{"halted":false,"alarm":null,"key":{"tag":5}}})",
       "log:\n  halted: false\n  key:\n    tag: 5\n"},
      {R"({"zones":[{"name":"a."},{"name":"b.","ready":true}]})",
       "zones:\n  name: a.\nzones:\n  name: b.\n  ready: true\n"},
  };
  for (const auto& row : rows) CHECK(format_status(*parse_json(row.json)) == row.text);
}

}  // namespace
}  // namespace gw::dnsd
