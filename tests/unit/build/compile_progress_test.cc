#include "build/compile_progress.h"

#include <catch2/catch.hpp>

using namespace gw::build;

namespace {

// As go 1.19 and 1.26 print it with -x -v.
constexpr std::string_view kOutput =
    "WORK=/tmp/go-build189642119\n"
    "internal/goarch\n"
    "mkdir -p $WORK/b006/\n"
    "cat >$WORK/b006/importcfg << 'EOF' # internal\n"
    "# import config\n"
    "not/a/package\n"
    "EOF\n"
    "cd /build\n"
    "/go/pkg/tool/linux_amd64/compile -o $WORK/b006/_pkg_.a -trimpath \"x=>y\" -p internal/goarch\n"
    "golang.org/x/crypto/chacha20poly1305\n"
    "a.b/c\n"
    "main.go:1:2: undefined: x\n"
    "mkdir -p $WORK/b001/exe/\n"
    "GOROOT_FINAL='$GOROOT' /go/pkg/tool/linux_amd64/link -o $WORK/b001/exe/a.out -importcfg x\n"
    "mv $WORK/b001/exe/a.out /build/out/bin/c\n";

std::vector<std::string> told(std::size_t packages, std::size_t piece) {
  std::vector<std::string> out;
  CompileProgress progress("c for js/wasm", packages,
                           [&](std::string_view text) { out.emplace_back(text); });
  std::string_view rest = kOutput;
  while (!rest.empty()) {
    progress.take(rest.substr(0, piece));
    rest.remove_prefix(std::min(piece, rest.size()));
  }
  return out;
}

}  // namespace

TEST_CASE("each package is told when it begins, how many there are, and the link") {
  const std::vector<std::string> expected = {
      "compiling c for js/wasm: 3 packages",
      "compiling c for js/wasm: 1 of 3, internal/goarch",
      "compiling c for js/wasm: 2 of 3, golang.org/x/crypto/chacha20poly1305",
      "compiling c for js/wasm: 3 of 3, a.b/c",
      "linking c for js/wasm",
  };
  // However the output comes.
  for (const std::size_t piece : {1U, 7U, 100U, 10'000U}) CHECK(told(3, piece) == expected);
  // Never more than there are.
  CHECK(told(2, 64)[3] == "compiling c for js/wasm: 3 of 3, a.b/c");
  CHECK(told(1, 64)[0] == "compiling c for js/wasm: 1 package");
  CHECK(told(0, 64)[1] == "compiling c for js/wasm: internal/goarch");
}

TEST_CASE("a line without an end is not kept for ever, and what stands is told again") {
  std::vector<std::string> out;
  CompileProgress progress("c", 0, [&](std::string_view text) { out.emplace_back(text); });
  for (int i = 0; i < 100; ++i) progress.take(std::string(10'000, 'x'));
  progress.take("\na.b/c\n");
  progress.tell();
  CHECK(out.back() == "compiling c: a.b/c");
  CHECK(out[out.size() - 2] == "compiling c: a.b/c");
}

TEST_CASE("what would be compiled is counted once each, also what is vendored") {
  CHECK(planned_packages("go: downloading a.b/c v1.0.0\n\n#\n# internal/goarch\n#\n\n# import "
                         "config\ncompile\n#\n# vendor/golang.org/x/net/idna\n#\n#\n# a.b/c\n#\n"
                         "link\n#\n# a.b/c\n#\n#\n# has a blank\n#\n") ==
        std::vector<std::string>{"internal/goarch", "vendor/golang.org/x/net/idna", "a.b/c"});
  CHECK(planned_packages("").empty());
}
