#include "buildd/provenance.h"

#include <catch2/catch.hpp>

#include "base/bytes.h"
#include "base/json.h"
#include "build/key.h"

using namespace gw;
using namespace gw::buildd;

namespace {

Built built() {
  Built out;
  out.number = 3;
  out.key = "a.b/C@v1.0.0+incompatible/cmd/x/linux-amd64-go1.26.8/";
  out.sha256 = sha256("binary");
  out.packed_sha256 = sha256("packed");
  out.made_at = from_unix(1'800'000'000);
  out.record = "a.b/C v1.0.0+incompatible /cmd/x linux amd64 go1.26.8 6 " +
               build::format_binary_sum(out.sha256) + " \n";
  return out;
}

}  // namespace

TEST_CASE("provenance: subjects, parameters and where to look", "[provenance]") {
  const std::string text = provenance_statement(built(), "https://b.example", "b.example");
  CHECK(text == provenance_statement(built(), "https://b.example", "b.example"));
  const Json json = parse_json(text).value();
  CHECK(json["_type"] == "https://in-toto.io/Statement/v1");
  CHECK(json["predicateType"] == "https://slsa.dev/provenance/v1");
  REQUIRE(json["subject"].size() == 2);
  CHECK(json["subject"][0]["name"] == "x-v1.0.0+incompatible-go1.26.8");
  CHECK(json["subject"][0]["digest"]["sha256"] == encode_hex(as_bytes(sha256("binary"))));
  CHECK(json["subject"][1]["name"] == "x-v1.0.0+incompatible-go1.26.8.gz");
  CHECK(json["subject"][1]["digest"]["sha256"] == encode_hex(as_bytes(sha256("packed"))));
  const Json& definition = json["predicate"]["buildDefinition"];
  CHECK(definition["externalParameters"]["module"] == "a.b/C");
  CHECK(definition["externalParameters"]["dir"] == "/cmd/x");
  CHECK(definition["externalParameters"]["stripped"] == false);
  CHECK(definition["resolvedDependencies"][0]["uri"] == "pkg:golang/a.b/c@v1.0.0%2Bincompatible");
  CHECK(definition["resolvedDependencies"][1]["uri"] ==
        "pkg:golang/golang.org/toolchain@v0.0.1-go1.26.8");
  const Json& run = json["predicate"]["runDetails"];
  CHECK(run["builder"]["id"] == "https://b.example");
  CHECK(run["metadata"]["finishedOn"] == "2027-01-15T08:00:00Z");
  CHECK(run["metadata"]["invocationId"].get<std::string>().starts_with(
      "https://b.example/a.b/C@v1.0.0+incompatible/cmd/x/linux-amd64-go1.26.8/0"));
}

TEST_CASE("provenance: the envelope's text", "[provenance]") {
  // The example of the DSSE specification has this form.
  CHECK(envelope_text("hello") == "DSSEv1 28 application/vnd.in-toto+json 5 hello");
  CHECK(is_envelope_text(envelope_text("hello")));
  CHECK(is_envelope_text(envelope_text("")));
  for (const std::string& bad :
       {std::string(), envelope_text("hello") + "x", std::string("DSSEv1 3 a/b 5 hello"),
        std::string("DSSEv1 28 application/vnd.in-toto+json 05 hello"),
        std::string("go.sum database tree\n1\nx\n")}) {
    CHECK_FALSE(is_envelope_text(bad));
  }
  const auto key = tlog::SignerKey::from_seed("b.example", std::string(32, 'b')).value();
  const Json json = parse_json(format_envelope("{}", key.verifier(), "signature")).value();
  CHECK(json["payloadType"] == "application/vnd.in-toto+json");
  CHECK(json["payload"] == "e30=");
  REQUIRE(json["signatures"].size() == 1);
  CHECK(json["signatures"][0]["keyid"] == key.verifier().format());
  CHECK(json["signatures"][0]["sig"] == encode_base64("signature"));
}

TEST_CASE("provenance: the modules of a binary", "[provenance]") {
  mod::BuildInfo info;
  info.deps.push_back({{"golang.org/x/sys", "v0.21.0", "h1:abc="}, std::nullopt});
  info.deps.push_back({{"a.b/old", "v1.0.0", ""}, mod::BuildInfo::Module{"a.b/new", "v1.1.0", ""}});
  const Json json = parse_json(module_list(built(), &info)).value();
  CHECK(json["bomFormat"] == "CycloneDX");
  CHECK(json["specVersion"] == "1.5");
  CHECK(json["metadata"]["component"]["name"] == "a.b/C/cmd/x");
  REQUIRE(json["components"].size() == 3);
  CHECK(json["components"][0]["purl"] == "pkg:golang/golang.org/x/sys@v0.21.0");
  CHECK(json["components"][0]["properties"][0]["value"] == "h1:abc=");
  CHECK(json["components"][1]["name"] == "a.b/new");
  CHECK(json["components"][2]["name"] == "std");
  CHECK(json["dependencies"][0]["dependsOn"].size() == 3);
  // A binary that says nothing.
  CHECK(parse_json(module_list(built(), nullptr)).value()["components"].size() == 1);
}
