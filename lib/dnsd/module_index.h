// Every name of the module space in memory, with what the server says there.
//
// The problem: a query must find one of millions of names without a lock, an allocation or the
// database, while new names arrive every few minutes, and a name that is not there must be told
// from one that merely has no records: every ancestor of a module's name exists.
//
// The idea: an open-addressing hash table whose slots are one word. A name without records is that
// word alone, 63 bits of its hash. One with an answer is a pointer and 16 more bits of the hash to
// an entry that never changes, which has the first 63 again: a change makes a new entry and swings
// the pointer, and the old entry's memory is used again once no reader can hold it (Epochs). The
// ancestors of a name are put in before it and top down, so that "has something below" is an
// ordinary lookup. A log never forgets a module: nothing is ever removed, but all at once when it
// is another log's database that is served from now on.
//
// The names themselves are not kept. Of ten million names one that is asked for and does not exist
// is taken for one of them with a probability of 10^-17 (an answer) or 10^-12 (no records), which
// nobody can raise who does not know the secret key of the hash.
//
// Costs: about 32 bytes an answer (8, and the RRset as it goes into the message) and 8/0.7 to
// 8/0.46 bytes a name for the table; a lookup is one SipHash (names come from strangers) and
// usually two cache misses, one for a name without an answer.
//
// find(): any thread, inside a reader section of the Epochs. Everything else: any thread, one at a
// time by the writers' lock inside; readers go on.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "dnsd/epochs.h"
#include "dnsd/published.h"

namespace gw::dnsd {

// Memory for entries: cut from 2 MB pieces that may become huge pages, kept in lists by size when
// given back. Not thread-safe.
class EntryArena {
 public:
  EntryArena() = default;
  ~EntryArena();
  EntryArena(const EntryArena&) = delete;
  EntryArena& operator=(const EntryArena&) = delete;

  char* allocate(std::size_t size);
  void free(char* entry, std::size_t size);
  std::size_t bytes() const { return chunks_.size() * kChunk; }

 private:
  static constexpr std::size_t kChunk = std::size_t{2} << 20;
  static constexpr std::size_t kGranule = 4;
  static constexpr std::size_t kMaxEntry = 1024;
  static std::size_t granules(std::size_t size) { return (size + kGranule - 1) / kGranule; }

  std::vector<char*> chunks_;
  std::size_t used_ = kChunk;  // of the last chunk
  std::vector<std::vector<char*>> free_{kMaxEntry / kGranule + 1};
};

class ModuleIndex {
 public:
  // `labels`: wire labels before v0.<zone>, lower-cased, without a root octet, at least one.
  // `txt`: the answer's text, at most 255 bytes; empty: the name exists and has no records.
  struct Item {
    std::string_view labels;
    std::string_view txt;
  };
  struct Found {
    bool exists = false;
    std::string_view rdatas;  // as in dns::RrsetView: one TXT; empty when there are no records
  };
  struct Stats {
    std::uint64_t names = 0;    // ancestors included
    std::uint64_t answers = 0;  // names with records
    std::uint64_t bytes = 0;    // of memory reserved
  };

  // The Epochs must outlive it, and have no reader inside when it is destroyed: what this index
  // retired refers to it. set() calls Epochs::collect().
  explicit ModuleIndex(Epochs& epochs);
  ~ModuleIndex();
  ModuleIndex(const ModuleIndex&) = delete;
  ModuleIndex& operator=(const ModuleIndex&) = delete;

  Found find(std::string_view labels) const;

  // Forgets every name. Readers that are inside see what they saw.
  void clear();
  // Room for this many names without growing on the way.
  void reserve(std::uint64_t names);
  // Adds or changes names; ancestors come into being. A name with an answer that gets an empty text
  // keeps existing. Returns how many names are new or changed, ancestors not counted.
  std::uint64_t set(std::span<const Item> items);

  Stats stats() const;

 private:
  struct Table;
  struct Hash {
    std::uint64_t name;  // 63 bits, the lowest bit is set: where in the table, and which
    std::uint64_t tag;   // its highest 16 bits count
  };
  struct Hashes {
    Hash name;
    Hash parent;
  };

  Hash hash(std::string_view labels) const;
  // The slot's word, 0 for none; *slot is where it is or where it belongs.
  static std::uint64_t lookup(const Table& table, const Hash& hash, std::size_t* slot);
  std::uint64_t make_word(const Hash& hash, std::string_view txt) GW_REQUIRES(mutex_);
  void grow(std::size_t min_slots) GW_REQUIRES(mutex_);
  void insert(const Hash& hash, std::string_view txt) GW_REQUIRES(mutex_);
  void ensure_name(std::string_view labels, const Hash& hash_of) GW_REQUIRES(mutex_);
  bool set_one(const Item& item, const Hashes& hashes) GW_REQUIRES(mutex_);
  void free_entry(std::uint64_t word) GW_REQUIRES(mutex_);

  Epochs& epochs_;
  std::array<std::uint64_t, 2> hash_key_;
  Published<Table> table_;  // changed under the lock, looked at without
  mutable Mutex mutex_;
  EntryArena arena_ GW_GUARDED_BY(mutex_);
  std::uint64_t names_ GW_GUARDED_BY(mutex_) = 0;
  std::uint64_t answers_ GW_GUARDED_BY(mutex_) = 0;
};

}  // namespace gw::dnsd
