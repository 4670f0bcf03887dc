#include "dnsd/served_zone.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "dns/presentation.h"
#include "dns/static_zone.h"
#include "support/dnsd/temp_dir.h"

namespace gw::dnsd {
namespace {

const std::string kZoneOrigin = *dns::parse_lower_name("example.org");

// A zone of no content, whose key is all there is to it.
class Bare final : public ServedZone, private dns::Zone {
 public:
  Bare(Epochs& epochs, SigningContext& signing, const Logger& log, const std::string& key_file)
      : ServedZone(epochs, signing, log, kZoneOrigin, key_file) {}

  const dns::Zone& zone() const override { return *this; }
  Status start(const std::string&) override {
    GW_TRY([[maybe_unused]] const bool waits, key_.load());
    return {};
  }
  Status publish() override {
    key_.adopt(epochs_);
    return {};
  }
  void poll() override {}
  void reload() override {
    const auto before = key();
    (void)key_.load();
    (void)publish();
    log_reloaded(*before);
  }
  std::string health() const override { return ""; }
  Json status() const override { return common_status(); }
  std::vector<std::string> watched_files() const override { return {}; }

 private:
  dns::NameView origin() const override { return kZoneOrigin; }
  const dns::ZoneContent* content() const override { return nullptr; }
};

TEST_CASE("every zone tells its key, and when it is another one") {
  const TempDir dir;
  const std::string file = dir.file("key");
  std::vector<std::string> lines;
  const Logger log(LogLevel::kInfo, [&](std::string_view line) { lines.emplace_back(line); });
  SigningContext signing({.cache_bytes = 1 << 20});
  Epochs epochs;
  REQUIRE(ZoneKey::create(kZoneOrigin, 15, file, from_unix(1)));
  Bare zone(epochs, signing, log, file);
  REQUIRE(zone.start(""));
  const Json status = zone.status();
  CHECK(status["name"] == "example.org.");
  CHECK(status["key"]["tag"] == zone.key()->tag());
  CHECK(status["key"]["algorithm"] == 15);
  CHECK(status["key"]["ds"] == zone.key()->ds_text());
  CHECK(status["signature_life_seconds"] == kSignatureLife);

  zone.reload();
  const auto first = zone.key();
  std::filesystem::remove(file);
  std::filesystem::remove(public_key_file(file));
  REQUIRE(ZoneKey::create(kZoneOrigin, 15, file, from_unix(1)));
  zone.reload();
  CHECK(zone.key()->identity() != first->identity());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("event=reloaded zone=example.org") != std::string::npos);
  CHECK(lines[0].find("changed=0") != std::string::npos);
  CHECK(lines[1].find("changed=1") != std::string::npos);
}

}  // namespace
}  // namespace gw::dnsd
