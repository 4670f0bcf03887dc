#include "buildd/vulnerabilities.h"

#include <catch2/catch.hpp>
#include <thread>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::buildd;

namespace {

struct Database {
  Result<std::vector<mod::Vulnerability>> read(std::span<const mod::Component> have) {
    asked.emplace_back(have.begin(), have.end());
    if (error) return *error;
    mod::Vulnerability one;
    one.id = "GO-2026-000" + std::to_string(asked.size());
    one.affected = {{have[0].module, {{{false, ""}, {true, "v1.2.0"}}}, {}}};
    return std::vector<mod::Vulnerability>{one};
  }
  std::vector<std::vector<mod::Component>> asked;
  std::optional<Error> error;
};

}  // namespace

TEST_CASE("what the database said is kept for an hour, and used on when it says nothing more") {
  Database database;
  FakeClock clock{from_unix(1'800'000'000)};
  const Logger logger{LogLevel::kError, [](std::string_view) {}};
  Vulnerabilities known([&](auto have) { return database.read(have); }, clock, logger);
  const auto first = known.of_module("a.b/c");
  REQUIRE(first->size() == 1);
  // Whatever the version, it is among the documents; which version has it is another question.
  CHECK(database.asked[0][0].version == "v0.0.0-0");
  const std::vector<mod::Component> old = {{"a.b/c", "v1.1.0"}}, fixed = {{"a.b/c", "v1.2.0"}};
  CHECK(mod::match(*first, old, {}).size() == 1);
  CHECK(mod::match(*first, fixed, {}).empty());
  clock.advance(std::chrono::minutes(59));
  CHECK(known.of_module("a.b/c") == first);
  CHECK(database.asked.size() == 1);
  database.error = unavailable_error("down");
  clock.advance(std::chrono::minutes(2));
  CHECK(known.of_module("a.b/c") == first);
  CHECK(database.asked.size() == 2);
  // One that is down is not asked by each page.
  CHECK(known.of_module("d.e/f") == nullptr);
  CHECK(database.asked.size() == 2);
  database.error.reset();
  clock.advance(std::chrono::minutes(2));
  CHECK(known.of_module("a.b/c") != first);
  CHECK(database.asked.size() == 3);
}

TEST_CASE(
    "what is wrong with one answer says nothing about other modules, and is asked for later") {
  Database database;
  FakeClock clock{from_unix(1'800'000'000)};
  const Logger logger{LogLevel::kError, [](std::string_view) {}};
  Vulnerabilities known([&](auto have) { return database.read(have); }, clock, logger);
  database.error = untrusted_error("a document that is none");
  CHECK(known.of_module("d.e/f") == nullptr);
  CHECK(known.of_module("d.e/f") == nullptr);
  CHECK(database.asked.size() == 1);
  database.error.reset();
  CHECK(known.of_module("a.b/c") != nullptr);
  CHECK(known.of_module("d.e/f") == nullptr);
  clock.advance(std::chrono::minutes(2));
  CHECK(known.of_module("d.e/f") != nullptr);
}

TEST_CASE("who comes while another one asks does not wait") {
  FakeClock clock{from_unix(1'800'000'000)};
  const Logger logger{LogLevel::kError, [](std::string_view) {}};
  Vulnerabilities* self = nullptr;
  std::size_t inside = 1;
  Vulnerabilities known(
      [&](auto have) -> Result<std::vector<mod::Vulnerability>> {
        std::thread([&] { inside = self->of("other", have) == nullptr ? 0 : 1; }).join();
        return std::vector<mod::Vulnerability>{mod::Vulnerability{}};
      },
      clock, logger);
  self = &known;
  CHECK(known.of_module("a.b/c")->size() == 1);
  CHECK(inside == 0);
}
