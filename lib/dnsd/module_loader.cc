#include "dnsd/module_loader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "dnsd/module_batch.h"
#include "store/reader.h"

namespace gw::dnsd {

Status ModuleLoader::load(const Job& job) {
  // Ancestors are about three for five modules.
  index_.reserve(job.modules * 17 / 10);
  const unsigned parts = std::max(1U, job.threads);
  std::vector<Status> results(parts);
  os::run_on_threads(parts,
                     [&](std::size_t i) { results[i] = load_part(job, static_cast<unsigned>(i)); });
  for (Status& result : results) GW_CHECK(std::move(result));
  return {};
}

Status ModuleLoader::load_part(const Job& job, unsigned part) {
  GW_TRY(store::Reader reader, store::Reader::open(job.db));
  ModuleBatch batch(index_, job.zone_size, job.heads);
  GW_CHECK(reader.each_module(
      [&](const store::ModuleRow& row) {
        batch.add(row.path, row.latest);
        return !stop_.load(std::memory_order_relaxed);
      },
      part, std::max(1U, job.threads)));
  batch.flush();
  return {};
}

void ModuleLoader::start(Job job) {
  running_ = true;
  done_.store(false);
  stop_.store(false);
  const auto shared = std::make_shared<const Job>(std::move(job));
  const auto run = [this, shared] {
    result_ = load(*shared);
    done_.store(true);
  };
  if (auto thread = os::start_thread(run); thread) {
    thread_ = *std::move(thread);
  } else {
    run();
  }
}

Status ModuleLoader::finish() {
  if (thread_.joinable()) thread_.join();
  running_ = false;
  return std::exchange(result_, Status());
}

void ModuleLoader::stop() {
  stop_.store(true);
  if (running_) (void)finish();
  stop_.store(false);
}

Status ModuleLoader::load_hosts(const Job& job) {
  constexpr unsigned kSamples = 32;  // a part
  index_.reserve(job.modules * 17 / 10);
  GW_TRY(store::Reader reader, store::Reader::open(job.db));
  const unsigned parts = std::max(1U, job.threads);
  GW_TRY(const auto samples, reader.sample_paths(parts * kSamples));
  std::vector<std::string> cuts = {""};
  for (unsigned i = 1; i < parts && !samples.empty(); ++i) {
    cuts.push_back(samples[i * samples.size() / parts]);
  }
  cuts.emplace_back();
  std::vector<Status> results(cuts.size() - 1);
  os::run_on_threads(results.size(),
                     [&](std::size_t i) { results[i] = load_hosts_of(job, cuts[i], cuts[i + 1]); });
  for (Status& result : results) GW_CHECK(std::move(result));
  return {};
}

// Of the paths from `begin` to before `end`, which is empty for the last ones. A host on both sides
// of a cut is found twice.
Status ModuleLoader::load_hosts_of(const Job& job, const std::string& begin,
                                   const std::string& end) {
  // Few paths of a host are passed one by one, many at once.
  constexpr unsigned kMostSteps = 64;
  GW_TRY(store::Reader reader, store::Reader::open(job.db));
  ModuleBatch batch(index_, job.zone_size, {});
  std::string host;
  bool known = false;
  unsigned steps = 0;
  GW_CHECK(reader.walk_paths(begin, [&](std::string_view path) {
    if (!end.empty() && path >= end) return std::optional<std::string>();
    const std::string_view other = path.substr(0, path.find('/'));
    if (other != host) {
      host = other;
      known = false;
      steps = 0;
    }
    known = known || batch.add_host_of(path);
    const bool skip = known && ++steps >= kMostSteps;
    // Behind `host/…`: what sorts next is `host0…`.
    return std::optional(skip ? host + "0" : std::string());
  }));
  batch.flush();
  return {};
}

}  // namespace gw::dnsd
