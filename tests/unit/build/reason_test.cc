#include "build/reason.h"

#include <catch2/catch.hpp>
#include <set>

using namespace gw;
using namespace gw::build;

namespace {

struct Case {
  Reason reason;
  const char* output;
  const char* line = nullptr;  // part of what is shown of it
};

// As go 1.26.8 prints them, older ones where it says so.
const Case kCases[] = {
    {Reason::kNotMain, "go: downloading a.b/lib v1.0.0\npackage a.b/c is not a main package\n"},
    {Reason::kNoPackage,
     "go: a.b/c/sub@v1.0.0: module a.b/c@v1.0.0 found, but does not contain package a.b/c/sub\n"},
    {Reason::kNoPackage,
     "go: a.b/c/sub@v1: module a.b/c@v1 found (v1.0.0), but does not contain package a.b/c/sub\n"},
    {Reason::kPathMismatch,
     "go: a.b/c@v1.0.0: version constraints conflict:\n\ta.b/c@v1.0.0: parsing go.mod:\n"
     "\tmodule declares its path as: a.b/other\n\t        but was required as: a.b/c\n",
     "a.b/other"},
    {Reason::kPathMismatch,
     "go: a.b/c@v1.0.0: parsing go.mod:\n\tmodule declares its path as: a.b/other\n"
     "\t        but was required as: a.b/c\n"},
    {Reason::kVersionConflict,
     "go: a.b/c@v1.0.0: version constraints conflict:\n\ta.b/c@v1.0.0 requires a.b/d@v2\n"},
    {Reason::kVersionConflict,
     "go: a.b/c@v1.0.0: version constraints conflict:\n\ta.b/c@v1.0.0 indirectly requires "
     "a.b/c@v1.1.0, but v1.0.0 is requested\n",
     "indirectly"},
    // Since 1.21 the same heading is above other troubles.
    {Reason::kDependencyGone,
     "go: a.b/c@v1.0.0: version constraints conflict:\n\ta.b/c@v1.0.0 requires a.b/d@v1.0.0: "
     "reading http://127.0.0.1:1/a.b/d/@v/v1.0.0.mod: 404 Not Found\n"},
    {Reason::kBrokenGoMod,
     "go: a.b/c@v1.0.0: version constraints conflict:\n\ta.b/c@v1.0.0: parsing go.mod: missing "
     "module line\n"},
    {Reason::kBrokenGoMod,
     "go: a.b/c@v1.0.0 (in a.b/c@v1.0.0): go.mod:3: invalid go version 'abc': must match format "
     "1.23\n"},
    {Reason::kNewerGo,
     "go: a.b/c@v1.0.0 (in a.b/c@v1.0.0): go.mod:5: unknown directive: toolchain\n"},
    {Reason::kNewerGo, "go: a.b/c@v1.0.0 (in a.b/c@v1.0.0): go.mod:7: unknown block type: tool\n"},
    {Reason::kBrokenGoMod, "go: a.b/c@v1.0.0 (in a.b/c@v1): go.mod:5: unknown directive: tools\n"},
    {Reason::kUntidy,
     "go: finding module for package a.b/d\n"
     "go: updates to go.mod needed, disabled by -mod=readonly; to update it:\n\tgo mod tidy\n"},
    {Reason::kReplace,
     "go: a.b/c@v1.0.0 (in a.b/c@v1.0.0):\n\tThe go.mod file for the module providing named "
     "packages contains one or\n\tmore replace directives. It must not contain directives\n"},
    {Reason::kExclude,
     "\tThe go.mod file for the module providing named packages contains one or\n"
     "\tmore exclude directives. It must not\n"},
    {Reason::kNewerGo,
     "go: a.b/c@v1.0.0: a.b/c@v1.0.0 requires go >= 1.99.1 (running go 1.26.8; "
     "GOTOOLCHAIN=local)\n"},
    {Reason::kImportNewerGo,
     "go: a.b/dep@v1.0.0 requires go >= 1.99.1 (running go 1.26.8; GOTOOLCHAIN=local)\n"},
    {Reason::kNewerGo, "x.go:1:2: undefined: y\nnote: module requires Go 1.99\n"},
    {Reason::kNewerGo, "go.mod:3: invalid go version '1.99.1': must match format 1.23\n"},
    {Reason::kPlatform, "go: unsupported GOOS/GOARCH pair linux/vax\n"},
    {Reason::kCgoPlatform,
     "loadinternal: cannot find runtime/cgo\n-linkmode=external requires external (cgo) linking, "
     "but cgo is not enabled\n"},
    {Reason::kCgoPackage,
     "package a.b/c: build constraints exclude all Go files in /b/mod/a.b/with-c@v1.0.0\n"},
    {Reason::kExcluded,
     "package a.b/c: build constraints exclude all Go files in /b/mod/a.b/c@v1.0.0\n"},
    {Reason::kCgoPackage, "_cgo_mmap: relocation target x_cgo_mmap not defined\n"},
    {Reason::kFutureStd,
     "../mod/a.b/c@v1.0.0/main.go:2:8: package strings/notyet is not in std "
     "(/go/src/strings/notyet)\n"},
    {Reason::kFutureStd, "main.go:2:8: package x is not in GOROOT (/go/src/x)\n"},
    {Reason::kUndefined, "# a.b/c\n../mod/a.b/c@v1.0.0/main.go:3:22: undefined: strings.NotYet\n"},
    {Reason::kUnknownField,
     "../mod/a.b/c@v1.0.0/main.go:3:26: unknown field NotYet in struct literal of type url.URL\n"},
    {Reason::kLinkReference, "# a.b/c\nlink: main: invalid reference to runtime.gcStart\n"},
    {Reason::kLinkReference, "main.f: relocation target runtime.x not defined\n"},
    {Reason::kEmbed, "main.go:3:12: pattern missing.txt: no matching files found\n"},
    {Reason::kEmbed, "main.go:3:12: invalid pattern syntax\n"},
    {Reason::kAssembler,
     "../mod/a.b/c@v1.0.0/a_amd64.s:2: unrecognized instruction \"BOGUS\"\n"
     "asm: assembly of ../mod/a.b/c@v1.0.0/a_amd64.s failed\n",
     "BOGUS"},
    {Reason::kAssembler, "/etc/passwd:1: expected identifier, found \"0\"\n"},
    {Reason::kObjectFile, "loadelf: $WORK/b001/_pkg_.a(x.syso): malformed elf file: EOF\n"},
    {Reason::kCgoDirective, "main.go:2:3: //go:cgo_ldflag only allowed in cgo-generated code\n"},
    {Reason::kTooLarge,
     "a.b/c@v1.0.0/main.go:3:29: main.x: symbol too large (3000000000 bytes > 2000000000 bytes)\n"},
    {Reason::kBrokenGoMod, "go: a.b/c@v1.0.0: parsing go.mod: go.mod:5: unknown directive: x\n"},
    {Reason::kBrokenGoMod, "go: a.b/c@v1.0.0 (in a.b/c@v1.0.0): go.mod:4: unknown directive: x\n"},
    {Reason::kPackageStructure,
     "main.go:2:8: use of internal package a.b/internal/x not allowed\n"},
    {Reason::kPackageStructure, "\timports a.b/c/a from b.go: import cycle not allowed\n"},
    {Reason::kPackageStructure,
     "main.go:2:8: import \"a.b/c/p\" is a program, not an importable package\n"},
    {Reason::kPackageStructure, "found packages other (b.go) and main (main.go) in /b/mod/x@v1\n"},
    {Reason::kPackageStructure, "package a.b/c: no non-test Go files in /b/mod/a.b/c@v1.0.0\n"},
    {Reason::kDependencyGone, "main.go:2:8: cannot find module providing package a.b/d\n"},
    {Reason::kDependencyGone,
     "main.go:2:8: a.b/d@v1.0.0: reading http://127.0.0.1:1/a.b/d/@v/v1.0.0.zip: 404 Not Found\n"},
    {Reason::kBadZip, "go: unzip /b/mod/x.zip: a.b/c@v1.0.0: zip: not a valid zip file\n"},
    {Reason::kSource,
     "# a.b/c\n../mod/a.b/c@v1.0.0/main.go:2:12: syntax error: unexpected {, expected )\n"},
    {Reason::kSource, "a.b/c@v1.0.0/f.go:5:22: declared and not used: x\n"},
    {Reason::kMemoryLimit,
     "runtime: out of memory: cannot allocate 4194304-byte block (1 in use)\n"
     "fatal error: out of memory\n"},
    {Reason::kMemoryLimit, "fatal error: runtime: cannot allocate memory\n"},
    {Reason::kDiskLimit, "write /build/tmp/b001/_pkg_.a: file too large\n"},
    {Reason::kProcessLimit, "runtime: failed to create new OS thread (have 9 already; errno=11)\n"},
    {Reason::kProcessLimit,
     "go: fork/exec /go/pkg/tool/compile: resource temporarily unavailable\n"},
    {Reason::kUnknown, "first\nsomething else: 1:2 3\n", "something else"},
    {Reason::kUnknown, ""},
};

FoundReason find(std::string_view output) {
  return find_reason(output, "a.b/c",
                     [](std::string_view dir) { return dir == "/b/mod/a.b/with-c@v1.0.0"; });
}

}  // namespace

TEST_CASE("reasons are told from what the go command prints") {
  std::set<Reason> seen;
  for (const Case& c : kCases) {
    INFO(c.output);
    const FoundReason found = find(c.output);
    CHECK(std::string(reason_text(found.reason)) == std::string(reason_text(c.reason)));
    if (c.line != nullptr) CHECK(found.line.find(c.line) != std::string::npos);
    seen.insert(found.reason);
  }
  // What the guard of a build finds, no output tells.
  for (const Reason other : {Reason::kTimeLimit, Reason::kForbidden}) {
    CHECK(seen.insert(other).second);
  }
  CHECK(seen.size() == static_cast<std::size_t>(Reason::kUnknown) + 1);
}

TEST_CASE("a sentence of several lines is shown whole, and nothing else with it") {
  const std::pair<const char*, const char*> cases[] = {
      {"go: downloading a.b/d v1.0.0\ngo: a.b/c@v1.0.0 (in a.b/c@v1.0.0):\n"
       "\tThe go.mod file for the module providing named packages contains one or\n"
       "\tmore replace directives. It must not contain directives that would cause\n"
       "\tit to be interpreted differently than if it were the main module.\n$WORK/x\n",
       "The go.mod file for the module providing named packages contains one or more replace "
       "directives. It must not contain directives that would cause it to be interpreted "
       "differently than if it were the main module."},
      {"go: a.b/c@v1.0.0: version constraints conflict:\n\ta.b/c@v1.0.0: parsing go.mod:\n"
       "\tmodule declares its path as: a.b/other\n\t        but was required as: a.b/c\n",
       "module declares its path as: a.b/other but was required as: a.b/c"},
      {"go: a.b/c@v1.0.0: version constraints conflict:\n\ta.b/c@v1.0.0 requires a.b/d@v2\n",
       "go: a.b/c@v1.0.0: version constraints conflict: a.b/c@v1.0.0 requires a.b/d@v2"},
      {"go: updates to go.mod needed, disabled by -mod=readonly; to update it:\n\tgo mod tidy\n",
       "go: updates to go.mod needed, disabled by -mod=readonly; to update it: go mod tidy"},
      {"package a.b/c\n\timports a.b/c/a from main.go\n\timports a.b/c/a from b.go: import "
       "cycle not allowed\n",
       "package a.b/c imports a.b/c/a from main.go imports a.b/c/a from b.go: import cycle not "
       "allowed"},
      {"# a.b/c\nm.go:3:9: cannot use x as y:\n\thave f()\n\twant g()\nm.go:4:1: z\n",
       "m.go:3:9: cannot use x as y: have f() want g()"},
      // Where the go command read it, which is the place of nobody.
      {"m.go:3:8: cannot find module providing package a.b/d: module a.b/d: reading "
       "http://127.0.0.1:40123/a.b/d/@v/list: 404 Not Found\n\tserver response: reading "
       "https://a.b/d: no\n",
       "m.go:3:8: cannot find module providing package a.b/d: module a.b/d: reading "
       "a.b/d/@v/list: 404 Not Found server response: reading https://a.b/d: no"},
      {"reading http://127.0.0.1:40123", "reading http://127.0.0.1:40123"},
      {"something\n\n \tset in\r\n", "set in"},
      {"\tmore exclude directives.", "more exclude directives."},
      {"\n\tmore exclude directives.\n\n\tno more\n", "more exclude directives."},
      {" x\n \n\n", "x"},
  };
  for (const auto& [output, line] : cases) {
    INFO(output);
    CHECK(find(output).line == line);
  }
}

TEST_CASE("of a long sentence, what tells is shown") {
  std::string output = "package a.b/c\n";
  for (int i = 0; i < 100; ++i) output += "\timports a.b/c/p from main.go\n";
  output += "\timports a.b/c/last from b.go: import cycle not allowed\n";
  const std::string line = find(output).line;
  CHECK(line.starts_with("... imports a.b/c/p from main.go imports "));
  CHECK(line.ends_with(" imports a.b/c/last from b.go: import cycle not allowed"));
  CHECK(line.size() <= 400);
}

TEST_CASE("each reason has its words") {
  std::set<std::string> texts;
  for (int i = 0; i <= static_cast<int>(Reason::kUnknown); ++i) {
    texts.emplace(reason_text(static_cast<Reason>(i)));
    CHECK(!reason_hint(static_cast<Reason>(i)).empty());
  }
  CHECK(texts.size() == static_cast<std::size_t>(Reason::kUnknown) + 1);
}

TEST_CASE("the first row of the table that matches counts, not the first line") {
  CHECK(find("main.go:2:8: x\nundefined: y\ngo: updates to go.mod needed, disabled by "
             "-mod=readonly\n")
            .reason == Reason::kUntidy);
  CHECK(find("main.go:1:1: invalid pattern syntax\nmain.go:2:2: undefined: x\n").reason ==
        Reason::kUndefined);
}

TEST_CASE("what a stranger prints is bounded, and lines that only look alike are not taken") {
  CHECK(find(std::string(100'000, 'x')).line.size() <= 400);
  for (const char* other : {"10:20:30: x\n:1:2: y\n", "a b.go:1:2: x\n", "b.go:1: x\n",
                            "b.go:1:2 x\n", "b.go:1:\n", "b.go:1:2:", "::::"}) {
    INFO(other);
    const Reason reason = find(other).reason;
    CHECK((reason == Reason::kUnknown) == (std::string(other).substr(0, 2) != "10"));
  }
}
