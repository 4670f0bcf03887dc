#include "dnsd/module_lookup.h"

#include <array>
#include <optional>

#include "dns/module_name.h"
#include "dnsd/module_text.h"
#include "module/goversion.h"

namespace gw::dnsd {

namespace {

// Paths below a name that have no name themselves, so that they do not make it exist; beyond so
// many nothing is said about it.
constexpr unsigned kMostUnnamed = 1000;

}  // namespace

Result<ModuleLookup::State::Connection> ModuleLookup::State::take() const {
  {
    const MutexLock lock(mutex_);
    if (!free_.empty()) {
      Connection connection = std::move(free_.back());
      free_.pop_back();
      return connection;
    }
  }
  GW_TRY(store::Reader reader, store::Reader::open(options_.db));
  GW_TRY(const store::LogState state, reader.state());
  if (state.identity != options_.identity) return unavailable_error("another database is there");
  return std::make_unique<store::Reader>(std::move(reader));
}

void ModuleLookup::State::give_back(Connection connection) const {
  const MutexLock lock(mutex_);
  free_.push_back(std::move(connection));
}

ModuleLookup::Found ModuleLookup::State::find(std::string_view labels,
                                              std::span<char, kRdatas> rdatas) const {
  std::array<char, dns::kMaxName> buffer;
  const std::string_view path(buffer.data(), dns::path_of_module_labels(labels, buffer));
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos || slash + 1 == path.size()) return {Kind::kMissing, 0};
  auto connection = take();
  if (!connection) return {};
  auto found = look(**connection, path, rdatas);
  if (!found) return {};
  give_back(*std::move(connection));
  return *found;
}

Result<ModuleLookup::Found> ModuleLookup::State::look(store::Reader& reader, std::string_view path,
                                                      std::span<char, kRdatas> rdatas) const {
  // Heads and modules of one commit.
  GW_TRY(const store::Reader::Snapshot snapshot, reader.snapshot());
  GW_TRY(const std::optional<std::string> latest, reader.latest(path));
  if (!latest) return look_below(reader, path);
  if (path == mod::kToolchainModule) return Found{Kind::kEmpty, 0};
  return answer(reader, *latest, rdatas);
}

Result<ModuleLookup::Found> ModuleLookup::State::answer(store::Reader& reader,
                                                        std::string_view latest,
                                                        std::span<char, kRdatas> rdatas) const {
  const std::span<char, dns::kMaxTxt> text = rdatas.last<dns::kMaxTxt>();
  std::size_t size = 0;
  if (!format_module_text(latest, options_.heads, text, size)) {
    std::vector<store::HeadTime> heads = options_.heads;  // it is of a later commit
    GW_TRY(const auto newer, reader.head_times(heads.empty() ? 0 : heads.back().size));
    heads.insert(heads.end(), newer.begin(), newer.end());
    if (!format_module_text(latest, heads, text, size)) return Found{};
  }
  if (size == 0) return Found{Kind::kEmpty, 0};
  rdatas[0] = static_cast<char>((size + 1) >> 8);
  rdatas[1] = static_cast<char>(size + 1);
  rdatas[2] = static_cast<char>(size);
  return Found{Kind::kAnswer, 3 + size};
}

Result<ModuleLookup::Found> ModuleLookup::State::look_below(store::Reader& reader,
                                                            std::string_view path) const {
  const std::string begin = std::string(path) + "/";
  Found found{Kind::kMissing, 0};
  unsigned unnamed = 0;
  GW_CHECK(reader.walk_paths(begin, [&](std::string_view below) {
    std::optional<std::string> stop;
    if (!below.starts_with(begin)) return stop;
    std::array<char, dns::kMaxName> labels;
    if (dns::encode_module_labels(below, options_.zone_size, labels) != 0) {
      found.kind = Kind::kEmpty;
      return stop;
    }
    if (++unnamed < kMostUnnamed) return std::optional<std::string>("");
    found.kind = Kind::kUnknown;
    return stop;
  }));
  return found;
}

}  // namespace gw::dnsd
