#include "dnsd/module_index.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <thread>

#include "base/text.h"
#include "support/dnsd/reader_section.h"

namespace gw::dnsd {
namespace {

std::string labels(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (std::string_view p : parts) {
    out.push_back(static_cast<char>(p.size()));
    out.append(p);
  }
  return out;
}

std::string text_of(ModuleIndex::Found found) {
  return found.rdatas.empty() ? "" : std::string(found.rdatas.substr(3));
}

std::uint64_t set(ModuleIndex& index, const std::string& name, std::string_view txt) {
  const ModuleIndex::Item item{name, txt};
  return index.set({&item, 1});
}

TEST_CASE("a name, its ancestors, and nothing else") {
  Epochs epochs;
  ModuleIndex index(epochs);
  const std::string mox = labels({"mox", "mjl_2d", "_", "github", "com"});
  CHECK(set(index, mox, "v=v0.0.15 t=6802a84d") == 1);
  CHECK(index.stats().names == 5);
  CHECK(index.stats().answers == 1);
  const auto found = index.find(mox);
  REQUIRE(found.exists);
  // RDLENGTH, the string's length, the string.
  CHECK(found.rdatas == std::string("\0\x15\x14", 3) + "v=v0.0.15 t=6802a84d");
  for (const std::string& above :
       {labels({"mjl_2d", "_", "github", "com"}), labels({"_", "github", "com"}),
        labels({"github", "com"}), labels({"com"})}) {
    CHECK(index.find(above).exists);
    CHECK(index.find(above).rdatas.empty());
  }
  for (const std::string& missing :
       {labels({"mo"}), labels({"moxx", "mjl_2d", "_", "github", "com"}),
        labels({"a", "mox", "mjl_2d", "_", "github", "com"}), labels({"mox"}),
        labels({"mjl_2d", "_", "github"}), labels({"org"})}) {
    CHECK_FALSE(index.find(missing).exists);
  }
}

TEST_CASE("answers change, appear and go; the name stays") {
  Epochs epochs;
  ModuleIndex index(epochs);
  const std::string parent = labels({"b", "_", "h"});
  const std::string child = labels({"c", "b", "_", "h"});
  set(index, child, "1");
  CHECK(set(index, parent, "") == 0);  // was there as an ancestor
  CHECK(set(index, parent, "2") == 1);
  CHECK(text_of(index.find(parent)) == "2");
  CHECK(set(index, parent, "2") == 0);
  CHECK(set(index, parent, "33") == 1);
  CHECK(text_of(index.find(parent)) == "33");
  CHECK(index.stats().answers == 2);
  CHECK(set(index, parent, "") == 1);
  CHECK(index.find(parent).exists);
  CHECK(index.find(parent).rdatas.empty());
  CHECK(index.stats().answers == 1);
  CHECK(text_of(index.find(child)) == "1");
  CHECK(set(index, child, std::string(255, 'x')) == 1);
  CHECK(text_of(index.find(child)) == std::string(255, 'x'));
}

TEST_CASE("memory of replaced answers is used again") {
  Epochs epochs;
  ModuleIndex index(epochs);
  const std::string name = labels({"x", "_", "h"});
  for (int i = 0; i < 200'000; ++i) set(index, name, "t" + std::to_string(1'000'000 + i));
  CHECK(index.stats().bytes < (std::size_t{4} << 20));
}

TEST_CASE("against a map, while the table grows") {
  Epochs epochs;
  ModuleIndex index(epochs);
  std::map<std::string, std::string> model;
  std::set<std::string> names;
  std::vector<std::string> keys;
  std::vector<std::string> texts;
  std::uint64_t state = 1;
  auto next = [&](std::uint64_t n) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % n;
  };
  for (int i = 0; i < 40'000; ++i) {
    keys.push_back(labels({std::to_string(next(100)), std::to_string(next(3000)), "_",
                           std::to_string(next(50)), "com"}));
    texts.push_back(next(5) == 0 ? "" : std::to_string(next(1000)));
  }
  std::vector<ModuleIndex::Item> items;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    items.push_back({keys[i], texts[i]});
    model[keys[i]] = texts[i];
    for (std::string_view n = keys[i]; !n.empty();
         n.remove_prefix(1 + static_cast<unsigned char>(n[0]))) {
      names.emplace(n);
    }
  }
  index.set(items);
  CHECK(index.stats().names == names.size());
  std::size_t answers = 0;
  for (const auto& [name, text] : model) {
    auto found = index.find(name);
    REQUIRE(found.exists);
    REQUIRE(text_of(found) == text);
    answers += text.empty() ? 0 : 1;
  }
  CHECK(index.stats().answers == answers);
  for (const std::string& name : names) REQUIRE(index.find(name).exists);
  for (int i = 0; i < 10'000; ++i) {
    const std::string other = labels({"m" + std::to_string(i), "com"});
    REQUIRE_FALSE(index.find(other).exists);
  }
}

TEST_CASE("readers see whole answers while the writer changes them") {
  Epochs epochs;
  ModuleIndex index(epochs);
  constexpr int kNames = 64;
  std::vector<std::string> names;
  for (int i = 0; i < kNames; ++i) {
    names.push_back(labels({"m" + std::to_string(i), "o", "_", "h"}));
    set(index, names.back(), "aaaaaaaa");
  }
  std::atomic<bool> done{false};
  std::atomic<int> bad{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      Epochs::Reader reader(epochs);
      while (!done.load()) {
        ReaderSection section(reader);
        for (const std::string& name : names) {
          const auto found = index.find(name);
          const std::string text = text_of(found);
          // One letter, repeated as often as it says.
          if (!found.exists || text.size() < 8 || text.find_first_not_of(text[0]) != text.npos ||
              text.size() != static_cast<std::size_t>(8 + text[0] - 'a')) {
            ++bad;
          }
        }
      }
    });
  }
  for (int i = 0; i < 20'000; ++i) {
    const char c = static_cast<char>('a' + i % 26);
    set(index, names[static_cast<std::size_t>(i % kNames)],
        std::string(static_cast<std::size_t>(8 + c - 'a'), c));
    // New names make the table grow meanwhile.
    set(index, labels({"n" + std::to_string(i), "_", "g"}), "x");
  }
  done = true;
  for (auto& t : readers) t.join();
  CHECK(bad == 0);
}

TEST_CASE("what a reader may see is not freed") {
  Epochs epochs;
  Epochs::Reader reader(epochs);
  int freed = 0;
  reader.enter();
  epochs.retire([&] { ++freed; });
  epochs.collect();
  CHECK(freed == 0);
  reader.leave();
  reader.enter();  // entered after it was retired
  epochs.collect();
  CHECK(freed == 1);
  epochs.retire([&] { ++freed; });
  {
    Epochs::Reader other(epochs);
    ReaderSection section(other);
    reader.leave();
    epochs.collect();
    CHECK(freed == 2);
  }
  epochs.retire([&] { ++freed; });
  epochs.collect();
  CHECK(freed == 3);
}

}  // namespace
}  // namespace gw::dnsd
