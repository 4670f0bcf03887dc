// What records are made of meta tags, and of which domains none are.
#include "vanity/live_records.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace gw;
using namespace gw::vanity;

namespace {

PathResult tagged(const std::string& path, const std::string& prefix,
                  Source source = Source::kHttp) {
  PathResult r;
  r.path = path;
  r.result =
      Found{.import = {prefix, "git", "https://" + prefix, ""}, .source = source, .page = ""};
  return r;
}

PathResult failed(const std::string& path, Error error) {
  PathResult r;
  r.path = path;
  r.result = std::move(error);
  return r;
}

std::vector<std::string> prefixes(const LiveRecords& live) {
  std::vector<std::string> out;
  for (const GoImport& e : live.entries) out.push_back(e.prefix);
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("Each tag is one record, and known hosts need none") {
  const LiveRecords live = live_records(
      {tagged("a.org/x/one", "a.org/x"), tagged("a.org/x/two", "a.org/x"),
       tagged("github.com/a/b", "github.com/a/b", Source::kStatic), tagged("a.org/y", "a.org/y")});
  CHECK(prefixes(live) == Texts{"a.org/x", "a.org/y"});
  CHECK(live.notes == Texts{"github.com/a/b: left out, known hosts need no record"});
  CHECK(live.errors.empty());
  CHECK(live.warnings.empty());
}

TEST_CASE("Of a domain with a path that failed nothing is printed") {
  const LiveRecords live = live_records({tagged("A.org/x", "A.org/x"), tagged("b.org/x", "b.org/x"),
                                         failed("a.org/y", unavailable_error("no answer"))});
  CHECK(prefixes(live) == Texts{"b.org/x"});
  REQUIRE(live.errors.size() == 1);
  CHECK(live.errors[0].kind == ErrorKind::kUnavailable);
  CHECK(live.warnings.size() == 1);
  // Nothing was left out: there is nothing to tell.
  CHECK(live_records({failed("a.org/y", unavailable_error("no answer"))}).warnings.empty());
}

TEST_CASE("A tag whose prefix no record can have fails its path") {
  const LiveRecords live =
      live_records({tagged("a.org/x", "a.org/x/"), tagged("a.org/y", "a.org/y")});
  CHECK(live.entries.empty());
  REQUIRE(live.errors.size() == 1);
  CHECK(live.errors[0].kind == ErrorKind::kNotFound);
}

TEST_CASE("After a malformed path nothing is printed of any domain") {
  const LiveRecords live = live_records(
      {tagged("b.org/x", "b.org/x"), failed("https://a.org/x", usage_error("malformed"))});
  CHECK(live.entries.empty());
  CHECK(live.errors.size() == 1);
  CHECK(live.warnings.size() == 1);
}
