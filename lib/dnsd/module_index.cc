#include "dnsd/module_index.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "base/crypto.h"
#include "base/table_hash.h"
#include "os/pages.h"

namespace gw::dnsd {

namespace {

// An entry: the name's hash, then the RRset as it goes into answers (RDLENGTH, the length of the
// one character-string, the string).
constexpr std::size_t kEntryHash = sizeof(std::uint64_t);
constexpr std::size_t kRdatasHeader = 3;

constexpr std::size_t kFirstSlots = 1U << 12;

std::uint64_t entry_hash(const char* entry) {
  std::uint64_t hash = 0;
  std::memcpy(&hash, entry, sizeof(hash));
  return hash;
}

std::string_view entry_rdatas(const char* entry) {
  const char* rdatas = entry + kEntryHash;
  return {rdatas, kRdatasHeader + static_cast<std::uint8_t>(rdatas[kRdatasHeader - 1])};
}

std::size_t entry_size(const char* entry) { return kEntryHash + entry_rdatas(entry).size(); }

// The labels without the first one; empty below v0 itself.
std::string_view parent(std::string_view labels) {
  return labels.substr(
      std::min(labels.size(), std::size_t{1} + static_cast<std::uint8_t>(labels[0])));
}

// A slot's word: zero is an empty slot. With the lowest bit a name without records. Without it an
// entry's address, which is a multiple of four, and above it 16 bits of the hash, so that a walk
// along the table seldom touches an entry that is not the right one.
static_assert(sizeof(void*) == 8);
constexpr unsigned kTagShift = 48;

bool has_entry(std::uint64_t word) { return word != 0 && (word & 1) == 0; }

const char* slot_entry(std::uint64_t word) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): taken apart again
  return reinterpret_cast<const char*>(word & ((1ULL << kTagShift) - 1));
}

std::uint64_t slot_hash(std::uint64_t word) {
  return has_entry(word) ? entry_hash(slot_entry(word)) : word;
}

std::string_view slot_rdatas(std::uint64_t word) {
  return has_entry(word) ? entry_rdatas(slot_entry(word)) : std::string_view();
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
  static constexpr std::size_t kPage = 4096 / sizeof(std::uint64_t);  // slots
  explicit Table(std::size_t slot_count)
      : count((slot_count + kPage - 1) / kPage * kPage),
        slots(static_cast<std::atomic<std::uint64_t>*>(os::map_pages(bytes()))) {}
  ~Table() { os::unmap_pages(slots, bytes()); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  std::size_t bytes() const { return count * sizeof(std::uint64_t); }
  // Any count will do, and a table that grows is read and written in order.
  std::size_t first_slot(std::uint64_t hash) const {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(hash) * count) >> 64);
  }
  std::size_t after(std::size_t slot) const { return slot + 1 == count ? 0 : slot + 1; }

  std::size_t count;
  std::atomic<std::uint64_t>* slots;  // zeroed pages are empty slots
};

ModuleIndex::ModuleIndex(Epochs& epochs)
    : epochs_(epochs), table_(epochs, std::make_unique<Table>(kFirstSlots)) {
  random_bytes(hash_key_.data(), sizeof(hash_key_));
}

ModuleIndex::~ModuleIndex() {
  epochs_.collect();  // what was retired refers to this object
}

ModuleIndex::Hash ModuleIndex::hash(std::string_view labels) const {
  const auto [name, tag] = wide_table_hash(hash_key_, labels);
  return {name | 1, tag};
}

std::uint64_t ModuleIndex::lookup(const Table& table, const Hash& hash, std::size_t* slot) {
  for (std::size_t i = table.first_slot(hash.name);; i = table.after(i)) {
    const std::uint64_t word = table.slots[i].load();
    *slot = i;
    if (word == 0 || word == hash.name) return word;
    if (!has_entry(word) || ((word ^ hash.tag) >> kTagShift) != 0) continue;
    if (entry_hash(slot_entry(word)) == hash.name) return word;
  }
}

ModuleIndex::Found ModuleIndex::find(std::string_view labels) const {
  std::size_t slot = 0;
  const std::uint64_t word = lookup(*table_.get(), hash(labels), &slot);
  return {word != 0, slot_rdatas(word)};
}

// The word of a name with this answer, empty for none.
std::uint64_t ModuleIndex::make_word(const Hash& hash, std::string_view txt) {
  if (txt.empty()) return hash.name;
  if (txt.size() > 255) std::abort();
  char* entry = arena_.allocate(kEntryHash + kRdatasHeader + txt.size());
  std::memcpy(entry, &hash.name, kEntryHash);
  char* rdatas = entry + kEntryHash;
  rdatas[0] = static_cast<char>((txt.size() + 1) >> 8);
  rdatas[1] = static_cast<char>(txt.size() + 1);
  rdatas[2] = static_cast<char>(txt.size());
  std::memcpy(rdatas + kRdatasHeader, txt.data(), txt.size());
  return reinterpret_cast<std::uint64_t>(entry) | (hash.tag & ~((1ULL << kTagShift) - 1));
}

void ModuleIndex::free_entry(std::uint64_t word) {
  char* entry = const_cast<char*>(slot_entry(word));
  arena_.free(entry, entry_size(entry));
}

void ModuleIndex::grow(std::size_t min_slots) {
  const Table* old = table_.get();
  auto next = std::make_unique<Table>(min_slots);
  for (std::size_t i = 0; i < old->count; ++i) {
    const std::uint64_t word = old->slots[i].load(std::memory_order_relaxed);
    if (word == 0) continue;
    std::size_t slot = next->first_slot(slot_hash(word));
    while (next->slots[slot].load(std::memory_order_relaxed) != 0) slot = next->after(slot);
    next->slots[slot].store(word, std::memory_order_relaxed);
  }
  table_.publish(std::move(next));
}

void ModuleIndex::insert(const Hash& hash, std::string_view txt) {
  if ((names_ + 1) * 10 > table_.get()->count * 7) grow(table_.get()->count / 2 * 3);
  const Table& table = *table_.get();
  std::size_t slot = 0;
  (void)lookup(table, hash, &slot);
  table.slots[slot].store(make_word(hash, txt), std::memory_order_release);
  ++names_;
  answers_ += txt.empty() ? 0 : 1;
}

// Top down, so that no reader finds a name whose parent is not there yet. `labels` with its hash:
// the nearest ancestor.
void ModuleIndex::ensure_name(std::string_view labels, const Hash& hash_of) {
  std::array<Hash, 128> missing;
  std::size_t n = 0;
  Hash at = hash_of;
  while (!labels.empty() && n < missing.size()) {
    std::size_t slot = 0;
    if (lookup(*table_.get(), at, &slot) != 0) break;
    missing[n++] = at;
    labels = parent(labels);
    if (!labels.empty()) at = hash(labels);
  }
  for (; n > 0; --n) insert(missing[n - 1], {});
}

bool ModuleIndex::set_one(const Item& item, const Hashes& hashes) {
  const Table& table = *table_.get();
  std::size_t slot = 0;
  const std::uint64_t old = lookup(table, hashes.name, &slot);
  if (old == 0) {
    ensure_name(parent(item.labels), hashes.parent);
    insert(hashes.name, item.txt);
    return true;
  }
  const std::string_view rdatas = slot_rdatas(old);
  if (rdatas.empty() ? item.txt.empty()
                     : !item.txt.empty() && rdatas.substr(kRdatasHeader) == item.txt) {
    return false;
  }
  answers_ += item.txt.empty() ? 0 : 1;
  answers_ -= rdatas.empty() ? 0 : 1;
  table.slots[slot].store(make_word(hashes.name, item.txt));
  if (rdatas.empty()) return true;
  epochs_.retire([this, old] {
    const MutexLock lock(mutex_);
    free_entry(old);
  });
  return true;
}

void ModuleIndex::clear() {
  std::vector<std::uint64_t> entries;
  {
    const MutexLock lock(mutex_);
    const Table& table = *table_.get();
    for (std::size_t i = 0; i < table.count; ++i) {
      const std::uint64_t word = table.slots[i].load(std::memory_order_relaxed);
      if (has_entry(word)) entries.push_back(word);
    }
    table_.publish(std::make_unique<Table>(kFirstSlots));
    names_ = 0;
    answers_ = 0;
  }
  epochs_.retire([this, entries = std::move(entries)] {
    const MutexLock lock(mutex_);
    for (const std::uint64_t word : entries) free_entry(word);
  });
  epochs_.collect();
}

void ModuleIndex::reserve(std::uint64_t names) {
  const MutexLock lock(mutex_);
  const std::uint64_t slots = names * 10 / 6;
  if (names * 10 > table_.get()->count * 7) grow(slots);
}

std::uint64_t ModuleIndex::set(std::span<const Item> items) {
  // Hashing first, then touching all slots: a bulk load waits for memory a few times a batch, not a
  // few times a name.
  constexpr std::size_t kBatch = 64;
  std::array<Hashes, kBatch> hashes;
  std::uint64_t changed = 0;
  while (!items.empty()) {
    const std::span<const Item> batch = items.first(std::min(kBatch, items.size()));
    items = items.subspan(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].labels.empty()) std::abort();
      hashes[i] = {hash(batch[i].labels), hash(parent(batch[i].labels))};
    }
    const MutexLock lock(mutex_);
    const Table& table = *table_.get();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      __builtin_prefetch(&table.slots[table.first_slot(hashes[i].name.name)], 1);
      __builtin_prefetch(&table.slots[table.first_slot(hashes[i].parent.name)], 1);
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
