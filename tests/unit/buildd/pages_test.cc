#include "buildd/pages.h"

#include <catch2/catch.hpp>

#include "base/json.h"
#include "buildd/admin.h"
#include "buildd/feed.h"
#include "buildd/json_pages.h"
#include "buildd/site.h"
#include "buildd/site_answers.h"

using namespace gw;
using namespace gw::buildd;

namespace {

constexpr const char* kEvil = "<script>alert(1)</script>\"'&";

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

build::Key page_key() {
  return {.module = "a.b/c",
          .version = "v1.0.0",
          .dir = "/cmd/x",
          .target = {"linux", "amd64"},
          .go_version = "go1.26.8"};
}

SiteFacts site() {
  return {"b.example", "b.example+1+key", "b.example/tlog+2+key", "", "https://b.example"};
}

}  // namespace

TEST_CASE("pages: nothing from outside is HTML", "[pages]") {
  CHECK(escape_html(kEvil) == "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;");
  Around around;
  auto versions = std::make_shared<ModuleVersions>();
  versions->versions = {"v1.0.0", kEvil};
  versions->deprecated = kEvil;
  versions->latest = kEvil;
  around.versions = versions;
  around.go_versions = {"go1.26.8", kEvil};
  around.remark = kEvil;
  around.findings = {{kEvil, {kEvil}, kEvil, {kEvil, kEvil}, kEvil}};
  around.vulnerable = {kEvil};
  SiteFacts facts = site();
  facts.notes = kEvil;
  BuildUpdate running;
  running.progress = kEvil;
  const Failure failure{kEvil, kEvil, kEvil, "", {}, {}};
  Built built;
  built.key = kEvil;
  built.record = "a.b/c v1.0.0 /cmd/x linux amd64 go1.26.8 7 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n";
  auto module = std::make_shared<ModuleFacts>();
  module->commands = {kEvil};
  for (const Page& page :
       {home_page(facts, {1, 2, {built}}),
        module_page(facts, {.module = kEvil,
                           .version = kEvil,
                           .findings = around.findings,
                           .remark = kEvil,
                           .facts = module,
                           .built = {built}}),
        unbuilt_page(facts, page_key(), around, running),
        failed_page(facts, page_key(), around, failure, kEvil),
        result_page(facts, page_key(), around, built), unknown_sum_page(facts, page_key(), kEvil),
        error_page(facts, 404, not_found_error(kEvil, kEvil))}) {
    const http::Response out = render(page);
    CHECK_FALSE(has(out.body, "<script>alert"));
    CHECK_FALSE(has(out.body, "=\"<"));
    CHECK(has(out.body, "</html>"));
  }
}

TEST_CASE("pages: the command of a module's root has a name", "[pages]") {
  build::Key root = page_key();
  root.dir = "/";
  const std::string body = render(failed_page({}, root, {}, {}, "")).body;
  CHECK(has(body, "<dt>Command</dt><dd>the module's own</dd>"));
}

TEST_CASE("pages: what they offer", "[pages]") {
  Around around;
  auto versions = std::make_shared<ModuleVersions>();
  versions->versions = {"v1.1.0", "v1.0.0"};
  versions->retracted = {"v1.0.0"};
  versions->latest = "v1.1.0";
  around.versions = versions;
  around.object_files = true;
  around.built = {build::format_key(page_key())};
  const std::string text = unbuilt_page(site(), page_key(), around, std::nullopt).body;
  CHECK(has(text, "Retracted"));
  CHECK(has(text, "The newest version is"));
  CHECK(has(text, "prebuilt object files"));
  CHECK(has(text, "linux/amd64 ✓"));
  CHECK(has(text, "/a.b/c@v1.0.0/cmd/x/linux-arm64-go1.26.8/"));
  // What can never be built is not offered.
  CHECK_FALSE(has(text, "ios/arm64"));
  CHECK_FALSE(has(text, "android/amd64"));
  CHECK(has(text, "method=\"post\" action=\"retry\""));
  CHECK_FALSE(has(text, "Vulnerable"));
  CHECK_FALSE(has(text, "Private"));
  CHECK(format_size(999) == "999 bytes");
  CHECK(format_size(6'345'678) == "6.3 MB");
  CHECK(format_size(12'345) == "12 kB");
}

TEST_CASE("pages: known vulnerabilities, and private modules", "[pages]") {
  Around around;
  auto versions = std::make_shared<ModuleVersions>();
  versions->versions = {"v1.1.0", "v1.0.0"};
  around.versions = versions;
  around.vulnerable = {"v1.0.0"};
  around.findings.emplace();
  const auto shown = [&] { return unbuilt_page(site(), page_key(), around, std::nullopt).body; };
  CHECK_FALSE(has(shown(), "<strong>Vulnerable"));
  CHECK(has(shown(), ">v1.0.0 <span title=\"known vulnerabilities\">"));
  CHECK_FALSE(has(shown(), ">v1.1.0 <span"));
  for (int i = 0; i < 12; ++i) {
    around.findings->push_back({"GO-2026-" + std::to_string(i),
                                {"CVE-1"},
                                "It breaks",
                                {"a.b/dep", "v0.1.0"},
                                i == 0 ? "" : "v0.2.0"});
  }
  CHECK(has(shown(), "12 known"));
  CHECK(has(shown(), "href=\"https://pkg.go.dev/vuln/GO-2026-0\""));
  CHECK(has(shown(), "(CVE-1): It breaks <span class=\"soft\">a.b/dep v0.1.0; not fixed yet"));
  CHECK(has(shown(), "fixed in v0.2.0"));
  CHECK(has(shown(), "and 2 more"));
  Built built;
  built.key = "a.b/c@v1.0.0/cmd/x/linux-amd64-go1.26.8/";
  built.record = "a.b/c v1.0.0 /cmd/x linux amd64 go1.26.8 7 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n";
  CHECK(has(result_page(site(), page_key(), {}, built).body,
            "https://pkg.go.dev/a.b/c/cmd/x@v1.0.0"));
  // None that are known is not that nobody could be asked.
  around = {};
  around.unanswered = true;
  CHECK(has(shown(), "could not be looked up"));
  around = {};
  CHECK_FALSE(has(shown(), "could not be looked up"));
  // Nobody outside hears of a private one by a link.
  around = {};
  around.remark = "in no checksum database";
  CHECK(has(result_page(site(), page_key(), around, built).body, "in no checksum database"));
  CHECK_FALSE(has(result_page(site(), page_key(), around, built).body, "pkg.go.dev"));
  Json document = Json::object();
  add_marks(document, std::nullopt, "");
  CHECK(document.empty());
  add_marks(document, Findings({{"GO-1", {}, "s", {"m.x/y", "v1.0.0"}, ""}}), "why");
  CHECK(document["private"] == "why");
  CHECK(document["vulnerabilities"][0]["fixed"].is_null());
  CHECK(document["vulnerabilities"][0]["module"] == "m.x/y");
}

TEST_CASE("pages: as JSON", "[pages]") {
  http::Request request;
  CHECK_FALSE(wants_json(request));
  request.headers = {{"accept", "application/json"}};
  CHECK(wants_json(request));
  CHECK(unbuilt_json(page_key(), std::nullopt)["state"] == "unbuilt");
  BuildUpdate update;
  CHECK(unbuilt_json(page_key(), update)["state"] == "building");
  update.position = 2;
  CHECK(unbuilt_json(page_key(), update)["state"] == "waiting");
  Built built;
  built.key = build::format_key(page_key());
  built.record = "a.b/c v1.0.0 /cmd/x linux amd64 go1.26.8 7 0zkPWcxWmiWHZYW2QX4N5VurqP4g \n";
  const Json json = built_json(built);
  CHECK(json["size"] == 7);
  CHECK(json["stripped"] == false);
  CHECK(json["sum"] == "0zkPWcxWmiWHZYW2QX4N5VurqP4g");
  CHECK(home_json(site(), {1, 2, {built}})["recent"].size() == 1);
  // Bytes that are no text are no reason to say nothing.
  CHECK(has(json_page(200, failed_json(page_key(), {"r", "\xff", "", "", {}, {}})).body,
            "\"state\""));
}

TEST_CASE("site: statuses, events, rules", "[site]") {
  CHECK(status_of(refused("x")) == 403);
  CHECK(status_of(too_many(std::chrono::seconds(7))) == 429);
  CHECK(retry_after(too_many(std::chrono::seconds(7)))->count() == 7);
  CHECK(status_of(as_client_error(not_found_error("x"))) == 422);
  CHECK(status_of_file(as_client_error(not_found_error("x"))) == 404);
  CHECK(status_of(as_client_error(unavailable_error("x"))) == 503);
  CHECK(status_of(usage_error("x")) == 422);
  CHECK(status_of(corrupt_error("x")) == 500);

  BuildUpdate update;
  update.position = 3;
  CHECK(event_data(update) == R"({"Kind":"QueuePosition","QueuePosition":3})");
  update.kind = BuildUpdate::Kind::kPermFailed;
  update.error = "a\nb";
  CHECK(event_data(update) == R"({"Kind":"PermFailed","Error":"a\nb"})");
  update.kind = BuildUpdate::Kind::kSuccess;
  update.sum = "0x";
  CHECK(event_data(update) == R"({"Kind":"Success","Sum":"0x"})");

  CHECK(is_allowed("a.b/c", {}));
  CHECK(is_allowed("a.b/c", {"a.b"}));
  CHECK(is_allowed("a.b", {"x.y", "a.b"}));
  CHECK_FALSE(is_allowed("a.bc", {"a.b"}));
  CHECK_FALSE(is_allowed("a.b", {"a.b/c"}));
  CHECK(old_address("/m/a.b/c") == "/a.b/c");
  CHECK_FALSE(old_address("/m/nothing"));
  CHECK_FALSE(old_address("/x/a.b/c"));
}
