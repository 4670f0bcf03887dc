// A build service's log on a disk: how many builds a second get into it durably, how long each
// waits for that, and whether a log of many records is slower than an empty one.
//
// usage: bench_ledger DIRECTORY [RECORDS]      (default 200000; the growth is to a million with
//                                               1000000)
//
// Distribution: records of about 110 bytes with a build log of 30 kB (what age's is, packed), each
// with a key of its own. Durable: the transaction is synced and the published head's file, too,
// before append() returns. First threads that append one record at a time, whose commits are
// grouped; then the log is filled in commits of 4096 with short build logs; then lookups, appends
// and the start are measured again.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "buildd/ledger.h"
#include "buildd/published_head.h"
#include "tlog/build_log.h"
#include "tlog/log_files.h"
#include "tlog/log_signer.h"
#include "tlog/log_writer.h"

using namespace gw;
using namespace gw::buildd;

namespace {

using Time = std::chrono::steady_clock;

double seconds_since(Time::time_point start) {
  return std::chrono::duration<double>(Time::now() - start).count();
}

std::string key_of(std::uint64_t n) {
  return "github.com/owner" + std::to_string(n % 5000) + "/module@v1." + std::to_string(n) +
         ".0/cmd/tool/linux-amd64-go1.26.8/";
}

tlog::LogEntry entry(std::uint64_t n, std::size_t log_bytes) {
  auto result = std::make_shared<BuildResult>();
  result->log.assign(log_bytes, static_cast<char>(n));
  std::string key = key_of(n);
  const auto target = tlog::parse_build_key(key);
  std::string record =
      tlog::format_build_record({*target, 1'000'000 + n, "0kmNLJfdiAxTjF01mpxtRmsUgIOc"});
  return {std::move(key), std::move(record), std::move(result)};
}

struct Service {
  explicit Service(const std::string& dir)
      : signer(tlog::SignerKey::from_seed("b.example", std::string(32, 'b')).value()),
        head(signer, dir + "/published"),
        ledger(Ledger::open(dir + "/ledger.db").value()),
        log(tlog::LogWriter::open(*ledger, {&head, nullptr}, head.load().value()).value()),
        files(*ledger, *log, tlog::DataTileStyle::kNumbered) {}
  tlog::KeySigner signer;
  PublishedHead head;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<tlog::LogWriter> log;
  tlog::LogFiles files;
};

void append_by_threads(Service& s, unsigned threads, unsigned each) {
  const std::uint64_t first = s.ledger->size().value();
  std::vector<std::vector<double>> waits(threads);
  const auto start = Time::now();
  std::vector<std::thread> all;
  for (unsigned t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (unsigned i = 0; i < each; ++i) {
        const auto began = Time::now();
        (void)s.log->append(entry(first + t * each + i, 30'000)).value();
        waits[t].push_back(seconds_since(began) * 1e3);
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  const double took = seconds_since(start);
  std::vector<double> sorted;
  for (const auto& w : waits) sorted.insert(sorted.end(), w.begin(), w.end());
  std::sort(sorted.begin(), sorted.end());
  std::printf(
      "%9llu records, %3u threads: %7.0f durable appends/s, 50%% within %6.1f ms, 99%% %6.1f ms\n",
      static_cast<unsigned long long>(first), threads, static_cast<double>(sorted.size()) / took,
      sorted[sorted.size() / 2], sorted[sorted.size() * 99 / 100]);
}

// What the process has of its own, in megabytes.
double own_memory() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("RssAnon:")) return std::atof(line.c_str() + 8) / 1024;
  }
  return 0;
}

void read(Service& s) {
  const std::uint64_t size = s.ledger->size().value();
  constexpr int kReads = 2000;
  const auto measure = [&](const char* what, auto one) {
    const auto start = Time::now();
    for (int i = 0; i < kReads; ++i) one((static_cast<std::uint64_t>(i) * 7919) % size);
    std::printf("%9llu records: %6.1f us %s\n", static_cast<unsigned long long>(size),
                seconds_since(start) / kReads * 1e6, what);
  };
  measure("a lookup", [&](std::uint64_t n) { (void)s.files.read("lookup/" + key_of(n)).value(); });
  measure("a hash tile", [&](std::uint64_t n) {
    const std::uint64_t tile = n / 256;
    const auto width = static_cast<std::uint32_t>(std::min<std::uint64_t>(256, size - tile * 256));
    (void)s.files.read(tlog::format_tile_path({0, tile, width})).value();
  });
  measure("a result", [&](std::uint64_t n) { (void)s.ledger->find_built(key_of(n)).value(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string dir = argv[1];
  const std::uint64_t goal = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 200'000;
  std::filesystem::create_directories(dir);
  auto s = std::make_unique<Service>(dir);
  std::printf("        0 records: %.1f MB of memory\n", own_memory());
  for (const unsigned threads : {1U, 8U, 64U, 256U}) append_by_threads(*s, threads, 4096 / threads);
  read(*s);
  while (s->ledger->size().value() < goal) {
    std::vector<tlog::LogEntry> entries;
    const std::uint64_t first = s->ledger->size().value();
    for (std::uint64_t n = first; n < std::min(goal, first + 4096); ++n) {
      entries.push_back(entry(n, 100));
    }
    (void)s->log->append_all(std::move(entries));
  }
  for (const unsigned threads : {1U, 64U}) append_by_threads(*s, threads, 1024 / threads);
  read(*s);
  std::printf("%9llu records: %.1f MB of memory\n",
              static_cast<unsigned long long>(s->ledger->size().value()), own_memory());
  s.reset();
  const auto start = Time::now();
  s = std::make_unique<Service>(dir);
  std::printf("%9llu records: started in %.1f ms\n",
              static_cast<unsigned long long>(s->ledger->size().value()),
              seconds_since(start) * 1e3);
  return 0;
}
