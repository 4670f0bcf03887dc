#include "module/zip.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "module/fold.h"
#include "module/zip_names.h"
#include "support/module/file_tree.h"
#include "support/module/zip_builder.h"

using namespace gw;
using namespace gw::mod;
using gw::test::FileTree;
using gw::test::make_zip;
using gw::test::ZipEnd;
using gw::test::ZipEntry;

namespace {

constexpr std::string_view kModule = "example.com/m";
constexpr std::string_view kVersion = "v1.0.0";
const std::string kPrefix = "example.com/m@v1.0.0/";

ZipEntry file(const std::string& name, const std::string& content = "text") {
  return {.name = kPrefix + name, .content = content};
}

ZipEntry packed(const std::string& name, const std::string& content) {
  ZipEntry e = file(name, content);
  e.deflate = true;
  return e;
}

// What opening says: empty when the zip is good.
std::string open_message(const std::string& zip) {
  const MemorySource source(zip);
  const auto opened = ModuleZip::open(source, kModule, kVersion);
  if (opened) return "";
  CHECK(opened.error().kind == ErrorKind::kUntrusted);
  return opened.error().message;
}

std::string hash_message(const std::string& zip) {
  const MemorySource source(zip);
  auto opened = ModuleZip::open(source, kModule, kVersion);
  if (!opened) return "not opened: " + opened.error().message;
  const auto hash = opened->hash();
  if (hash) return "";
  CHECK(hash.error().kind == ErrorKind::kUntrusted);
  return hash.error().message;
}

std::string hash_of(const std::string& zip) {
  const MemorySource source(zip);
  auto opened = ModuleZip::open(source, kModule, kVersion);
  INFO((opened ? std::string() : opened.error().message));
  REQUIRE(opened);
  return opened->hash().value();
}

std::string h1(const std::vector<std::pair<std::string, std::string>>& files) {
  Hash1 all;
  for (const auto& [name, text] : files) REQUIRE(all.add(kPrefix + name, sha256(text)));
  return all.finish();
}

bool zip_has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a good zip is opened, read and hashed, stored or deflated") {
  const std::string large(200'000, 'z');
  const std::string zip =
      make_zip({file("go.mod", "module example.com/m\n"), packed("b/large", large),
                file("empty", ""), packed("a-b", "x")});
  const MemorySource source(zip);
  auto opened = ModuleZip::open(source, kModule, kVersion);
  REQUIRE(opened);
  REQUIRE(opened->files().size() == 4);
  CHECK(opened->files()[1].name == "b/large");
  CHECK(opened->files()[1].size == large.size());
  CHECK(opened->read("go.mod", 100).value() == "module example.com/m\n");
  CHECK(opened->read("b/large", large.size()).value() == large);
  CHECK(opened->read("b/large", large.size() - 1).error().kind == ErrorKind::kUntrusted);
  CHECK(opened->read("nothing", 100).error().kind == ErrorKind::kNotFound);
  const std::string expected =
      h1({{"go.mod", "module example.com/m\n"}, {"b/large", large}, {"empty", ""}, {"a-b", "x"}});
  CHECK(opened->hash().value() == expected);
  CHECK(opened->hash().value() == expected);  // again

  const FileTree dir;
  CHECK(opened->unpack(dir.fd()).value() == expected);
  CHECK(hash_directory(dir.fd(), "example.com/m@v1.0.0").value() == expected);
}

TEST_CASE("a zip that breaks the rules for modules has its sum all the same, within bounds") {
  const std::string twins = make_zip({file("a", "1"), packed("A", "2"), file("sub/go.mod", "3")});
  CHECK(zip_has(open_message(twins), "differ only in case"));
  CHECK(hash_zip(MemorySource(twins)).value() == h1({{"a", "1"}, {"A", "2"}, {"sub/go.mod", "3"}}));
  CHECK(hash_zip(MemorySource("no zip")).error().kind == ErrorKind::kUntrusted);
  ZipEntry large = file("a");
  large.size = kMaxZipBytes + 1;
  CHECK(hash_zip(MemorySource(make_zip({large}))).error().kind == ErrorKind::kUntrusted);
}

TEST_CASE("a real module has the sum that the checksum database has") {
  const std::string path = std::string(GW_TESTS_DIR) + "/fuzz/corpus/zip/hello";
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd >= 0);
  const auto source = FdSource::of(fd);
  REQUIRE(source);
  auto zip =
      ModuleZip::open(*source, "golang.org/x/example/hello", "v0.0.0-20250915201037-7f05d217867b");
  REQUIRE(zip);
  CHECK(zip->hash().value() == "h1:+gZE2jOdiscYByu0606Uw8Ldir2Cecd39Vq/3IEasRA=");
  CHECK(hash_gomod(zip->read("go.mod", 1000).value()) ==
        "h1:UhUKOXx5fMcLZxwL20DUrWWBBoRYG9Jvc8FiwZhRHCI=");
  close(fd);
}

TEST_CASE("module and version must fit together") {
  const auto good = [](const char* module, const char* version) {
    const auto s = check_module_version(module, version);
    CHECK((s || s.error().kind == ErrorKind::kUsage));
    return s.has_value();
  };
  CHECK(good("example.com/m", "v0.1.0"));
  CHECK(good("example.com/m", "v1.2.3-rc.1"));
  CHECK(good("example.com/m/v2", "v2.0.0"));
  CHECK(good("example.com/m", "v2.0.0+incompatible"));
  CHECK(good("gopkg.in/yaml.v3", "v3.0.1"));
  CHECK(good("gopkg.in/yaml.v2-unstable", "v2.0.0"));
  CHECK(good("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405"));
  CHECK(good("golang.org/toolchain", "v0.0.1-go1.26.8.linux-amd64"));
  CHECK(!good("example.com/m", "v2.0.0"));
  CHECK(!good("example.com/m/v2", "v1.0.0"));
  CHECK(!good("example.com/m/v2", "v20.0.0"));
  CHECK(!good("gopkg.in/yaml.v3", "v2.0.0"));
  CHECK(!good("gopkg.in/check.v2", "v0.0.0-20161208181325-20d25e280405"));
  CHECK(!good("example.com/m", "v1"));
  CHECK(!good("example.com/m", "latest"));
  CHECK(!good("example.com/m", "v1.0.0+meta"));
  CHECK(!good("m", "v1.0.0"));
}

TEST_CASE("what a module zip must not hold, each for its own reason") {
  ZipEntry link = file("link", "target");
  link.made_by = 3 << 8;
  link.attributes = 0120777U << 16U;
  ZipEntry device = link;
  device.attributes = 0060644U << 16U;
  ZipEntry mac_link = link;
  mac_link.made_by = 19 << 8;
  ZipEntry directory_without_slash = link;
  directory_without_slash.attributes = 0040755U << 16U;
  ZipEntry encrypted = file("a");
  encrypted.flags = 1;
  ZipEntry strongly_encrypted = file("a");
  strongly_encrypted.flags = 1U << 6U;
  ZipEntry masked = file("a");
  masked.flags = 1U << 13U;
  ZipEntry bzip2 = file("a");
  bzip2.method = 12;
  ZipEntry two_sizes = file("a");
  two_sizes.size = 5;
  ZipEntry large = packed("a", "");
  large.size = 400U << 20U;
  ZipEntry large_too = packed("b", "");
  large_too.size = 101U << 20U;
  ZipEntry large_gomod = packed("go.mod", "");
  large_gomod.size = (16U << 20U) + 1;
  ZipEntry large_license = packed("LICENSE", "");
  large_license.size = (16U << 20U) + 1;
  struct {
    std::vector<ZipEntry> entries;
    const char* message;
  } const cases[] = {
      {{{.name = "example.com/m@v1.0.1/a"}}, "does not begin with"},
      {{{.name = "example.com/M@v1.0.0/a"}}, "does not begin with"},
      {{{.name = "example.com/m@v1.0.0"}}, "does not begin with"},
      {{{.name = "a"}}, "does not begin with"},
      {{{.name = "../example.com/m@v1.0.0/a"}}, "does not begin with"},
      {{{.name = ""}}, "does not begin with"},
      {{file("../a")}, "path element of dots"},
      {{file("a/../../b")}, "path element of dots"},
      {{file("./a")}, "path element of dots"},
      {{file("/etc/passwd")}, "empty path element"},
      {{file("a//b")}, "empty path element"},
      {{file("a//", "")}, "trailing slash"},
      {{file("a\\b")}, "invalid character"},
      {{file("a:b")}, "invalid character"},
      {{file("a\nb")}, "invalid character"},
      {{file(std::string("a\0b", 3))}, "invalid character"},
      {{file("\xff")}, R"(invalid character "\xff")"},
      {{file("aux.c")}, "device name"},
      {{file("a"), file("a")}, "there twice"},
      {{file("a"), file("A")}, "differ only in case"},
      {{file("k"), file("\xe2\x84\xaa")}, "differ only in case"},
      {{file("dir/a"), file("Dir/b")}, "differ only in case"},
      {{file("dir/sub/a"), file("dir/SUB/", "")}, "differ only in case"},
      {{file("a"), file("a/b")}, "both a file and a directory"},
      {{file("a/b"), file("a")}, "both a file and a directory"},
      {{file("a"), file("a/", "")}, "both a file and a directory"},
      {{file("a/", "content")}, "a directory with content"},
      {{file("", "content")}, "a directory with content"},
      {{file("sub/go.mod")}, "go.mod below the root"},
      {{file("sub/GO.mod")}, "go.mod below the root"},
      {{file("Go.Mod")}, "go.mod in upper case"},
      {{link}, "neither a regular file nor a directory"},
      {{mac_link}, "neither a regular file nor a directory"},
      {{device}, "neither a regular file nor a directory"},
      {{directory_without_slash}, "a directory without a slash"},
      {{encrypted}, "encrypted"},
      {{strongly_encrypted}, "encrypted"},
      {{masked}, "encrypted"},
      {{bzip2}, "compression method 12"},
      {{two_sizes}, "stored with two sizes"},
      {{large, large_too}, "larger than 500 MiB"},
      {{large_gomod}, "larger than 16 MiB"},
      {{large_license}, "larger than 16 MiB"},
  };
  for (const auto& c : cases) {
    const std::string message = open_message(make_zip(c.entries));
    INFO(c.message << " / " << message);
    CHECK(zip_has(message, c.message));
  }
}

TEST_CASE("what looks odd and is good") {
  ZipEntry unix_file = file("a");
  unix_file.made_by = 3 << 8;
  unix_file.attributes = 0100777U << 16U;
  ZipEntry no_type = unix_file;
  no_type.attributes = 0644U << 16U;
  ZipEntry dos_attributes = file("a");
  dos_attributes.attributes = 0xa1ff0010;
  const std::string plain = hash_of(make_zip({file("a")}));
  CHECK(hash_of(make_zip({unix_file})) == plain);
  CHECK(hash_of(make_zip({no_type})) == plain);
  CHECK(hash_of(make_zip({dos_attributes})) == plain);
  CHECK(hash_of(make_zip({packed("a", "text")})) == plain);
  CHECK(hash_of(make_zip({file("a")}, {.comment = "a comment"})) == plain);
  CHECK(hash_of(make_zip({file("a")}, {.zip64 = true})) == plain);
  // Directories have entries in the sum, like empty files of that name.
  CHECK(hash_of(make_zip({file("", ""), file("d/", ""), file("d/", ""), file("d/a")})) ==
        h1({{"", ""}, {"d/", ""}, {"d/", ""}, {"d/a", "text"}}));
  CHECK(open_message(make_zip({file("d\xc3\xa4/\xe4\xb8\x96 (1).go"), file("go.mod/a"),
                               file("x/LICENSE"), file(".git"), file("-")})) == "");
  ZipEntry largest = packed("a", "");
  largest.size = 500U << 20U;
  CHECK(open_message(make_zip({largest})) == "");
}

TEST_CASE("content that is not what was declared") {
  ZipEntry short_size = packed("a", std::string(100'000, 'a'));
  short_size.size = 99'999;
  ZipEntry long_size = packed("a", std::string(100'000, 'a'));
  long_size.size = 100'001;
  ZipEntry bomb = packed("a", std::string(1U << 20U, '\0'));
  bomb.size = 1;
  ZipEntry checksum = packed("a", "text");
  checksum.crc = 1;
  ZipEntry stored_checksum = file("a");
  stored_checksum.crc = 1;
  ZipEntry tail = packed("a", "text");
  tail.packed_tail = "x";
  ZipEntry cut = packed("a", std::string(100'000, 'a'));
  cut.packed_size = 10;
  ZipEntry rubbish = file("a", "\xff\xff\xff\xff");
  rubbish.method = 8;
  ZipEntry beyond = file("a");
  beyond.size = beyond.packed_size = 120;  // the archive zip_has 146
  ZipEntry not_packed = packed("a", "");
  not_packed.packed_size = 0;
  struct {
    ZipEntry entry;
    const char* message;
  } const cases[] = {
      {short_size, "larger than its declared size"}, {long_size, "shorter than its declared size"},
      {bomb, "larger than its declared size"},       {checksum, "wrong checksum"},
      {stored_checksum, "wrong checksum"},           {tail, "bytes after its deflate stream"},
      {cut, "packed bytes end too early"},           {rubbish, "malformed deflate stream"},
      {beyond, "reaches beyond the archive"},        {not_packed, "packed bytes end too early"},
  };
  for (const auto& c : cases) {
    const std::string message = hash_message(make_zip({c.entry}));
    INFO(c.message << " / " << message);
    CHECK(zip_has(message, c.message));
    CHECK(zip_has(message, kPrefix + "a"));
  }
}

TEST_CASE("archives that are none") {
  const std::string good = make_zip({file("a"), file("b")});
  CHECK(zip_has(open_message(""), "not a zip archive"));
  CHECK(zip_has(open_message("PK"), "not a zip archive"));
  CHECK(zip_has(open_message(std::string(100'000, '\0')), "not a zip archive"));
  for (std::size_t n = 0; n < good.size(); ++n) {
    INFO(n);
    CHECK(open_message(good.substr(0, n)) != "");
  }
  CHECK(open_message(make_zip({})) != "");
  CHECK(open_message(make_zip({}, {.comment = std::string(100, ' ')})) != "");
  CHECK(open_message(make_zip({file("a")}, {.count = 2})) != "");
  CHECK(open_message(make_zip({file("a")}, {.count = 0xffff})) != "");
  CHECK(open_message(make_zip({file("a")}, {.zip64 = true, .count64_more = 1})) != "");
  CHECK(zip_has(open_message(make_zip({file("a")}, {.zip64 = true, .count64_more = 1ULL << 40U})),
                "too many"));
  // A header that says otherwise than the directory, or is elsewhere.
  ZipEntry other_place = file("a");
  other_place.offset = 5;
  CHECK(zip_has(hash_message(make_zip({other_place})), "malformed header"));
  ZipEntry far = file("a");
  far.offset = 0x7fffffff;
  CHECK(zip_has(hash_message(make_zip({far})), "malformed header"));
  ZipEntry longer_name = file("a");
  longer_name.local_name = kPrefix + "aa";
  CHECK(zip_has(hash_message(make_zip({longer_name})), "malformed header"));
  // Many entries with the same bytes: deflate streams that give nothing, again and again.
  ZipEntry endless = file("a", std::string(1000, '\0'));
  endless.method = 8;
  endless.size = 0;
  ZipEntry endless_too = endless;
  endless_too.name += "a";
  endless_too.content = "";
  endless_too.packed_size = 1000;
  endless_too.offset = 0;
  CHECK(zip_has(open_message(make_zip({endless, endless_too})), "more packed bytes"));
  // Sizes of the zip64 field count.
  ZipEntry huge = file("a");
  huge.size = huge.packed_size = 0xffffffff;
  huge.extra = test::zip64_extra({1ULL << 63U, 1ULL << 63U});
  CHECK(zip_has(open_message(make_zip({huge})), "more packed bytes"));
  huge = packed("a", "text");
  huge.size = 0xffffffff;
  huge.extra = test::zip64_extra({1ULL << 63U});
  CHECK(zip_has(open_message(make_zip({huge})), "larger than 500 MiB"));
}

TEST_CASE("every changed byte of a zip is refused or changes nothing") {
  const std::string good = make_zip({file("a", "12"), packed("b", std::string(50, 'b'))});
  const std::string hash = hash_of(good);
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const int bit : {1, 16, 128}) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ bit);
      const MemorySource source(bad);
      auto zip = ModuleZip::open(source, kModule, kVersion);
      if (!zip) continue;
      const auto got = zip->hash();
      if (got && zip->files().size() == 2 && zip->files()[0].name == "a" &&
          zip->files()[1].name == "b") {
        CHECK(*got == hash);
      } else if (got) {
        CHECK(*got != hash);
      }
    }
  }
}

TEST_CASE("unpacking makes plain files in new directories, whatever the modes say") {
  ZipEntry setuid = file("bin/run", "#!");
  setuid.made_by = 3 << 8;
  setuid.attributes = 0104777U << 16U;
  const std::string zip = make_zip(
      {setuid, file("a/b/c", "1"), file("a/b/d", "2"), file("a/e", "3"), file("empty/", "")});
  const MemorySource source(zip);
  auto opened = ModuleZip::open(source, kModule, kVersion);
  REQUIRE(opened);
  const mode_t old = umask(022);
  SECTION("into an empty directory") {
    const FileTree dir;
    const auto hash = opened->unpack(dir.fd());
    INFO((hash ? std::string() : hash.error().message));
    REQUIRE(hash);
    CHECK(*hash == opened->hash().value());
    CHECK(dir.read("a/b/c") == "1");
    CHECK(dir.read("a/b/d") == "2");
    CHECK(dir.read("a/e") == "3");
    struct stat st {};
    REQUIRE(stat((dir / "bin/run").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0644);
    REQUIRE(stat((dir / "bin").c_str(), &st) == 0);
    CHECK((st.st_mode & 07777) == 0755);
    CHECK(!std::filesystem::exists(dir / "empty"));
    // A second time nothing is overwritten.
    CHECK(opened->unpack(dir.fd()).error().kind == ErrorKind::kIo);
  }
  SECTION("a link in the way is not followed") {
    const FileTree dir;
    const FileTree outside;
    std::filesystem::create_symlink(outside.path(), dir / "bin");
    CHECK(!opened->unpack(dir.fd()));
    CHECK(std::filesystem::is_empty(outside.path()));
    std::filesystem::remove(dir / "bin");
    std::filesystem::create_directory(dir / "bin");
    std::filesystem::create_symlink(outside / "new", dir / "bin/run");
    CHECK(!opened->unpack(dir.fd()));
    CHECK(std::filesystem::is_empty(outside.path()));
  }
  umask(old);
}

TEST_CASE("a source that fails is an io error, not an untrusted zip") {
  class Failing final : public ByteSource {
   public:
    Failing(std::string bytes, int reads) : bytes_(std::move(bytes)), left_(reads) {}
    std::uint64_t size() const override { return bytes_.size(); }
    Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t n) const override {
      if (left_-- <= 0) return io_error("no such disk");
      return MemorySource(bytes_).read_at(offset, out, n);
    }

   private:
    std::string bytes_;
    mutable int left_;
  };
  std::vector<ZipEntry> entries;
  for (int i = 0; i < 10; ++i) entries.push_back(file(std::to_string(i), std::string(20'000, 'x')));
  const std::string zip = make_zip(entries);
  int reads = 0;
  for (bool done = false; !done; ++reads) {
    const Failing source(zip, reads);
    auto opened = ModuleZip::open(source, kModule, kVersion);
    if (!opened) {
      CHECK(opened.error().kind == ErrorKind::kIo);
      continue;
    }
    const auto hash = opened->hash();
    done = hash.has_value();
    if (!hash) CHECK(hash.error().kind == ErrorKind::kIo);
  }
  CHECK(reads > 10);
  CHECK(reads < 100);
}

TEST_CASE("case folding is Go's") {
  CHECK(fold_case("AbC-1_\xc3\x84") == fold_case("aBc-1_\xc3\xa4"));
  CHECK(fold_case("K") == "k");
  CHECK(fold_case("\xe2\x84\xaa") == "k");                    // Kelvin sign
  CHECK(fold_case("\xc5\xbf") == "s");                        // long s
  CHECK(fold_case("\xe2\x84\xab") == fold_case("\xc3\xa5"));  // Angstrom sign
  CHECK(fold_case("\xcf\x82") == fold_case("\xce\xa3"));      // final sigma
  CHECK(fold_case("\xc3\x9f") == fold_case("\xe1\xba\x9e"));  // sharp s
  CHECK(fold_case("\xc3\x9f") != fold_case("ss"));
  CHECK(fold_case("\xc4\xb0") != fold_case("i"));                         // dotted I
  CHECK(fold_case("\xf0\x90\x90\xa8") == fold_case("\xf0\x90\x90\x80"));  // Deseret
  CHECK(fold_case("\xe4\xb8\x96") == "\xe4\xb8\x96");
  CHECK(fold_case("\xff") == "\xef\xbf\xbd");
}

TEST_CASE("deep names cost no more than their length") {
  ZipNames names;
  std::string deep;
  for (int i = 0; i < 5'000; ++i) deep += "d/";
  for (int i = 0; i < 20; ++i) REQUIRE(names.add(deep + std::to_string(i), false));
  CHECK(!names.add(deep + "7", false));

  ZipNames few(10);
  CHECK(few.add("1/2/3/4/5", false));
  CHECK(few.add("1/2/3/4/6", false));
  CHECK(few.add("7/8/9/10", false));
  CHECK(zip_has(few.add("11", false).error().message, "too many"));
}
