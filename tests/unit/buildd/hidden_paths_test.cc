#include "buildd/hidden_paths.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::buildd;

TEST_CASE("hidden paths: a log without the machine's directories", "[hidden_paths]") {
  CHECK(strip_paths("cd /a/b/c; ls /a/b /x", {"/a/b", "", "/"}) == "cd $DIR/c; ls $DIR /x");
}

TEST_CASE("hidden paths: files that a service reads from, whatever names them", "[hidden_paths]") {
  using Texts = std::vector<std::string>;
  CHECK(local_places({"https://proxy.example.org,file:///srv/mod|file:///srv/more,direct", ""},
                     {"file:///srv/log", "/srv/vuln", "https://log.example.org", "module", ""}) ==
        Texts{"/srv/mod", "/srv/more", "/srv/log", "/srv/vuln"});
  CHECK(local_places({"ftp://x"}, {}).empty());
}
