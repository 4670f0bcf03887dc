#include "build/includes.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::build;
using Texts = std::vector<std::string>;

TEST_CASE("includes of assembly, however they are written") {
  CHECK(find_includes("#include \"textflag.h\"\n#include \"a/b.h\"\nTEXT x(SB)\n") ==
        Texts{"textflag.h", "a/b.h"});
  for (const char* hidden :
       {"#include \"/etc/x\"", " \t# \t include\t\"/etc/x\"", "#/* a */include/**/\"/etc/x\"",
        "# include /* over\nlines */ \"/etc/x\"", "#include \"\\x2fetc/x\"",
        "#include \"\\057etc\\u002fx\"", "// \"\n#include \"/etc/x\"",
        "X '\"'\n#include \"/etc/x\"", "X \"/*\"\n#include \"/etc/x\"\n\"*/\"",
        "\"\\\"\n#include \"/etc/x\"\n", "#\r\ninclude \"/etc/x\""}) {
    INFO(hidden);
    CHECK(find_includes(hidden) == Texts{"/etc/x"});
  }
  for (const char* none : {"", "// #include \"/etc/x\"", "/* #include \"/etc/x\" */", "#include",
                           "#include <x>", "include \"/etc/x\"", "#define \"/etc/x\"",
                           "\"#include \\\"/etc/x\\\"\"", "#included \"/etc/x\""}) {
    INFO(none);
    CHECK(find_includes(none).empty());
  }
}

TEST_CASE("paths that lead out of a directory") {
  for (const char* out : {"/etc/passwd", "..", "../x", "a/../b", "a/..", "a//../b"})
    CHECK(leads_out(out));
  for (const char* in : {"", "a", "a/b.h", "..a", "a..", "a/..b/c", "./a"}) CHECK(!leads_out(in));
}

TEST_CASE("the directories that are assembled are those that go says") {
  CHECK(assembled_directories(
            "mkdir -p $WORK/b006/\n\n#\n# internal/abi\n#\n\ncd /go/src/internal/abi\n"
            "/go/pkg/tool/linux_amd64/asm -p internal/abi -I $WORK/b006/ ./a.s\n"
            "cd /build/mod/a.b/c@v1.0.0\n/go/pkg/tool/linux_amd64/compile -o x\n"
            "cd \"/b c/mod/a.b/d@v1.0.0\"\n\"/b c/asm\" -p a.b/d ./a.s\n"
            "\"/b c/asm\" -p a.b/d ./b.s\n") ==
        Texts{"/go/src/internal/abi", "/b c/mod/a.b/d@v1.0.0"});
}

TEST_CASE("a package may include its own files and the toolchain's") {
  const testing::TempDir dir;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(dir.file(name)).parent_path());
    std::ofstream(dir.file(name), std::ios::trunc) << text;
  };
  const auto check = [&] {
    const auto s = check_includes(os::Dir::open(dir.path()).value());
    return s ? std::string() : s.error().message;
  };
  write("a.go", "#include \"/etc/passwd\"");
  CHECK(check().empty());
  write("a_amd64.s", "#include \"textflag.h\"\n#include \"own.inc\"\n");
  write("own.inc", "#include \"sub/b.h\"\n#include \"own.inc\"\n");
  write("sub/b.h", "X\n");
  CHECK(check().empty());
  write("sub/b.h", "#include \"../../x\"\n");
  CHECK(check() == "sub/b.h includes \"../../x\", which is outside of its package");
  write("a_amd64.s", "#include \"/proc/self/environ\"\n");
  CHECK(check() == "a_amd64.s includes \"/proc/self/environ\", which is outside of its package");
  std::filesystem::remove(dir.file("a_amd64.s"));
  std::filesystem::create_symlink("/etc/passwd", dir.file("link.s"));
  CHECK(!check().empty());
}
