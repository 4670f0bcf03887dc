#include "buildd/maker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/text.h"
#include "build/cache_trim.h"
#include "build/reason.h"
#include "buildd/hidden_paths.h"
#include "module/gzip.h"
#include "os/file.h"
#include "os/thread.h"
#include "tlog/build_log.h"

namespace gw::buildd {

namespace {

constexpr std::size_t kMaxLog = std::size_t{32} << 20U;
constexpr std::chrono::hours kFailureStays{7 * 24};
// What is not the module's own fault may be different tomorrow.
constexpr std::chrono::hours kOthersFailureStays{24};

constexpr std::chrono::minutes kTrimEvery{10};

bool is_others_fault(build::Reason reason) {
  return reason == build::Reason::kDependencyGone || reason == build::Reason::kUnknown ||
         build::is_limit(reason);
}

}  // namespace

std::string Maker::public_text(std::string_view text, const std::string& goroot) const {
  std::vector<std::string> directories = options_.hidden_paths;
  directories.push_back(parts_.cache.path());
  directories.push_back(goroot);
  return strip_paths(text, directories);
}

struct Maker::Compiled {
  StoredBinary binary;
  std::string log;  // gzip
};

Result<Maker::Compiled> Maker::compile(const build::Key& key, Times times,
                                       const BuildQueue::Progress& progress) const {
  progress("getting the Go toolchain ready");
  GW_TRY(const build::Toolchain toolchain, parts_.toolchains.get(key.go_version));
  const auto build = [&](bool again) -> Result<std::pair<StoredBinary, std::string>> {
    GW_TRY(auto builder,
           build::Builder::make(parts_.cache, parts_.modules, toolchain,
                                {.sandbox = options_.sandbox,
                                 .limits = options_.limits,
                                 .groups = options_.groups,
                                 .again = again,
                                 .progress = [&](std::string_view t) { progress(t); }},
                                parts_.stop));
    GW_TRY(const build::Product product, builder->build(key));
    for (const build::SumRemark& said : product.remarks()) {
      parts_.logger.write(said.vouched ? LogLevel::kInfo : LogLevel::kWarning, "private module",
                          {{"key", build::format_key(key)}, {"what", said.text}});
    }
    GW_TRY(StoredBinary binary, parts_.binaries.add(product));
    return std::pair(std::move(binary), product.log());
  };
  GW_TRY(const auto first, build(times == Times::kAgain));
  Compiled out{first.first, ""};
  GW_TRY(const std::string log, os::read_file(first.second, kMaxLog));
  out.log = mod::gzip(public_text(log, toolchain.goroot));
  if (times == Times::kTwice) {
    progress("building it a second time, to compare");
    GW_TRY(const auto second, build(true));
    if (second.first.sum != out.binary.sum) {
      metric_add(Metric::kBuildDisagreements);
      return unavailable_error(
          fmt::format("two builds differ: {} and {}", out.binary.sum, second.first.sum));
    }
  }
  return out;
}

// Its claim, if it makes one before it answers, is as good as the answer: it is signed by its key.
// `own`: our mark.
Status Maker::ask_verifier(const Verifier& verifier, const build::Key& key,
                           const std::string& record, const std::vector<std::string>& own) const {
  if (options_.claims == nullptr) return verifier.ask({key, record, own, parts_.stop});
  while (true) {
    const Claims::Question question(*options_.claims, build::format_key(key), verifier.name);
    std::vector<std::string> marks = own;  // first: only so many are looked at
    marks.insert(marks.end(), question.marks().begin(), question.marks().end());
    Status answer = question.settled().requested()
                        ? Status(unavailable_error("stopped"))
                        : verifier.ask({key, record, marks, question.settled()});
    if (answer || answer.error().kind == ErrorKind::kUntrusted) return answer;
    if (const auto claim = question.record()) {
      if (*claim == record) return {};
      return untrusted_error(
          fmt::format("{} got another result: {}", verifier.name, quoted(*claim)));
    }
    // Somebody asked us meanwhile for whom the one we asked may be waiting.
    if (!question.has_more_marks()) return answer;
  }
}

Status Maker::ask_verifiers(const build::Key& key, const std::string& record, bool secret) const {
  std::vector<std::string> own;
  if (options_.sign_hop && !options_.verifiers.empty()) {
    GW_TRY(const std::string note, options_.sign_hop(format_hop_text(record, parts_.clock.now())));
    own.push_back(encode_base64(note));
  }
  std::vector<Status> answers(options_.verifiers.size());
  os::run_on_threads(answers.size(), [&](std::size_t i) {
    if (secret && !options_.verifiers[i].knows_private) return;
    answers[i] = ask_verifier(options_.verifiers[i], key, record, own);
  });
  for (const Status& answer : answers) {
    if (answer) continue;
    if (answer.error().kind == ErrorKind::kUntrusted) metric_add(Metric::kBuildDisagreements);
    // Whatever it is, nothing is stored, and a retry asks again.
    return unavailable_error("asking verifiers: " + answer.error().message, answer.error().hint);
  }
  return {};
}

// A signed head covers more.
void Maker::announce() const {
  if (const Status followed = parts_.sum_log.follow(); !followed) {
    parts_.logger.error("following with sum.log", followed.error());
  }
  if (options_.on_published) options_.on_published();
}

// Now and then, as it means to look at every file.
void Maker::trim() const {
  const auto now = parts_.clock.mono().time_since_epoch();
  auto at = trim_at_.load();
  if (now.count() < at) return;
  if (!trim_at_.compare_exchange_strong(at, (now + Duration(kTrimEvery)).count())) return;
  const auto left = build::trim_cache(
      parts_.cache.path(), {.max_bytes = options_.max_cache_bytes, .keep_modules = true});
  if (!left) parts_.logger.error("keeping the cache small", left.error());
}

// The way of a record into the log. Returns the sum.
Result<std::string> Maker::publish(const build::Key& key,
                                   const BuildQueue::Progress& progress) const {
  const bool secret = options_.is_private && options_.is_private(key.module);
  const bool ask = std::any_of(options_.verifiers.begin(), options_.verifiers.end(),
                               [&](const Verifier& v) { return !secret || v.knows_private; });
  const bool twice = options_.twice && !ask;
  GW_TRY(Compiled compiled, compile(key, twice ? Times::kTwice : Times::kOnce, progress));
  // Both files are on the disk; nobody can ask for them yet.
  const StoredBinary& binary = compiled.binary;
  const std::string name = build::format_key(key);
  const std::string record = tlog::format_build_record({key.view(), binary.size, binary.sum});
  if (ask) {
    progress("asking other services for their result");
    GW_CHECK(ask_verifiers(key, record, secret));
  }
  // Everybody agrees.
  auto result = std::make_shared<BuildResult>();
  result->sha256 = binary.sha256;
  result->packed_size = binary.packed_size;
  result->packed_sha256 = binary.packed_sha256;
  result->log = std::move(compiled.log);
  result->made_at = parts_.clock.now();
  auto appended = parts_.log.append({name, record, result});
  if (!appended && appended.error().kind == ErrorKind::kUsage) {
    // The log has another sum for this key: one of the two builds was not what it seems.
    metric_add(Metric::kBuildDisagreements);
    parts_.logger.error("rebuild differs", appended.error());
    return unavailable_error("this build differs from the one in the log");
  }
  if (!appended) return std::move(appended).error().in("adding it to the log");
  announce();
  const auto kept = parts_.binaries.evict(options_.max_binary_bytes, parts_.clock.now());
  if (kept) metric_set(Metric::kBuildBinaryBytes, static_cast<std::int64_t>(*kept));
  return binary.sum;
}

void Maker::rebuild(const std::string& record) const {
  const auto parsed = tlog::parse_build_record(record);
  if (!parsed) return;
  const build::Key key = build::key_of_record(*parsed);
  const std::string name = build::format_key(key);
  const auto compiled = compile(key, Times::kAgain, [](std::string_view) {});
  if (parts_.stop.requested()) return;
  if (!compiled) {
    metric_add(Metric::kBuildSamples, SampleEnd::kFailed);
    return parts_.logger.warning("rebuild failed",
                                 {{"key", name}, {"error", compiled.error().message}});
  }
  if (compiled->binary.sum == parsed->sum) {
    metric_add(Metric::kBuildSamples, SampleEnd::kSame);
    return parts_.logger.info("rebuilt", {{"key", name}, {"sum", parsed->sum}});
  }
  metric_add(Metric::kBuildSamples, SampleEnd::kDiffers);
  metric_add(Metric::kBuildDisagreements);
  parts_.logger.write(LogLevel::kError, "rebuild differs",
                      {{"key", name}, {"logged", parsed->sum}, {"sum", compiled->binary.sum}});
}

BuildUpdate Maker::fail(const build::Key& key, const Error& error) const {
  const std::string name = build::format_key(key);
  const auto* detail = dynamic_cast<const build::BuildFailure*>(error.detail.get());
  // What is in the log was built once: whatever is in the way now, it is for a retry to mend.
  const auto logged = parts_.ledger.find(name);
  // Only what the build itself came to would come again: not that a proxy lies today, or that
  // something here is not where it should be.
  const bool permanent =
      error.kind == ErrorKind::kNotFound && detail != nullptr && logged && !*logged;
  BuildUpdate out;
  if (!permanent && parts_.stop.requested()) {
    out = stopping_update();
  } else {
    out.error = public_text(error.message);
    out.kind = BuildUpdate::Kind::kTempFailed;
  }
  // Told last: who reads of it and asks is to find it kept.
  const auto tell = [&](bool kept) {
    std::string said = error.message;
    if (!error.hint.empty()) said += "; " + error.hint;
    metric_add(Metric::kBuilds, kept ? BuildEnd::kFailed : BuildEnd::kTemporary);
    parts_.logger.info("build failed",
                       {{"key", name}, {"permanent", kept ? 1 : 0}, {"error", said}});
  };
  if (!permanent) {
    tell(false);
    return out;
  }
  Failure failure;
  failure.reason = build::reason_text(detail->reason);
  failure.message = out.error;
  failure.hint = public_text(error.hint);
  failure.failed_at = parts_.clock.now();
  const bool others = is_others_fault(detail->reason);
  failure.expires_at = failure.failed_at + (others ? kOthersFailureStays : kFailureStays);
  const auto log = os::read_file(detail->log, kMaxLog);
  if (log) failure.log = mod::gzip(public_text(*log));
  const auto saved = parts_.ledger.save_failure(name, failure);
  if (saved) {
    out.kind = BuildUpdate::Kind::kPermFailed;
  } else {
    parts_.logger.error("saving a failure", saved.error());
  }
  tell(saved.has_value());
  return out;
}

// The sum, when it is in the log and both files are there: somebody else asked at the same moment,
// or no head could be signed when it was built. One covers it when this returns.
Result<std::optional<std::string>> Maker::find(const build::Key& key) const {
  const std::optional<std::string> none;
  const auto built = parts_.ledger.find_built(build::format_key(key));
  if (!built || !*built) return none;
  const auto record = tlog::parse_build_record((*built)->record);
  if (!record) return none;
  for (const bool packed : {false, true}) {
    if (!parts_.binaries.use(record->sum, packed, parts_.clock.now())) return none;
  }
  if ((*built)->number >= parts_.log.head()->size) {
    // Whatever it is, a retry asks again.
    if (const Status signed_now = parts_.log.publish(); !signed_now) {
      return unavailable_error("signing the log's head: " + signed_now.error().message);
    }
    announce();
  }
  return std::optional(std::string(record->sum));
}

BuildUpdate Maker::make(const build::Key& key, const BuildQueue::Progress& progress) const {
  BuildUpdate out = find_or_publish(key, progress);
  // Whatever came out: a build that failed has fetched and compiled, too.
  trim();
  return out;
}

BuildUpdate Maker::find_or_publish(const build::Key& key,
                                   const BuildQueue::Progress& progress) const {
  const MonoTime start = parts_.clock.mono();
  const auto there = find(key);
  if (!there) return fail(key, there.error());
  if (*there) {
    BuildUpdate out;
    out.kind = BuildUpdate::Kind::kSuccess;
    out.sum = **there;
    return out;
  }
  const auto sum = publish(key, progress);
  if (!sum) return fail(key, sum.error());
  metric_add(Metric::kBuilds, BuildEnd::kBuilt);
  const auto took =
      std::chrono::duration_cast<std::chrono::milliseconds>(parts_.clock.mono() - start);
  parts_.logger.info(
      "built", {{"key", build::format_key(key)}, {"sum", *sum}, {"milliseconds", took.count()}});
  BuildUpdate out;
  out.kind = BuildUpdate::Kind::kSuccess;
  out.sum = *sum;
  return out;
}

}  // namespace gw::buildd
