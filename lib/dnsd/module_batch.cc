#include "dnsd/module_batch.h"

#include "dns/module_name.h"
#include "dnsd/module_text.h"
#include "module/goversion.h"

namespace gw::dnsd {

ModuleBatch::ModuleBatch(ModuleIndex& index, std::size_t zone_size,
                         std::span<const store::HeadTime> heads)
    : index_(index), zone_size_(zone_size), heads_(heads) {
  bytes_.resize(kItems * kItemBytes);
  items_.reserve(kItems);
}

std::size_t ModuleBatch::encode(std::string_view path) {
  return dns::encode_module_labels(path, zone_size_,
                                   std::span<char, dns::kMaxName>(place(), dns::kMaxName));
}

void ModuleBatch::add(std::string_view path, std::string_view latest) {
  const std::size_t labels = encode(path);
  if (labels == 0) return;
  char* txt = place() + dns::kMaxName;
  std::size_t size = 0;
  if (path != mod::kToolchainModule &&
      !format_module_text(latest, heads_, std::span<char, dns::kMaxTxt>(txt, dns::kMaxTxt), size)) {
    return;
  }
  push({place(), labels}, {txt, size});
}

bool ModuleBatch::add_host_of(std::string_view path) {
  std::string_view labels(place(), encode(path));
  if (labels.empty()) return false;
  constexpr std::string_view kSeparatorLabel("\1_", 2);
  while (!labels.starts_with(kSeparatorLabel)) {
    labels.remove_prefix(1U + static_cast<std::uint8_t>(labels[0]));
  }
  push(labels, {});
  return true;
}

void ModuleBatch::push(std::string_view labels, std::string_view txt) {
  items_.push_back({labels, txt});
  if (items_.size() == kItems) flush();
}

void ModuleBatch::flush() {
  index_.set(items_);
  items_.clear();
}

}  // namespace gw::dnsd
