// Modules on their way into the index: their names and texts packed in one place, so that a batch
// costs no allocation a module.
//
// One thread at a time. The index and the heads outlive it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/answer_text.h"
#include "dns/types.h"
#include "dnsd/module_index.h"
#include "store/types.h"

namespace gw::dnsd {

class ModuleBatch {
 public:
  // `zone_size`: octets of the zone's wire name.
  ModuleBatch(ModuleIndex& index, std::size_t zone_size, std::span<const store::HeadTime> heads);

  // A module with its summary (store::ModuleRow). It goes into the index with a later one, or with
  // flush(). One without a name in the DNS is passed over, and so is one that is newer than the
  // heads: it stays as it is until the commit that brought it is applied.
  void add(std::string_view path, std::string_view latest);
  // The name of a path alone, of the separator above it (`_.github.com`); false when it has none.
  bool add_host_of(std::string_view path);
  void flush();

 private:
  static constexpr std::size_t kItems = 512;
  static constexpr std::size_t kItemBytes = dns::kMaxName + dns::kMaxTxt;
  std::size_t encode(std::string_view path);
  char* place() { return bytes_.data() + items_.size() * kItemBytes; }
  void push(std::string_view labels, std::string_view txt);

  ModuleIndex& index_;
  const std::size_t zone_size_;
  const std::span<const store::HeadTime> heads_;
  std::string bytes_;
  std::vector<ModuleIndex::Item> items_;
};

}  // namespace gw::dnsd
