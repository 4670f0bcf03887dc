#include "check/select.h"

#include <catch2/catch.hpp>

#include "check/major_walk.h"

namespace {

using gw::check::MajorWalk;
using gw::check::select_releases;
using gw::dns::ModuleVersion;
using Texts = std::vector<std::string>;

Texts selected(const Texts& served, const std::string& known) {
  std::vector<ModuleVersion> versions;
  for (const std::string& version : served) versions.push_back({version, {}});
  Texts out;
  const auto have = known.empty() ? std::nullopt : std::optional(known);
  for (const auto* v : select_releases(versions, have)) out.push_back(v->version);
  return out;
}

MajorWalk walk_from(std::string_view path, const std::string& known) {
  return {*gw::mod::ModulePath::parse(path),
          known.empty() ? std::nullopt : std::optional<std::string>(known)};
}

// What a walk finds among `there`, and how many paths it asks for.
struct Found {
  Texts paths;
  std::size_t asked = 0;
};
Found walk_through(MajorWalk walk, const Texts& there) {
  Found found;
  for (auto round = walk.next_round(); !round.empty(); round = walk.next_round()) {
    for (const auto& path : round) {
      const bool exists = std::find(there.begin(), there.end(), path.text()) != there.end();
      walk.answered(exists);
      ++found.asked;
      if (exists) found.paths.push_back(path.text());
    }
  }
  return found;
}

}  // namespace

TEST_CASE("releases are selected by major") {
  struct Case {
    Texts served;
    std::string known;
    Texts out;
  };
  const Texts client_go = {"v1.5.2", "v0.35.3"};
  const Texts docker = {"v28.5.2+incompatible", "v17.12.1+incompatible", "v1.13.1"};
  const Case cases[] = {
      {client_go, "", {"v1.5.2"}},
      {client_go, "v0.34.0", {"v0.35.3", "v1.5.2"}},
      {client_go, "v0.35.3", {"v1.5.2"}},
      {client_go, "v0.36.0-rc.1", {"v1.5.2"}},
      {client_go, "v1.4.0", {"v1.5.2"}},
      {client_go, "v1.5.2", {}},
      {{"v0.9.0"}, "v1.0.0-rc.1", {}},
      {{"v1.0.0", "v0.9.0"}, "v1.0.0-rc.1", {"v1.0.0"}},
      // +incompatible versions count by their numbers, pseudo-versions too
      {docker, "", {"v28.5.2+incompatible"}},
      {docker, "v1.12.0", {"v1.13.1", "v28.5.2+incompatible"}},
      {docker, "v28.5.2+incompatible", {}},
      {docker,
       "v17.12.0-ce-rc1.0.20210128214336-420b1d36250f+incompatible",
       {"v17.12.1+incompatible", "v28.5.2+incompatible"}},
      {docker, "v27.0.0+incompatible", {"v28.5.2+incompatible"}},
      {{"v1.13.1"}, "v28.5.2+incompatible", {}},
      {{"v1.13.1"}, "v17.12.0-ce-rc1.0.20210128214336-420b1d36250f+incompatible", {}},
      // what is no release is never reported
      {{"v1.0.0-rc.1"}, "v0.9.0", {}},
      {{}, "v0.9.0", {}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.served, c.known);
    CHECK(selected(c.served, c.known) == c.out);
  }
}

TEST_CASE("later majors are looked for after the known one") {
  struct Case {
    std::string path, known, first;
  };
  for (const Case& c : std::vector<Case>{{"a.b/c", "", "a.b/c/v2"},
                                         {"a.b/c", "v0.1.0", "a.b/c/v2"},
                                         {"a.b/c", "v1.9.0", "a.b/c/v2"},
                                         {"a.b/c", "v17.0.0+incompatible", "a.b/c/v18"},
                                         {"a.b/c/v76", "v76.1.0", "a.b/c/v77"},
                                         {"a.b/c/v3", "", "a.b/c/v4"},
                                         {"gopkg.in/yaml.v2", "v2.4.0", "gopkg.in/yaml.v3"}}) {
    CAPTURE(c.path, c.known);
    CHECK(walk_from(c.path, c.known).next_round().front().text() == c.first);
  }
}

TEST_CASE("later majors are found behind gaps") {
  CHECK(walk_through(walk_from("a.b/c", "v1.2.0"), {"a.b/c/v3"}).paths == Texts{"a.b/c/v3"});
  CHECK(walk_through(walk_from("a.b/c/v76", "v76.0.0"), {"a.b/c/v78", "a.b/c/v80"}).paths ==
        Texts{"a.b/c/v78", "a.b/c/v80"});
  CHECK(walk_through(walk_from("a.b/c", ""), {"a.b/c/v11"}).paths == Texts{"a.b/c/v11"});
  // nobody goes on for ever
  CHECK(walk_through(walk_from("a.b/c", ""), {}).asked <= 2 * MajorWalk::kMostMissing);
  CHECK(walk_through(walk_from("a.b/c", ""), {"a.b/c/v99"}).paths.empty());
  MajorWalk wildcard = walk_from("a.b/c", "");
  std::size_t asked = 0;
  for (auto round = wildcard.next_round(); !round.empty(); round = wildcard.next_round()) {
    asked += round.size();
  }
  CHECK(asked == MajorWalk::kMostAsked);
}

TEST_CASE("later majors begin after +incompatible ones that the path itself has") {
  MajorWalk walk = walk_from("a.b/c", "");
  for (std::size_t i = walk.next_round().size(); i > 0; --i) walk.answered(false);
  walk.has_release("v17.0.0+incompatible");
  CHECK(walk_through(walk, {"a.b/c/v18"}).paths == Texts{"a.b/c/v18"});
  // an older one changes nothing
  MajorWalk other = walk_from("a.b/c", "");
  static_cast<void>(other.next_round());
  other.has_release("v3.0.0+incompatible");
  CHECK(other.next_round().front().text() == "a.b/c/v6");
}
