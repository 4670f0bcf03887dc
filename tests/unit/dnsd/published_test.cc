#include "dnsd/published.h"

#include <catch2/catch.hpp>

using namespace gw::dnsd;

namespace {

struct Counted {
  explicit Counted(int& alive) : alive_(alive) { ++alive_; }
  ~Counted() { --alive_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& alive_;
};

}  // namespace

TEST_CASE("what was published lives until no reader can hold it") {
  Epochs epochs;
  int alive = 0;
  {
    Published<const Counted> published(epochs);
    CHECK(published.get() == nullptr);
    published.publish(nullptr);
    published.publish(std::make_unique<const Counted>(alive));
    Epochs::Reader reader(epochs);
    reader.enter();
    const Counted* first = published.get();
    REQUIRE(first != nullptr);
    published.publish(std::make_unique<const Counted>(alive));
    CHECK(published.get() != first);
    epochs.collect();
    CHECK(alive == 2);
    reader.leave();
    epochs.collect();
    CHECK(alive == 1);
    published.publish(nullptr);
    CHECK(published.get() == nullptr);
    epochs.collect();
    CHECK(alive == 0);
    published.publish(std::make_unique<const Counted>(alive));
  }
  CHECK(alive == 0);
}
