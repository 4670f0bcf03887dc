// Single names of the module space from the database itself, while the index is not complete yet.
//
// The problem: at five million modules it takes seconds until all names are in memory, and nobody
// should wait for that. The idea: whatever the index does not have yet is looked up in the database
// when it is asked for, which takes some ten microseconds instead of a fraction of one. Hosts and
// what is above them cannot be looked up in a table of paths: they are put into the index before
// the first answer (ModuleLoader::load_hosts), which then knows all of them.
//
// At the real size, 4.5 million modules, 12 million names, 2.1 GB of database: 0.53 s of CPU to the
// first answer, 12 s of two cores until all names are in memory, 294 MB resident then and 390 MB at
// the peak.
//
// state() and what it returns: any thread, inside a reader section of the Epochs; each thread that
// is inside has a connection of its own, which goes back into a pool. open() and close(): one
// thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "dnsd/epochs.h"
#include "dnsd/published.h"
#include "store/reader.h"

namespace gw::dnsd {

class ModuleLookup {
 public:
  struct Options {
    std::string db;
    std::size_t zone_size = 0;           // octets of the zone's wire name
    std::string identity;                // of the database: another one tells nothing
    std::vector<store::HeadTime> heads;  // as of the commit that is served
  };
  enum class Kind {
    kMissing,
    kEmpty,    // the name exists and has no records
    kAnswer,   // `size` octets of an RRset were written
    kUnknown,  // the database cannot be read now
  };
  struct Found {
    Kind kind = Kind::kUnknown;
    std::size_t size = 0;
  };
  // Room for RDLENGTH, the length of one character-string, and the string.
  static constexpr std::size_t kRdatas = 3 + 255;

  class State {
   public:
    explicit State(Options options) : options_(std::move(options)) {}
    // `labels` as in ModuleIndex::find, canonical. Hosts alone, and the separator's name, are
    // missing here.
    Found find(std::string_view labels, std::span<char, kRdatas> rdatas) const;

   private:
    using Connection = std::unique_ptr<store::Reader>;
    Result<Connection> take() const;
    void give_back(Connection connection) const;
    Result<Found> look(store::Reader& reader, std::string_view path,
                       std::span<char, kRdatas> rdatas) const;
    Result<Found> answer(store::Reader& reader, std::string_view latest,
                         std::span<char, kRdatas> rdatas) const;
    Result<Found> look_below(store::Reader& reader, std::string_view path) const;

    const Options options_;
    mutable Mutex mutex_;
    mutable std::vector<Connection> free_ GW_GUARDED_BY(mutex_);
  };

  // The Epochs outlive it.
  explicit ModuleLookup(Epochs& epochs) : state_(epochs) {}

  // nullptr while it is closed. To be asked before the index: what the index does not have after
  // that is in the database, or nowhere.
  const State* state() const { return state_.get(); }

  void open(Options options) { state_.publish(std::make_unique<const State>(std::move(options))); }
  // The index has everything.
  void close() { state_.publish(nullptr); }

 private:
  Published<const State> state_;
};

}  // namespace gw::dnsd
