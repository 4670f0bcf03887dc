// A synthetic log of any length with the skew of a real one, the same for the same seed.
//
// Modules: with probability 1/16 (or what the constructor is told) a record is a new module's
// first, else it belongs to the module of a record drawn uniformly from all before (Simon's
// process): the number of versions of a module follows a power law with exponent 2.07, 16 on
// average, thousands at the top, and the modules of neighbouring records have nothing in common,
// which is the worst case for a database's locality. Paths are 20 to 60 bytes, four of five on
// github.com. Two fifths of the modules have only pseudo-versions; the others release in ascending
// order with a prerelease now and then; one in fifty is +incompatible. (The replica in tests/data,
// made from go.sum files, has 7 versions a module, paths of 30 bytes, and pseudo-versions for a
// fifth of its records.)
//
// Costs a microsecond a record and five bytes of memory. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "tlog/go_log.h"

namespace gw::testing {

class SyntheticLog {
 public:
  explicit SyntheticLog(std::uint64_t seed, std::uint64_t records_a_module = 16)
      : every_(records_a_module), state_(seed * 2 + 1) {}

  // The next record's text.
  std::string next() {
    std::uint32_t module = 0;
    if (owner_.empty() || random() % every_ == 0) {
      module = static_cast<std::uint32_t>(versions_.size());
      versions_.push_back(0);
    } else {
      module = owner_[random() % owner_.size()];
    }
    owner_.push_back(module);
    const std::string path = path_of(module);
    const std::string version = version_of(module, ++versions_[module]);
    const Hash zip = sum(owner_.size() * 2);
    const Hash gomod = sum(owner_.size() * 2 + 1);
    return tlog::format_go_record({path, version, tlog::format_sum(zip), tlog::format_sum(gomod)});
  }

 private:
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
  }
  std::uint64_t random() { return mix(state_ += 0x9e3779b97f4a7c15U); }
  static Hash sum(std::uint64_t n) {
    Hash out;
    for (std::size_t i = 0; i < out.size(); i += 8) {
      const std::uint64_t word = mix(n * 5 + i);
      for (std::size_t k = 0; k < 8; ++k) out[i + k] = static_cast<std::uint8_t>(word >> 8 * k);
    }
    return out;
  }
  static std::string word(std::uint64_t n, std::size_t size) {
    std::string out;
    for (std::size_t i = 0; i < size; ++i, n /= 26) out.push_back(static_cast<char>('a' + n % 26));
    return out;
  }
  static std::string path_of(std::uint64_t module) {
    const std::uint64_t h = mix(module + 1);
    std::string path = h % 5 != 0 ? "github.com" : word(h >> 40, 6) + ".example.org";
    path +=
        "/" + word(h >> 3, 4 + h % 7) + "/" + word(h >> 17, 3 + h % 11) + std::to_string(module);
    if (h % 3 == 0) path += "/" + word(h >> 29, 5 + h % 9);
    return path;
  }
  static std::string version_of(std::uint64_t module, std::uint32_t n) {
    const std::uint64_t h = mix(module + 77);
    if (h % 5 < 2) {
      // A commit every ten hours from 2018 on, as a real time or not: the form is what counts.
      const std::uint64_t t = h % 50000 + n * 10UL;
      std::array<char, 64> text;
      std::snprintf(text.data(), text.size(), "v0.0.0-20%02u%02u%02u%02u0000-%012llx",
                    static_cast<unsigned>(18 + t / 8064 % 80),
                    static_cast<unsigned>(t / 672 % 12 + 1), static_cast<unsigned>(t / 24 % 28 + 1),
                    static_cast<unsigned>(t % 24),
                    static_cast<unsigned long long>(mix(module * 7919 + n) >> 16));
      return text.data();
    }
    std::string v = "v" + std::to_string(h % 50 == 7 ? 2 : h % 2) + "." + std::to_string(n / 8) +
                    "." + std::to_string(n % 8);
    if (h % 50 != 7 && n % 20 == 19) v += "-rc.1";
    if (h % 50 == 7) v += "+incompatible";
    return v;
  }

  std::uint64_t every_;
  std::uint64_t state_;
  std::vector<std::uint32_t> owner_;     // module of each record
  std::vector<std::uint32_t> versions_;  // of each module, so far
};

}  // namespace gw::testing
