#include "http/response.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <future>

#include "http/endpoint.h"
#include "http/file_response.h"
#include "http/form.h"
#include "http/metrics_page.h"
#include "http/request.h"
#include "http/router.h"
#include "http/worker_pool.h"

using namespace gw;
using namespace gw::http;

namespace {

const std::string* header(const Response& r, std::string_view name) {
  for (const Header& h : r.headers) {
    if (h.name == name) return &h.value;
  }
  return nullptr;
}

struct Directory {
  std::string path = std::filesystem::temp_directory_path() / "gw-http-XXXXXX";
  Directory() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("http form: names and values") {
  auto form = Form::parse("a=1&b=x+y%21&&c&=d&a=2&e=%C3%A9=");
  REQUIRE(form);
  CHECK(form->fields().size() == 6);
  CHECK(form->get("a") == "1");
  CHECK(form->get("b") == "x y!");
  CHECK(form->get("c") == "");
  CHECK(form->get("e") == "\xc3\xa9=");
  CHECK(form->find("c") != nullptr);
  CHECK(form->find("z") == nullptr);
  CHECK(Form::parse("")->fields().empty());

  const std::string_view nul("a\0b", 3);
  for (const auto bad : std::vector<std::string_view>{"a=%", "a=%4", "%zz=1", "a=%00", nul}) {
    CAPTURE(bad);
    auto refused = Form::parse(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kUsage);
  }
  std::string many;
  for (std::size_t i = 0; i < Form::kMaxFields; ++i) many += "a&";
  CHECK(Form::parse(many));
  CHECK_FALSE(Form::parse(many + "a"));

  Request request;
  request.body = "a=b";
  CHECK_FALSE(Form::of_body(request));
  request.headers = {{"content-type", "Application/X-WWW-Form-Urlencoded ; charset=utf-8"}};
  CHECK(Form::of_body(request)->get("a") == "b");
  request.headers = {{"content-type", "text/plain"}};
  CHECK_FALSE(Form::of_body(request));
}

TEST_CASE("http router: the pattern that says most") {
  Router router;
  for (const char* pattern : {"/", "/a", "/a/*", "/a/b/*", "/*"}) {
    router.get(pattern, [pattern](const Request&) { return text_response(200, pattern); });
  }
  router.post("/a", [](const Request&) { return Response(); });
  router.post("/form", [](const Request&) { return Response(); });
  auto pattern = [&](std::string_view method, std::string_view path) {
    const auto match = router.find(method, path);
    return match.route == nullptr ? "allow " + match.allow : match.route->pattern;
  };
  CHECK(pattern("GET", "/") == "/");
  CHECK(pattern("HEAD", "/a") == "/a");
  CHECK(pattern("GET", "/a/") == "/a/*");
  CHECK(pattern("GET", "/a/b/c") == "/a/b/*");
  CHECK(pattern("GET", "/ab") == "/*");
  CHECK(pattern("POST", "/a") == "/a");
  CHECK(pattern("POST", "/a/b") == "allow GET, HEAD");
  CHECK_FALSE(router.has_slow());

  Router small;
  small.post("/form", [](const Request&) { return Response(); });
  small.add({.pattern = "/slow",
             .handler = simple([](const Request&) { return Response(); }),
             .slow = true});
  CHECK(small.find("GET", "/form").allow == "POST");
  CHECK(small.find("GET", "/other").route == nullptr);
  CHECK(small.find("GET", "/other").allow == "");
  CHECK(small.has_slow());
}

TEST_CASE("http ranges: what is asked of a file") {
  struct Case {
    const char* value;
    RangeAnswer::Kind kind;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
  };
  const Case cases[] = {
      {"bytes=0-0", RangeAnswer::kPart, 0, 1},
      {"bytes=0-9", RangeAnswer::kPart, 0, 10},
      {"bytes=2-100", RangeAnswer::kPart, 2, 8},
      {"BYTES=9-", RangeAnswer::kPart, 9, 1},
      {"bytes=-3", RangeAnswer::kPart, 7, 3},
      {"bytes=-30", RangeAnswer::kPart, 0, 10},
      {"bytes= 1-2 ", RangeAnswer::kPart, 1, 2},
      {"bytes=10-", RangeAnswer::kUnsatisfiable},
      {"bytes=10-20", RangeAnswer::kUnsatisfiable},
      {"bytes=-0", RangeAnswer::kUnsatisfiable},
      {"bytes=18446744073709551615-", RangeAnswer::kUnsatisfiable},
      {"bytes=5-18446744073709551615", RangeAnswer::kPart, 5, 5},
      {"bytes=5-4", RangeAnswer::kWhole},
      {"bytes=-", RangeAnswer::kWhole},
      {"bytes=", RangeAnswer::kWhole},
      {"bytes", RangeAnswer::kWhole},
      {"bytes=a-b", RangeAnswer::kWhole},
      {"bytes=0-1,3-4", RangeAnswer::kWhole},
      {"bytes=+1-2", RangeAnswer::kWhole},
      {"bytes=18446744073709551616-", RangeAnswer::kWhole},
      {"lines=0-1", RangeAnswer::kWhole},
  };
  for (const Case& c : cases) {
    CAPTURE(c.value);
    const RangeAnswer answer = parse_range(c.value, 10);
    CHECK(answer.kind == c.kind);
    CHECK(answer.part.offset == c.offset);
    CHECK(answer.part.size == c.size);
  }
  CHECK(parse_range("bytes=0-", 0).kind == RangeAnswer::kUnsatisfiable);
}

TEST_CASE("http files: whole, parts and conditions") {
  const Directory dir;
  const std::string path = dir.path + "/f";
  REQUIRE(os::create_file(path, "0123456789", 0644));
  auto ask = [&](std::vector<Header> headers, std::string method = "GET") {
    auto file = open_file(path);
    REQUIRE(file);
    file->etag = "\"tag\"";
    Request request;
    request.method = std::move(method);
    request.headers = std::move(headers);
    return file_response(request, *std::move(file));
  };
  Response whole = ask({});
  CHECK(whole.status == 200);
  CHECK(whole.content_type == "application/octet-stream");
  CHECK(whole.file->size == 10);
  CHECK(*header(whole, "ETag") == "\"tag\"");
  CHECK(*header(whole, "Accept-Ranges") == "bytes");
  Response part = ask({{"range", "bytes=2-3"}});
  CHECK(part.status == 206);
  CHECK(part.file->offset == 2);
  CHECK(part.file->size == 2);
  CHECK(*header(part, "Content-Range") == "bytes 2-3/10");
  CHECK(ask({{"range", "bytes=2-3"}}, "HEAD").status == 200);
  CHECK(ask({{"range", "bytes=2-3"}, {"if-range", "\"tag\""}}).status == 206);
  CHECK(ask({{"range", "bytes=2-3"}, {"if-range", "\"old\""}}).status == 200);
  CHECK(ask({{"range", "bytes=2-3"}, {"if-range", "W/\"tag\""}}).status == 200);
  Response beyond = ask({{"range", "bytes=10-"}});
  CHECK(beyond.status == 416);
  CHECK_FALSE(beyond.file);
  CHECK(*header(beyond, "Content-Range") == "bytes */10");
  // What holds for the file does not for this answer.
  CHECK(*header(beyond, "Cache-Control") == "no-store");
  CHECK(header(beyond, "ETag") == nullptr);
  for (const char* same : {"\"tag\"", "*", "\"x\", W/\"tag\""}) {
    CHECK(ask({{"if-none-match", same}}).status == 304);
  }
  CHECK(ask({{"if-none-match", "\"other\""}}).status == 200);
  // If-Match comes first, and takes no weak tag.
  for (const char* same : {"\"tag\"", "*", "\"x\", \"tag\""}) {
    CHECK(ask({{"if-match", same}}).status == 200);
  }
  for (const char* other : {"\"other\"", "W/\"tag\"", "", "tag"}) {
    const auto refused = ask({{"if-match", other}, {"range", "bytes=0-1"}, {"if-none-match", "*"}});
    CHECK(refused.status == 412);
    CHECK(*header(refused, "Cache-Control") == "no-store");
    CHECK_FALSE(refused.file);
  }

  CHECK(open_file(dir.path + "/none").error().kind == ErrorKind::kNotFound);
  CHECK(open_file(dir.path).error().kind == ErrorKind::kIo);
  REQUIRE(::symlink(path.c_str(), (dir.path + "/link").c_str()) == 0);
  CHECK(open_file(dir.path + "/link").error().kind == ErrorKind::kIo);
  REQUIRE(::mkfifo((dir.path + "/fifo").c_str(), 0600) == 0);
  CHECK(open_file(dir.path + "/fifo").error().kind == ErrorKind::kIo);
}

TEST_CASE("http responses: dates, phrases, redirects") {
  CHECK(http_date(from_unix(784111777)) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(reason_phrase(431) == "Request Header Fields Too Large");
  CHECK(reason_phrase(299) == "Status");
  const Response away = redirect(307, "/there");
  CHECK(away.status == 307);
  CHECK(*header(away, "Location") == "/there");
  CHECK(away.body == "see /there\n");
  CHECK_FALSE(format_head({.content_type = "a\nb"}, {}));
  CHECK_FALSE(format_head({.headers = {{"a\r", "b"}}}, {}));
}

TEST_CASE("http endpoints: how they are written") {
  CHECK(Endpoint::parse("127.0.0.1", 80)->format() == "127.0.0.1:80");
  CHECK(Endpoint::parse("[::1]:8", 80)->format() == "[::1]:8");
  auto path = Endpoint::parse("unix:/run/x.sock", 80);
  REQUIRE(path);
  CHECK(path->is_unix());
  CHECK(path->format() == "unix:/run/x.sock");
  for (const char* bad : {"", "unix:", "unix:relative", "name:80"}) {
    CAPTURE(bad);
    auto refused = Endpoint::parse(bad, 80);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == ErrorKind::kUsage);
  }
}

TEST_CASE("http endpoints: Unix sockets that are there already") {
  const Directory dir;
  Endpoint at{.unix_path = dir.path + "/s", .unix_mode = 0600};
  auto first = listen_on(at);
  REQUIRE(first);
  struct stat info {};
  REQUIRE(::stat(at.unix_path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  auto second = listen_on(at);
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::kUsage);
  first->fd.reset();
  CHECK(listen_on(at));  // nobody answers at it any more

  Endpoint file{.unix_path = dir.path + "/f"};
  REQUIRE(os::create_file(file.unix_path, "x", 0644));
  CHECK(listen_on(file).error().kind == ErrorKind::kUsage);
  CHECK(os::file_exists(file.unix_path));
  Endpoint lengthy{.unix_path = dir.path + "/" + std::string(200, 'x')};
  CHECK(listen_on(lengthy).error().kind == ErrorKind::kUsage);
}

TEST_CASE("http workers: what waits is bounded, and dropped at the end") {
  std::promise<void> go;
  auto gate = go.get_future().share();
  std::promise<void> running;
  std::atomic<int> done{0};
  {
    WorkerPool pool(2);
    REQUIRE(pool.start(1));
    REQUIRE(pool.submit([&] {
      running.set_value();
      gate.wait();
      ++done;
    }));
    running.get_future().wait();
    CHECK(pool.submit([&] { ++done; }));
    CHECK(pool.submit([&] { ++done; }));
    CHECK_FALSE(pool.submit([&] { ++done; }));
    go.set_value();
  }
  CHECK(done >= 1);
}
