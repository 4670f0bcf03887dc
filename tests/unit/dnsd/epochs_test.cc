#include "dnsd/epochs.h"

#include <catch2/catch.hpp>
#include <optional>
#include <vector>

namespace gw::dnsd {
namespace {

TEST_CASE("what a reader may still see is freed when it has left, and not before") {
  Epochs epochs;
  Epochs::Reader reader(epochs);
  std::vector<int> freed;
  reader.enter();
  epochs.retire([&] { freed.push_back(1); });
  epochs.collect();
  CHECK(freed.empty());
  epochs.retire([&] { freed.push_back(2); });
  reader.leave();
  epochs.collect();
  CHECK(freed == std::vector<int>{1, 2});
  epochs.collect();
  CHECK(freed.size() == 2);
}

TEST_CASE("a reader that entered afterwards holds nothing up, one that is still there does") {
  Epochs epochs;
  Epochs::Reader early(epochs);
  Epochs::Reader late(epochs);
  int freed = 0;
  early.enter();
  epochs.retire([&] { ++freed; });
  late.enter();
  epochs.collect();
  CHECK(freed == 0);
  early.leave();
  epochs.collect();
  CHECK(freed == 1);
  late.leave();
}

TEST_CASE("only what was retired after a reader entered waits for it") {
  Epochs epochs;
  Epochs::Reader reader(epochs);
  std::vector<int> freed;
  epochs.retire([&] { freed.push_back(1); });
  reader.enter();
  epochs.retire([&] { freed.push_back(2); });
  epochs.collect();
  CHECK(freed == std::vector<int>{1});
  reader.enter();  // the next batch, as a worker's
  epochs.collect();
  CHECK(freed == std::vector<int>{1, 2});
}

TEST_CASE("a reader that is gone holds nothing up, and its place is used again") {
  Epochs epochs;
  int freed = 0;
  for (unsigned i = 0; i < 3 * Epochs::kMaxReaders; ++i) {
    std::optional<Epochs::Reader> reader(std::in_place, epochs);
    reader->enter();
    epochs.retire([&] { ++freed; });
    reader.reset();
    epochs.collect();
  }
  CHECK(freed == 3 * Epochs::kMaxReaders);
}

TEST_CASE("what is retired while something is freed waits its turn") {
  Epochs epochs;
  std::vector<int> freed;
  epochs.retire([&] {
    freed.push_back(1);
    epochs.retire([&] { freed.push_back(2); });
  });
  epochs.collect();
  CHECK(freed == std::vector<int>{1});
  epochs.collect();
  CHECK(freed == std::vector<int>{1, 2});
}

TEST_CASE("the end frees what was left") {
  int freed = 0;
  {
    Epochs epochs;
    epochs.retire([&] { ++freed; });
  }
  CHECK(freed == 1);
}

}  // namespace
}  // namespace gw::dnsd
