#include "build/private_modules.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/build/modules.h"

using namespace gw;
using namespace gw::build;
using namespace gw::testing;
using Kind = mod::ProxyRequest::Kind;

namespace {

const PrivateRules kRules{.modules = "corp.example,*.corp.example/x",
                          .first_seen = "corp.example/f"};

// A public proxy and log, and private ones, each with what the others must not have.
struct PrivateLab {
  explicit PrivateLab(bool private_proxy = true, bool private_log = true)
      : proxies(kRules, open.proxy, private_proxy ? &closed.proxy : nullptr),
        first_seen(seen.path(), proxies),
        sums(kRules, {*open.sums, private_log ? closed.sums.get() : nullptr, "sum.corp.example",
                      first_seen}),
        store(store_dir.path(), proxies, sums, nullptr) {
    open.add("a.b/open", "v1.0.0", {{"a.go", "package a\n"}});
    closed.add("corp.example/p", "v1.0.0", {{"a.go", "package p\n"}});
    closed.add("corp.example/f", "v1.0.0", {{"a.go", "package f\n"}});
  }
  // What was said to the public ones.
  bool leaked() const {
    for (const std::string& path : open.proxy.asked) {
      if (path.find("corp.example") != std::string::npos) return true;
    }
    for (const std::string& path : open.log.fetched) {
      if (path.find("corp.example") != std::string::npos) return true;
    }
    return false;
  }
  Modules open, closed;
  TempDir seen, store_dir;
  PrivateProxies proxies;
  FirstSeenSums first_seen;
  PrivateSums sums;
  ModuleStore store;
};

bool is_refusal(const Error& error) {
  return dynamic_cast<const PrivateRefusal*>(error.detail.get()) != nullptr;
}

}  // namespace

TEST_CASE("a toolchain is never private, whatever the patterns say") {
  const PrivateRules all{.modules = "*,golang.org/*", .first_seen = "*"};
  CHECK(all.is_private("golang.org/x"));
  CHECK_FALSE(all.is_private("golang.org/toolchain"));
  CHECK_FALSE(all.is_first_seen("golang.org/toolchain"));
  // What is not private is what the public log says.
  CHECK_FALSE(PrivateRules{.first_seen = "*"}.is_first_seen("a.b/c"));
  CHECK(kRules.is_private("git.corp.example/x/y"));
  CHECK_FALSE(kRules.is_private("git.corp.example/z"));
}

TEST_CASE("nobody outside hears of a private module, and its own log says what it is") {
  PrivateLab lab;
  CHECK(lab.store.zip("a.b/open", "v1.0.0"));
  CHECK(lab.store.gomod("corp.example/p", "v1.0.0"));
  CHECK(lab.store.zip("corp.example/p", "v1.0.0"));
  CHECK(lab.store.list("corp.example/p").value() == "v1.0.0\n");
  CHECK(lab.store.list("corp.example/none").error().kind == ErrorKind::kNotFound);
  CHECK_FALSE(lab.leaked());
  // Nor do the private ones hear of others.
  CHECK(lab.store.info("a.b/open", "v1.0.0"));
  for (const std::string& path : lab.closed.proxy.asked) CHECK(path.starts_with("corp.example/"));
  CHECK(lab.sums.remark("a.b/open").text.empty());
  CHECK(lab.sums.remark("corp.example/p") ==
        SumRemark{"private, in the checksum database sum.corp.example", true});
  CHECK_FALSE(lab.sums.remark("corp.example/f").vouched);
}

TEST_CASE("a private module is not what another zip says") {
  PrivateLab lab;
  Modules other;
  other.add("corp.example/p", "v1.0.0", {{"a.go", "package evil\n"}});
  const mod::ProxyRequest zip{Kind::kZip, "corp.example/p", "v1.0.0"};
  lab.closed.put(zip, other.proxy.files[Modules::path_of(zip)]);
  const auto got = lab.store.zip("corp.example/p", "v1.0.0");
  REQUIRE(!got);
  CHECK(got.error().kind == ErrorKind::kUntrusted);
  CHECK(got.error().message.find("sum.corp.example") != std::string::npos);
}

TEST_CASE(
    "without a proxy or a database for it a private module is refused, not asked for outside") {
  PrivateLab no_log(true, false);
  for (const auto& error : {no_log.store.zip("corp.example/p", "v1.0.0").error(),
                            no_log.store.gomod("corp.example/p", "v1.0.0").error()}) {
    CHECK(error.kind == ErrorKind::kUsage);
    CHECK(is_refusal(error));
    CHECK(error.hint.find("--private-log-key") != std::string::npos);
  }
  CHECK_FALSE(no_log.leaked());
  PrivateLab no_proxy(false, true);
  const auto error = no_proxy.store.list("corp.example/p").error();
  CHECK(error.kind == ErrorKind::kUsage);
  CHECK(is_refusal(error));
  CHECK(error.hint.find("--private-proxy") != std::string::npos);
  CHECK_FALSE(no_proxy.leaked());
}

TEST_CASE("what nobody vouches for stays what it was when it was first seen") {
  PrivateLab lab(true, false);
  CHECK(lab.store.gomod("corp.example/f", "v1.0.0"));
  CHECK(lab.store.zip("corp.example/f", "v1.0.0"));
  const std::string sum = lab.sums.zip_sum("corp.example/f", "v1.0.0").value();
  CHECK(sum.starts_with("h1:"));
  CHECK_FALSE(lab.leaked());
  // Another cache, another zip: the sum is remembered, not the file.
  Modules other;
  other.add("corp.example/f", "v1.0.0", {{"a.go", "package evil\n"}});
  const mod::ProxyRequest zip{Kind::kZip, "corp.example/f", "v1.0.0"};
  lab.closed.put(zip, other.proxy.files[Modules::path_of(zip)]);
  std::filesystem::remove(lab.store_dir.file(Modules::path_of(zip)));
  const auto got = lab.store.zip("corp.example/f", "v1.0.0");
  REQUIRE(!got);
  CHECK(got.error().kind == ErrorKind::kUntrusted);
  CHECK(got.error().message.find("first seen") != std::string::npos);
  CHECK(lab.sums.zip_sum("corp.example/f", "v1.0.0").value() == sum);
  // A file of it that somebody edited is no sum.
  for (const auto& file : std::filesystem::directory_iterator(lab.seen.path())) {
    std::ofstream(file.path()) << "h1:other\nnot/the/path\n";
  }
  CHECK(lab.sums.zip_sum("corp.example/f", "v1.0.0").error().kind == ErrorKind::kCorrupt);
}

TEST_CASE("what is first seen is what is taken, asked for once") {
  PrivateLab lab(true, false);
  CHECK(lab.store.gomod("corp.example/f", "v1.0.0"));
  CHECK(lab.store.zip("corp.example/f", "v1.0.0"));
  const mod::ProxyRequest zip{Kind::kZip, "corp.example/f", "v1.0.0"};
  const auto& asked = lab.closed.proxy.asked;
  CHECK(std::count(asked.begin(), asked.end(), Modules::path_of(zip)) == 1);
  // A file that was there before anything was remembered is what was seen first: it was verified.
  const std::string sum = lab.sums.zip_sum("corp.example/f", "v1.0.0").value();
  for (const auto& file : std::filesystem::directory_iterator(lab.seen.path())) {
    std::filesystem::remove(file.path());
  }
  Modules other;
  other.add("corp.example/f", "v1.0.0", {{"a.go", "package evil\n"}});
  lab.closed.put(zip, other.proxy.files[Modules::path_of(zip)]);
  CHECK(lab.store.zip("corp.example/f", "v1.0.0"));
  CHECK(lab.sums.zip_sum("corp.example/f", "v1.0.0").value() == sum);
}

TEST_CASE("what was never there, or is no zip, is not remembered") {
  PrivateLab lab;
  CHECK(lab.sums.zip_sum("corp.example/f", "v1.9.0").error().kind == ErrorKind::kNotFound);
  lab.closed.put({Kind::kZip, "corp.example/f", "v1.0.0"}, "no zip");
  CHECK(lab.sums.zip_sum("corp.example/f", "v1.0.0").error().kind == ErrorKind::kUntrusted);
  CHECK(std::filesystem::is_empty(lab.seen.path()));
}
