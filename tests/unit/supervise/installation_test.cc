#include "supervise/installation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "supervise/binary_identity.h"
#include "support/module/program_builder.h"
#include "support/temp_dir.h"

using namespace gw;
using namespace gw::supervise;
namespace fs = std::filesystem;

namespace {

build::Key key(const std::string& version = "v0.1.1") {
  return {"example.org/svc", version, "/", {"linux", "amd64"}, "go1.26.8", true};
}

// A program that says so of itself.
std::string program(const build::Key& k) {
  test::Program p;
  p.version = k.go_version;
  p.modules =
      test::framed("path\t" + k.package() + "\nmod\t" + k.module + "\t" + k.version +
                   "\th1:x=\nbuild\tCGO_ENABLED=0\nbuild\tGOARCH=amd64\nbuild\tGOOS=linux\n");
  return test::make_elf(p);
}

std::string sum(const std::string& bytes) { return build::format_binary_sum(sha256(bytes)); }

void write(const std::string& path, const std::string& bytes, mode_t mode = 0755) {
  std::ofstream(path, std::ios::binary) << bytes;
  ::chmod(path.c_str(), mode);
}

std::string read(const std::string& path) { return *os::read_file(path, 1U << 20U); }

std::vector<std::string> names(const std::string& directory) {
  std::vector<std::string> out;
  for (const auto& entry : fs::directory_iterator(directory)) {
    out.push_back(entry.path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::string> receive(const Installation& installation, const build::Key& k,
                            const std::string& bytes) {
  auto incoming = installation.receive(k, bytes.size(), sum(bytes));
  if (!incoming) return std::move(incoming).error();
  GW_CHECK((*incoming)->write(bytes));
  return (*incoming)->finish();
}

}  // namespace

TEST_CASE("names of binaries", "[installation]") {
  build::Key k = key();
  CHECK(file_name(k) == "svc-v0.1.1-go1.26.8-stripped");
  k.stripped = false;
  k.dir = "/cmd/other";
  CHECK(file_name(k) == "other-v0.1.1-go1.26.8");
  k.dir = "/";
  k.module = "example.org/svc/v2";
  k.version = "v2.0.0";
  CHECK(file_name(k) == "svc-v2.0.0-go1.26.8");
  k.dir = "/cmd/v3";
  CHECK(file_name(k) == "cmd-v2.0.0-go1.26.8");
}

TEST_CASE("a plain file becomes a link to the new one", "[installation]") {
  const testing::TempDir temp;
  write(temp.file("svc"), program(key("v0.1.0")), 0750);
  auto installation = Installation::find(temp.file("svc"));
  REQUIRE(installation);
  CHECK(installation->current() == "svc");
  CHECK(installation->why_fixed().empty());
  const std::string fresh = program(key());
  const auto name = receive(*installation, key(), fresh);
  REQUIRE(name);
  CHECK(*name == "svc-v0.1.1-go1.26.8-stripped");
  CHECK(names(temp.path()) == std::vector<std::string>{"svc", *name});
  struct stat info {};
  REQUIRE(::stat(temp.file(*name).c_str(), &info) == 0);
  CHECK((info.st_mode & 07777U) == 0750U);
  const std::string kept = installation->kept_name(key("v0.1.0"));
  CHECK(kept == "svc-v0.1.0-go1.26.8-stripped");
  REQUIRE(installation->switch_to(*name, kept));
  CHECK(fs::read_symlink(temp.file("svc")) == *name);
  CHECK(read(temp.file(kept)) == program(key("v0.1.0")));
  CHECK(read(temp.file("svc")) == fresh);
  CHECK(names(temp.path()).size() == 3);
  // and back
  CHECK(installation->kept_name(key()) == *name);
  REQUIRE(installation->switch_to(kept, *name));
  CHECK(fs::read_symlink(temp.file("svc")) == kept);
  CHECK(installation->remove(kept));  // what runs is never removed
  CHECK(installation->has(kept));
  CHECK(installation->remove(*name));
  CHECK_FALSE(installation->has(*name));
  CHECK(installation->remove(*name));
}

TEST_CASE("a switch that is made ready, given up, and made", "[installation]") {
  const testing::TempDir temp;
  write(temp.file("svc-1"), "x");
  write(temp.file("svc-2"), "y");
  write(temp.file("svc-3"), "z");
  fs::create_symlink("svc-1", temp.file("svc"));
  auto installation = Installation::find(temp.file("svc"));
  REQUIRE(installation);
  const auto before = names(temp.path());
  REQUIRE(installation->prepare("svc-2", "svc-1"));
  CHECK(names(temp.path()).size() == before.size() + 1);
  CHECK(fs::read_symlink(temp.file("svc")) == "svc-1");
  installation->discard();
  installation->discard();
  CHECK(names(temp.path()) == before);
  // another one takes its place, and a switch elsewhere does not take what was prepared
  REQUIRE(installation->prepare("svc-2", "svc-1"));
  REQUIRE(installation->prepare("svc-3", "svc-1"));
  REQUIRE(installation->switch_to("svc-2", "svc-1"));
  CHECK(fs::read_symlink(temp.file("svc")) == "svc-2");
  REQUIRE(installation->prepare("svc-3", "svc-2"));
  REQUIRE(installation->switch_to("svc-3", "svc-2"));
  CHECK(fs::read_symlink(temp.file("svc")) == "svc-3");
  CHECK(names(temp.path()) == before);
}

TEST_CASE("a plain file that has the name already", "[installation]") {
  const testing::TempDir temp;
  const std::string name = "svc-v0.1.0-go1.26.8-stripped";
  write(temp.file(name), program(key("v0.1.0")));
  fs::create_directory(temp.file("bin"));
  fs::create_symlink("../" + name, temp.file("bin/svc"));
  auto installation = Installation::find(temp.file("bin/svc"));
  REQUIRE(installation);
  const auto fresh = receive(*installation, key(), program(key()));
  REQUIRE(fresh);
  const std::string kept = installation->kept_name(key("v0.1.0"));
  CHECK(kept == name + ".old");
  REQUIRE(installation->switch_to(*fresh, kept));
  CHECK(read(temp.file("bin/svc")) == program(key()));
  CHECK(read(temp.file(kept)) == program(key("v0.1.0")));
}

TEST_CASE("chains of links", "[installation]") {
  const testing::TempDir temp;
  fs::create_directory(temp.file("a"));
  fs::create_directory(temp.file("b"));
  write(temp.file("b/svc-1"), "x");
  fs::create_symlink("svc-1", temp.file("b/svc"));
  fs::create_symlink(temp.file("b/svc"), temp.file("a/one"));
  fs::create_symlink("one", temp.file("a/two"));
  auto installation = Installation::find(temp.file("a/two"));
  REQUIRE(installation);
  CHECK(installation->current() == "svc-1");
  CHECK(installation->directory() == temp.file("b"));
  write(temp.file("b/svc-2"), "y");
  REQUIRE(installation->switch_to("svc-2", "svc-1"));
  CHECK(fs::read_symlink(temp.file("b/svc")) == "svc-2");
  CHECK(fs::read_symlink(temp.file("a/two")) == "one");
  CHECK(read(temp.file("a/two")) == "y");
  fs::create_symlink("loop", temp.file("loop"));
  fs::create_symlink("gone", temp.file("dangling"));
  CHECK(Installation::find(temp.file("loop")).error().kind == ErrorKind::kUsage);
  CHECK(Installation::find(temp.file("dangling")).error().kind == ErrorKind::kNotFound);
  CHECK(Installation::find(temp.file("none")).error().kind == ErrorKind::kNotFound);
  CHECK(Installation::find(temp.path()).error().kind == ErrorKind::kUsage);
  CHECK(Installation::find("svc").error().kind == ErrorKind::kUsage);
}

TEST_CASE("what does not come in", "[installation]") {
  const testing::TempDir temp;
  write(temp.file("svc"), program(key("v0.1.0")));
  const auto installation = *Installation::find(temp.file("svc"));
  const std::string good = program(key());
  const auto refused = [&](const std::function<Status(Incoming&)>& feed, const build::Key& k) {
    auto incoming = *installation.receive(k, good.size(), sum(good));
    Status status = feed(*incoming);
    if (status) {
      auto finished = incoming->finish();
      REQUIRE_FALSE(finished);
      status = std::move(finished).error();
    }
    CHECK(status.error().kind == ErrorKind::kUntrusted);
    incoming.reset();
    CHECK(names(temp.path()) == std::vector<std::string>{"svc"});
  };
  refused([&](Incoming& in) { return in.write(good + "x"); }, key());
  refused([&](Incoming& in) { return in.write(good.substr(1)); }, key());
  std::string altered = good;
  altered.back() = static_cast<char>(altered.back() ^ 1);
  refused([&](Incoming& in) { return in.write(altered); }, key());
  // what the record says, but the program does not: another module, version, package, toolchain
  for (int i = 0; i < 5; ++i) {
    build::Key other = key();
    if (i == 0) other.module = "example.org/other";
    if (i == 1) other.version = "v0.1.2";
    if (i == 2) other.dir = "/cmd/x";
    if (i == 3) other.go_version = "go1.26.9";
    if (i == 4) other.target.goarch = "arm64";
    INFO(i);
    refused([&](Incoming& in) { return in.write(good); }, other);
  }
  // more than the disk has
  const auto full = installation.receive(key(), std::uint64_t{1} << 55, "0x");
  REQUIRE_FALSE(full);
  CHECK(full.error().kind == ErrorKind::kIo);
}

TEST_CASE("names that are taken", "[installation]") {
  const testing::TempDir temp;
  write(temp.file("svc"), program(key("v0.1.0")));
  const auto installation = *Installation::find(temp.file("svc"));
  const std::string name = file_name(key());
  write(temp.file(name), "somebody else's");
  CHECK(*receive(installation, key(), program(key())) == name + ".2");
  CHECK(read(temp.file(name)) == "somebody else's");
  CHECK(*receive(installation, key(), program(key())) == name + ".2");  // there already
  CHECK(names(temp.path()).size() == 3);
}

TEST_CASE("leftovers of a crash", "[installation]") {
  const testing::TempDir temp;
  write(temp.file("svc"), "x");
  fs::create_symlink("svc-2", temp.file(".new-0123456789abcdef"));
  fs::create_symlink("other-2", temp.file(".new-fedcba9876543210"));
  const auto installation = *Installation::find(temp.file("svc"));
  REQUIRE(installation.sweep({"svc-1", "svc-2"}));
  CHECK(names(temp.path()) == std::vector<std::string>{".new-fedcba9876543210", "svc"});
}

TEST_CASE("what a program is", "[identity]") {
  mod::BuildInfo info;
  info.go_version = "go1.26.8";
  info.path = "example.org/svc/cmd/x";
  info.main = mod::BuildInfo::Used{{"example.org/svc", "v0.1.0", "h1:x="}, {}};
  info.settings = {{"CGO_ENABLED", "0"}, {"GOARCH", "arm64"}, {"GOOS", "linux"}};
  const BinaryIdentity good = describe(info, true);
  CHECK(good.why_manual.empty());
  CHECK(build::format_key(good.key) ==
        "example.org/svc@v0.1.0/cmd/x/linux-arm64-go1.26.8-stripped/");
  const auto why = [&](const std::function<void(mod::BuildInfo&)>& change) {
    mod::BuildInfo other = info;
    change(other);
    return describe(other, false).why_manual;
  };
  CHECK(why([](auto& i) { i.path = "command-line-arguments"; }) ==
        "it was built from single files");
  CHECK(why([](auto& i) { i.main.reset(); }) == "it was not built from a module");
  CHECK(why([](auto& i) { i.main->module.version = "(devel)"; }) ==
        "its version is not a released one: \"(devel)\"");
  CHECK(why([](auto& i) { i.main->module.version = "v0.1.0+dirty"; }) ==
        "it was built from changed sources");
  CHECK(why([](auto& i) {
          i.main->replace = mod::BuildInfo::Module{"./x", "", ""};
        }) == "its module was replaced");
  CHECK(why([](auto& i) { i.settings[0].value = "1"; }) == "it was built with cgo");
  CHECK(why([](auto& i) {
          i.settings.push_back({"-tags", "x"});
        }) == "it was built with build tags");
  CHECK_FALSE(why([](auto& i) { i.go_version = "devel go1.27-abc"; }).empty());
}

TEST_CASE("files that are no Go programs", "[identity]") {
  const testing::TempDir temp;
  write(temp.file("sh"), "#!/bin/sh\n");
  const os::Fd fd(::open(temp.file("sh").c_str(), O_RDONLY));
  const auto identity = read_identity(fd.get());
  REQUIRE(identity);
  CHECK(identity->why_manual.starts_with("it has no build information of Go"));
  CHECK(*is_stripped(mod::MemorySource("#!/bin/sh\n")) == false);
  // no table of sections at all
  CHECK(*is_stripped(mod::MemorySource(std::string("\x7f"
                                                   "ELF\2\1\1") +
                                       std::string(57, '\0'))) == false);
}

TEST_CASE("sums that are asked for again", "[installation]") {
  const testing::TempDir temp;
  write(temp.file("svc"), "one");
  const Installation installation = *Installation::find(temp.file("svc"));
  CHECK(*installation.sum_of("svc") == sum("one"));
  CHECK(*installation.sum_of("svc") == sum("one"));
  // written to in place, and with the same length; exchanged; its times set back
  const fs::file_time_type before = fs::last_write_time(temp.file("svc"));
  std::ofstream(temp.file("svc"), std::ios::binary) << "two";
  fs::last_write_time(temp.file("svc"), before);
  CHECK(*installation.sum_of("svc") == sum("two"));
  write(temp.file("new"), "new");
  fs::rename(temp.file("new"), temp.file("svc"));
  CHECK(*installation.sum_of("svc") == sum("new"));
  fs::remove(temp.file("svc"));
  CHECK_FALSE(installation.sum_of("svc"));
}
