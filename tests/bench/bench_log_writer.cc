// What appending to a log of our own costs, without a disk: planning, hashing, two signatures and
// their verification, the store being maps and vectors in memory.
//
// Distribution: a build service's records of about 100 bytes, each with a key of its own, appended
// in commits of 1, 16, 256 and 4096, first to an empty log and then to one of a million records
// (the cost of one is meant to be the same). Then threads that append one record at a time, whose
// commits are grouped. CPU time of the process, best of five rounds.
#include <algorithm>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "support/tlog/own_log.h"

using namespace gw;
using namespace gw::tlog;

namespace {

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

LogEntry entry(std::uint64_t n) {
  const std::string module =
      "github.com/owner" + std::to_string(n % 5000) + "/module" + std::to_string(n % 70000);
  const std::string version = "v1." + std::to_string(n / 1000) + "." + std::to_string(n % 1000);
  return {module + "@" + version + "/linux-amd64-go1.26.8/" + std::to_string(n) + "/",
          module + " " + version + " /cmd/tool linux amd64 go1.26.8 " +
              std::to_string(1000000 + n) + " 0kmNLJfdiAxTjF01mpxtRmsUgIOc \n",
          nullptr};
}

void measure(testing::OwnLog& log, std::size_t commit) {
  const std::size_t commits = std::max<std::size_t>(1, std::min<std::size_t>(500, 8192 / commit));
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::vector<LogEntry>> batches(commits);
    std::uint64_t n = log.store.records().size();
    for (auto& batch : batches) {
      while (batch.size() < commit) batch.push_back(entry(n++));
    }
    const double start = cpu_seconds();
    for (auto& batch : batches) (void)log.writer().append_all(std::move(batch));
    best = std::min(best, cpu_seconds() - start);
  }
  const auto records = static_cast<double>(commits * commit);
  std::printf("%9zu records, commits of %4zu: %8.2f us a record, %9.0f records/s\n",
              log.store.records().size(), commit, best / records * 1e6, records / best);
}

void measure_threads(testing::OwnLog& log, unsigned threads) {
  constexpr unsigned kEach = 500;
  const std::uint64_t first = log.store.records().size();
  const std::uint64_t before = log.store.commits();
  const double start = cpu_seconds();
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (unsigned i = 0; i < kEach; ++i) (void)log.writer().append(entry(first + t * kEach + i));
    });
  }
  for (std::thread& t : all) t.join();
  const double took = cpu_seconds() - start;
  const double records = threads * kEach;
  std::printf("%9u threads, %5.1f records a commit: %6.2f us a record\n", threads,
              records / static_cast<double>(log.store.commits() - before), took / records * 1e6);
}

}  // namespace

int main() {
  if (!init_crypto()) return 1;
  testing::OwnLog log(SignerKey::from_seed("bench.test", std::string(32, 'b')).value());
  for (std::size_t commit : {1U, 16U, 256U, 4096U}) measure(log, commit);
  while (log.store.records().size() < 1000000) {
    std::vector<LogEntry> batch;
    for (std::uint64_t n = log.store.records().size(); batch.size() < 4096; ++n) {
      batch.push_back(entry(n));
    }
    (void)log.writer().append_all(std::move(batch));
  }
  for (std::size_t commit : {1U, 16U, 256U, 4096U}) measure(log, commit);
  for (unsigned threads : {1U, 8U, 64U}) measure_threads(log, threads);
  return 0;
}
