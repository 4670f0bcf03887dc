#include "dnsd/module_index.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "base/crypto.h"
#include "base/table_hash.h"
#include "os/pages.h"

namespace gw::dnsd {

namespace {

// An entry: the sizes, the labels, then the RRset as it goes into answers (RDLENGTH, the length of
// the one character-string, the string), or nothing.
struct EntryHeader {
  std::uint8_t labels_size;
  std::uint8_t has_txt;
  std::uint8_t txt_size;
};
constexpr std::size_t kRdatasHeader = 3;

constexpr std::size_t kFirstSlots = 1U << 12;

EntryHeader entry_header(const char* entry) {
  EntryHeader header;
  std::memcpy(&header, entry, sizeof(header));
  return header;
}

std::string_view entry_labels(const char* entry) {
  return {entry + sizeof(EntryHeader), entry_header(entry).labels_size};
}

std::string_view entry_rdatas(const char* entry) {
  const EntryHeader header = entry_header(entry);
  if (header.has_txt == 0) return {};
  return {entry + sizeof(header) + header.labels_size, kRdatasHeader + header.txt_size};
}

// The labels without the first one; empty below v0 itself.
std::string_view parent(std::string_view labels) {
  return labels.substr(
      std::min(labels.size(), std::size_t{1} + static_cast<std::uint8_t>(labels[0])));
}

std::size_t entry_size(const char* entry) {
  return sizeof(EntryHeader) + entry_labels(entry).size() + entry_rdatas(entry).size();
}

// A slot holds the entry's address and, above it, 16 bits of the hash, so that a walk along the
// table seldom touches an entry that is not the right one. Zero is an empty slot.
static_assert(sizeof(void*) == 8);
constexpr unsigned kTagShift = 48;

std::uint64_t slot_word(const char* entry, std::uint64_t hash) {
  return reinterpret_cast<std::uint64_t>(entry) | (hash & ~((1ULL << kTagShift) - 1));
}

const char* slot_entry(std::uint64_t word) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): taken apart again
  return reinterpret_cast<const char*>(word & ((1ULL << kTagShift) - 1));
}

}  // namespace

EntryArena::~EntryArena() {
  for (char* chunk : chunks_) os::unmap_pages(chunk, kChunk);
}

char* EntryArena::allocate(std::size_t size) {
  const std::size_t n = granules(size);
  if (size > kMaxEntry) std::abort();  // names and texts have at most 255 octets
  if (!free_[n].empty()) {
    char* entry = free_[n].back();
    free_[n].pop_back();
    return entry;
  }
  if (used_ + n * kGranule > kChunk) {
    chunks_.push_back(static_cast<char*>(os::map_pages(kChunk)));
    used_ = 0;
  }
  char* entry = chunks_.back() + used_;
  used_ += n * kGranule;
  return entry;
}

void EntryArena::free(char* entry, std::size_t size) { free_[granules(size)].push_back(entry); }

struct ModuleIndex::Table {
  explicit Table(std::size_t slot_count)
      : mask(slot_count - 1),
        slots(static_cast<std::atomic<std::uint64_t>*>(os::map_pages(slot_count * 8))) {}
  ~Table() { os::unmap_pages(slots, bytes()); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  std::size_t bytes() const { return (mask + 1) * 8; }

  std::size_t mask;
  std::atomic<std::uint64_t>* slots;  // zeroed pages are empty slots
};

ModuleIndex::ModuleIndex(Epochs& epochs)
    : epochs_(epochs), table_(epochs, std::make_unique<Table>(kFirstSlots)) {
  random_bytes(hash_key_.data(), sizeof(hash_key_));
}

ModuleIndex::~ModuleIndex() {
  epochs_.collect();  // what was retired refers to this object
}

std::uint64_t ModuleIndex::hash(std::string_view labels) const {
  return table_hash(hash_key_, labels);
}

// The entry of this name, or nullptr; *slot is where it is or where it belongs.
const char* ModuleIndex::lookup(const Table& table, std::string_view labels, std::uint64_t hash,
                                std::size_t* slot) {
  for (std::size_t i = hash & table.mask;; i = (i + 1) & table.mask) {
    const std::uint64_t word = table.slots[i].load();
    *slot = i;
    if (word == 0) return nullptr;
    if (((word ^ hash) >> kTagShift) != 0) continue;
    const char* entry = slot_entry(word);
    if (entry_labels(entry) == labels) return entry;
  }
}

ModuleIndex::Found ModuleIndex::find(std::string_view labels) const {
  std::size_t slot = 0;
  const char* entry = lookup(*table_.get(), labels, hash(labels), &slot);
  if (entry == nullptr) return {};
  return {true, entry_rdatas(entry)};
}

char* ModuleIndex::make_entry(std::string_view labels, std::string_view txt) {
  if (labels.empty() || labels.size() > 255 || txt.size() > 255) std::abort();
  const std::size_t rdatas = txt.empty() ? 0 : kRdatasHeader + txt.size();
  char* entry = arena_.allocate(sizeof(EntryHeader) + labels.size() + rdatas);
  const EntryHeader header{.labels_size = static_cast<std::uint8_t>(labels.size()),
                           .has_txt = txt.empty() ? std::uint8_t{0} : std::uint8_t{1},
                           .txt_size = static_cast<std::uint8_t>(txt.size())};
  std::memcpy(entry, &header, sizeof(header));
  char* at = entry + sizeof(header);
  std::memcpy(at, labels.data(), labels.size());
  at += labels.size();
  if (!txt.empty()) {
    at[0] = static_cast<char>((txt.size() + 1) >> 8);
    at[1] = static_cast<char>(txt.size() + 1);
    at[2] = static_cast<char>(txt.size());
    std::memcpy(at + kRdatasHeader, txt.data(), txt.size());
  }
  return entry;
}

void ModuleIndex::grow(std::size_t min_slots) {
  const Table* old = table_.get();
  auto next = std::make_unique<Table>(std::bit_ceil(min_slots));
  for (std::size_t i = 0; i <= old->mask; ++i) {
    const std::uint64_t word = old->slots[i].load(std::memory_order_relaxed);
    if (word == 0) continue;
    std::size_t slot = hash(entry_labels(slot_entry(word))) & next->mask;
    while (next->slots[slot].load(std::memory_order_relaxed) != 0) slot = (slot + 1) & next->mask;
    next->slots[slot].store(word, std::memory_order_relaxed);
  }
  table_.publish(std::move(next));
}

void ModuleIndex::insert(std::string_view labels, std::uint64_t hash, std::string_view txt) {
  if ((names_ + 1) * 10 > (table_.get()->mask + 1) * 7) grow((table_.get()->mask + 1) * 2);
  const Table& table = *table_.get();
  std::size_t slot = 0;
  (void)lookup(table, labels, hash, &slot);
  table.slots[slot].store(slot_word(make_entry(labels, txt), hash), std::memory_order_release);
  ++names_;
  answers_ += txt.empty() ? 0 : 1;
}

// Top down, so that no reader finds a name whose parent is not there yet. `labels` with its hash:
// the nearest ancestor.
void ModuleIndex::ensure_name(std::string_view labels, std::uint64_t hash_of) {
  std::array<std::string_view, 128> missing;
  std::array<std::uint64_t, 128> hashes;
  std::size_t n = 0;
  while (!labels.empty() && n < missing.size()) {
    std::size_t slot = 0;
    if (lookup(*table_.get(), labels, hash_of, &slot) != nullptr) break;
    missing[n] = labels;
    hashes[n] = hash_of;
    ++n;
    labels = parent(labels);
    if (!labels.empty()) hash_of = hash(labels);
  }
  for (; n > 0; --n) insert(missing[n - 1], hashes[n - 1], {});
}

bool ModuleIndex::set_one(const Item& item, const Hashes& hashes) {
  Table& table = *table_.get();
  std::size_t slot = 0;
  const char* old = lookup(table, item.labels, hashes.name, &slot);
  if (old == nullptr) {
    ensure_name(parent(item.labels), hashes.parent);
    insert(item.labels, hashes.name, item.txt);
    return true;
  }
  const std::string_view rdatas = entry_rdatas(old);
  if (rdatas.empty() ? item.txt.empty()
                     : !item.txt.empty() && rdatas.substr(kRdatasHeader) == item.txt) {
    return false;
  }
  answers_ += item.txt.empty() ? 0 : 1;
  answers_ -= rdatas.empty() ? 0 : 1;
  table.slots[slot].store(slot_word(make_entry(item.labels, item.txt), hashes.name));
  epochs_.retire([this, old] {
    const MutexLock lock(mutex_);
    arena_.free(const_cast<char*>(old), entry_size(old));
  });
  return true;
}

void ModuleIndex::clear() {
  std::vector<char*> entries;
  {
    const MutexLock lock(mutex_);
    const Table& table = *table_.get();
    for (std::size_t i = 0; i <= table.mask; ++i) {
      const std::uint64_t word = table.slots[i].load(std::memory_order_relaxed);
      if (word != 0) entries.push_back(const_cast<char*>(slot_entry(word)));
    }
    table_.publish(std::make_unique<Table>(kFirstSlots));
    names_ = 0;
    answers_ = 0;
  }
  epochs_.retire([this, entries = std::move(entries)] {
    const MutexLock lock(mutex_);
    for (char* entry : entries) arena_.free(entry, entry_size(entry));
  });
  epochs_.collect();
}

void ModuleIndex::reserve(std::uint64_t names) {
  const MutexLock lock(mutex_);
  const std::uint64_t slots = names * 10 / 7 + 1;
  if (slots > table_.get()->mask + 1) grow(slots);
}

std::uint64_t ModuleIndex::set(std::span<const Item> items) {
  // Hashing first, then touching all slots, then all parents' entries: a bulk load waits for memory
  // a few times a batch, not a few times a name.
  constexpr std::size_t kBatch = 64;
  std::array<Hashes, kBatch> hashes;
  std::uint64_t changed = 0;
  while (!items.empty()) {
    const std::span<const Item> batch = items.first(std::min(kBatch, items.size()));
    items = items.subspan(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      hashes[i] = {hash(batch[i].labels), hash(parent(batch[i].labels))};
    }
    const MutexLock lock(mutex_);
    const Table& table = *table_.get();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      __builtin_prefetch(&table.slots[hashes[i].name & table.mask], 1);
      __builtin_prefetch(&table.slots[hashes[i].parent & table.mask], 1);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      __builtin_prefetch(slot_entry(table.slots[hashes[i].parent & table.mask].load()));
    }
    for (std::size_t i = 0; i < batch.size(); ++i) changed += set_one(batch[i], hashes[i]) ? 1 : 0;
  }
  epochs_.collect();
  return changed;
}

ModuleIndex::Stats ModuleIndex::stats() const {
  const MutexLock lock(mutex_);
  return {names_, answers_, arena_.bytes() + table_.get()->bytes()};
}

}  // namespace gw::dnsd
