#include "build/get_binary.h"

#include <catch2/catch.hpp>
#include <memory>

#include "support/build/fake_service.h"

using namespace gw;
using namespace gw::build;
using gw::testing::FakeService;

namespace {

// Of wasm nothing is asked of the bytes.
const Key kWasmKey{"a.b/c", "v1.0.0", "/", {"js", "wasm"}, "go1.26.8", false};

// Three services, two of which must agree, that all have `key`.
struct GetLab {
  explicit GetLab(const Key& key = kWasmKey) : wanted{{key}, "", nullptr} {
    for (const char* name : {"a.test", "b.test", "c.test"}) {
      auto fake = std::make_unique<FakeService>(name);
      fake->put(key, "good");
      fakes.push_back(fake.get());
      services.all.push_back(std::move(fake));
    }
    services.wanted = 2;
    wanted.check = [this](const Key& asked) {
      checked.push_back(format_key(asked));
      return checks;
    };
  }
  FakeService& operator[](std::size_t i) { return *fakes[i]; }
  std::string get() {
    const GetTold told{.asking = [](const Key&) {},
                       .downloading = [this](const ProvenBuild&) { downloads = true; },
                       .warn = [this](const std::string& message) { warnings.push_back(message); }};
    const auto got = get_binary(services, wanted, told);
    if (got) return got->bytes + " of " + std::to_string(got->logs);
    return std::string(error_kind_name(got.error().kind)) + " " + got.error().message;
  }
  std::vector<FakeService*> fakes;
  Services services;
  WantedBinary wanted;
  Status checks;
  std::vector<std::string> checked;
  std::vector<std::string> warnings;
  bool downloads = false;
};

std::string sum_of(const std::string& bytes) { return format_binary_sum(sha256(bytes)); }

}  // namespace

TEST_CASE("get: a binary that all holds of", "[get_binary]") {
  GetLab lab;
  CHECK(lab.get() == "good of 3");
  lab.wanted.sum = sum_of("good");
  CHECK(lab.get() == "good of 3");
  lab[2].put(kWasmKey, "evil");
  CHECK(lab.get() == "good of 2");
  CHECK(lab.warnings.size() == 1);
}

TEST_CASE("get: another sum than was asked for is refused before anybody else is asked",
          "[get_binary]") {
  GetLab lab;
  lab.wanted.sum = sum_of("other");
  CHECK(lab.get() == "untrusted " + format_key(kWasmKey) + ": the log has the sum " +
                         sum_of("good") + ", not " + sum_of("other"));
  CHECK(lab[1].asked.empty());
  CHECK_FALSE(lab.downloads);
}

TEST_CASE("get: others that agree on another record are not taken in its place", "[get_binary]") {
  GetLab lab;
  lab[0].put(kWasmKey, "evil");
  CHECK(lab.get() == "untrusted " + format_key(kWasmKey) + ": the others agree on another record");
  CHECK_FALSE(lab.downloads);
}

TEST_CASE("get: bytes that say they are something else are refused", "[get_binary]") {
  Key key = kWasmKey;
  key.target = {"linux", "amd64"};
  GetLab lab(key);
  // They are those of the record, so that the service built something else.
  CHECK(lab.get().starts_with("untrusted the binary: "));
  CHECK(lab.downloads);
}

TEST_CASE("get: who sends other bytes than it has logged is told of", "[get_binary]") {
  GetLab lab;
  lab[0].send(untrusted_error("other bytes"));
  CHECK(lab.get() == "untrusted a.test: other bytes");
  lab[0].send(not_found_error("not kept"));
  CHECK(lab.get() == "good of 3");
}

TEST_CASE("get: what may be meant is asked for in turn, and only what is not there passed over",
          "[get_binary]") {
  GetLab lab;
  Key longer = kWasmKey;
  longer.module = "a.b/c/d";
  lab.wanted.keys = {longer, kWasmKey};
  CHECK(lab.get() == "good of 3");
  CHECK(lab.checked == std::vector<std::string>{format_key(longer), format_key(kWasmKey)});
  lab[0].fail(longer, unavailable_error("no route"));
  lab.services.wanted = 3;
  CHECK(lab.get() == "unavailable no route");
  // Of none the first is told.
  lab[0].fail(longer, not_found_error("no such module"));
  lab[0].fail(kWasmKey, not_found_error("no such package"));
  CHECK(lab.get() == "not_found no such module");
}

TEST_CASE("get: a query is asked for first, and looked at before anything is built",
          "[get_binary]") {
  for (const bool go : {false, true}) {
    CAPTURE(go);
    GetLab lab;
    lab[0].mean(kWasmKey);
    Key& query = lab.wanted.keys[0];
    (go ? query.go_version : query.version) = "latest";
    CHECK(lab.get() == "good of 3");
    CHECK(lab[0].asked[0] == "resolve " + format_key(query));
    CHECK(lab.checked == std::vector<std::string>{format_key(kWasmKey)});
    // The others are asked for what it turned out to be.
    CHECK(lab[1].asked == std::vector<std::string>{"find " + format_key(kWasmKey)});
  }
  GetLab lab;
  lab.checks = usage_error("exists already");
  CHECK(lab.get() == "usage exists already");
  CHECK(lab[0].asked.empty());
}

TEST_CASE("get: a package's module is a part of its path", "[get_binary]") {
  const auto candidates = [](const std::string& path, const std::string& dir) {
    Key asked = kWasmKey;
    asked.module = path;
    asked.dir = dir;
    std::vector<std::string> out;
    for (const Key& key : candidate_keys(asked)) {
      CHECK(key.version == asked.version);
      CHECK(key.target == asked.target);
      out.push_back(key.module + " " + key.dir);
    }
    return out;
  };
  using Texts = std::vector<std::string>;
  CHECK(candidates("a.b/c/d", "/") == Texts{"a.b/c/d /", "a.b/c /d", "a.b /c/d"});
  // Who wrote MODULE@VERSION/DIR has said where it ends.
  CHECK(candidates("a.b/c", "/d") == Texts{"a.b/c /d"});
}
