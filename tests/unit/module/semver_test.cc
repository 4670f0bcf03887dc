#include "module/semver.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace gw::mod;

namespace {

int compare(std::string_view a, std::string_view b) {
  return compare_semver(*parse_semver(a), *parse_semver(b));
}

}  // namespace

TEST_CASE("canonical versions") {
  auto v = parse_semver("v1.20.300-rc.1.x-y+incompatible");
  REQUIRE(v);
  CHECK(v->major == "1");
  CHECK(v->minor == "20");
  CHECK(v->patch == "300");
  CHECK(v->prerelease == "rc.1.x-y");
  CHECK(v->incompatible);
  CHECK_FALSE(v->is_release());
  CHECK(parse_semver("v0.0.0")->is_release());
  CHECK(parse_semver("v2.0.0+incompatible")->is_release());
  CHECK(parse_semver("v99999999999999999999999.0.0"));
  CHECK(parse_semver("v1.0.0-0"));
  CHECK(parse_semver("v1.0.0-00a"));
  CHECK(parse_semver("v1.0.0--"));
}

TEST_CASE("what is not canonical") {
  for (const char* bad : {"",
                          "v",
                          "1.2.3",
                          "v1",
                          "v1.2",
                          "v1.2.",
                          "v1.2.3.4",
                          "v01.2.3",
                          "v1.02.3",
                          "v1.2.03",
                          "V1.2.3",
                          "v1.2.3-",
                          "v1.2.3-a..b",
                          "v1.2.3-a.",
                          "v1.2.3-.a",
                          "v1.2.3-01",
                          "v1.2.3-a.01",
                          "v1.2.3-a_b",
                          "v1.2.3+",
                          "v1.2.3+meta",
                          "v1.2.3+incompatible2",
                          "v1.2.3+incompatible+incompatible",
                          "v1.2.3-+incompatible",
                          "v1.2.3+incompatible-rc1",
                          " v1.2.3",
                          "v1.2.3 ",
                          "v1.2.3\n",
                          "v-1.2.3",
                          "v1..3",
                          "vx.2.3",
                          "v1.2.3-\xc3\xa9"}) {
    INFO(bad);
    CHECK_FALSE(parse_semver(bad));
  }
}

TEST_CASE("precedence") {
  // Ascending, all different: semver.org's own example among them.
  std::vector<std::string> order = {"v0.0.0-20180101000000-aaaaaaaaaaaa",
                                    "v0.0.0",
                                    "v0.0.1",
                                    "v0.9.99",
                                    "v0.10.0",
                                    "v1.0.0-0",
                                    "v1.0.0-2",
                                    "v1.0.0-10",
                                    "v1.0.0-99999999999999999999",
                                    "v1.0.0--",
                                    "v1.0.0-Alpha",
                                    "v1.0.0-alpha",
                                    "v1.0.0-alpha.1",
                                    "v1.0.0-alpha.beta",
                                    "v1.0.0-beta",
                                    "v1.0.0-beta.2",
                                    "v1.0.0-beta.11",
                                    "v1.0.0-rc.1",
                                    "v1.0.0-rc.1.0",
                                    "v1.0.0",
                                    "v1.0.1-0.20180101000000-aaaaaaaaaaaa",
                                    "v1.0.1",
                                    "v2.0.0",
                                    "v10.0.0",
                                    "v99999999999999999999.0.0"};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = 0; j < order.size(); ++j) {
      INFO(order[i] << " " << order[j]);
      CHECK(compare(order[i], order[j]) == (i < j ? -1 : (i > j ? 1 : 0)));
    }
  }
  CHECK(compare("v2.0.0+incompatible", "v2.0.0") == 0);
}

TEST_CASE("pseudo-versions") {
  struct {
    std::string text, base, time, revision;
    bool incompatible;
  } cases[] = {
      {"v0.0.0-20191227195350-da58074b4299", "v0.0.0-", "20191227195350", "da58074b4299", false},
      {"v1.2.4-0.20191227195350-da58074b4299", "v1.2.4-0.", "20191227195350", "da58074b4299",
       false},
      {"v1.2.3-rc1.0.20191227195350-da58074b4299", "v1.2.3-rc1.0.", "20191227195350",
       "da58074b4299", false},
      {"v1.2.3-a-b.0.20191227195350-x", "v1.2.3-a-b.0.", "20191227195350", "x", false},
      {"v2.0.1-0.20191227195350-da58074b4299+incompatible", "v2.0.1-0.", "20191227195350",
       "da58074b4299", true},
      {"v3.0.0-20191227195350-da58074b4299", "v3.0.0-", "20191227195350", "da58074b4299", false},
  };
  for (auto& c : cases) {
    INFO(c.text);
    auto p = parse_pseudo_version(c.text);
    REQUIRE(p);
    CHECK(p->base == c.base);
    CHECK(p->time == c.time);
    CHECK(p->revision == c.revision);
    CHECK(p->incompatible == c.incompatible);
    std::string again = std::string(p->base) + std::string(p->time) + "-" +
                        std::string(p->revision) + (p->incompatible ? "+incompatible" : "");
    CHECK(again == c.text);
  }
  for (const char* bad :
       {"v1.2.3", "v1.2.3-rc1", "v1.2.3-20191227195350-da58074b4299",
        "v0.1.0-20191227195350-da58074b4299", "v0.0.0-2019122719535-da58074b4299",
        "v0.0.0-201912271953500-da58074b4299", "v0.0.0-20191227195350", "v0.0.0-20191227195350-",
        "v0.0.0-20191227195350-a.b", "v1.2.3-1.20191227195350-da58074b4299",
        "v1.2.3-rc1.20191227195350-da58074b4299", "v1.2.3-00.20191227195350-da58074b4299",
        "v0.0.0-x0191227195350-da58074b4299", "v0.0.0-a.0.2019122719535x-da58074b4299"}) {
    INFO(bad);
    CHECK_FALSE(parse_pseudo_version(bad));
  }
}
