// How the supervisor gets a binary: what the helper brings, as far as a log proves it.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "supervise/proof.h"
#include "supervise/supervisor.h"
#include "tlog/evidence.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kMaxNote = std::size_t{1} << 20;
constexpr const char* kHead = "head";  // in the directory: the log's, that was seen last

// Each service's log has its own.
std::string head_name(const build::ServiceName& service, std::size_t number) {
  if (number == 0) return kHead;
  const auto key = tlog::VerifierKey::parse(service.key);
  return fmt::format("{}-{:08x}", kHead, key ? key->id() : 0);
}

}  // namespace

std::string Supervisor::remembered_head(std::size_t service) const {
  const auto services = services_of(options_.sources);
  auto note = directory_.read_file(head_name(services[service], service), kMaxNote);
  return note ? *std::move(note) : std::string();
}

Status Supervisor::remember_heads() {
  const auto services = services_of(options_.sources);
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (!answers_[i].build) continue;
    GW_TRY(os::NewFile head, directory_.new_file(0600));
    GW_CHECK(head.write(answers_[i].build->newest_note()));
    GW_CHECK(head.replace(head_name(services[i], i)));
  }
  return {};
}

void Supervisor::start_fetch() {
  if (wanted_->local) {
    happen(update::Event::kFetched);
    return;
  }
  if (options_.local.wanted) {
    start_local_build();
    return;
  }
  Job job;
  job.kind = wanted_->source.empty() ? Job::Kind::kFetch : Job::Kind::kProve;
  job.sources = options_.sources;
  job.key = wanted_->key;
  const auto services = services_of(options_.sources);
  answers_.clear();
  for (std::size_t i = 0; i < services.size(); ++i) {
    job.heads.push_back(remembered_head(i));
    answers_.push_back({service_title(services[i]), unavailable_error("the helper says nothing")});
  }
  speaks_of_ = 0;
  fetch_frames_ = FrameReader();
  incoming_.reset();
  build_.reset();
  Task::Options task;
  task.output = [this](std::string_view bytes) { fetch_output(bytes); };
  task.done = [this](const os::Exit& exit) { fetch_done(exit); };
  auto started = start_helper(std::move(job), std::move(task), helper_user_);
  if (!started) {
    fail_fetch(started.error());
    return;
  }
  fetch_ = *std::move(started);
}

void Supervisor::fail_fetch(const Error& error) {
  failure_ = error.message;
  untrusted_ = error.kind == ErrorKind::kUntrusted;
  fetch_.reset();
  incoming_.reset();
  happen(update::Event::kFetchFailed);
}

void Supervisor::fetch_output(std::string_view bytes) {
  fetch_frames_.add(bytes);
  for (;;) {
    auto frame = fetch_frames_.next();
    Status status = !frame ? Status(frame.error()) : *frame ? on_fetch_frame(**frame) : Status();
    if (!status) {
      fail_fetch(status.error());
      return;
    }
    if (!*frame) return;
  }
}

Status Supervisor::on_fetch_frame(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::kService: {
      const auto number = parse_decimal(frame.payload);
      if (build_ || !number || *number >= answers_.size()) break;
      speaks_of_ = *number;
      return {};
    }
    case FrameKind::kRefused:
      note_refused(kCallList, frame.payload);
      return {};
    case FrameKind::kProof:
      if (build_) break;
      return take_proof(frame);
    case FrameKind::kError: {
      if (build_) return parse_error(frame.payload);
      // Of what was proven, or was proven wrong, its word does not count.
      auto& answer = answers_[speaks_of_].build;
      if (!answer && answer.error().kind == ErrorKind::kUnavailable) {
        answer = parse_error(frame.payload);
      }
      return {};
    }
    case FrameKind::kAnswer:
      if (build_) break;
      return settle_answers();
    case FrameKind::kData:
      if (!incoming_) break;
      return incoming_->write(frame.payload);
  }
  return untrusted_error("the helper says what nobody asked for");
}

// The helper's word ends here: from now on it is the log's.
Status Supervisor::take_proof(const Frame& frame) {
  GW_TRY(auto files, parse_proof(frame.payload));
  const std::string key = services_of(options_.sources)[speaks_of_].key;
  const std::string head = remembered_head(speaks_of_);
  auto build = verify_proof(std::move(files), key, wanted_->key,
                            head.empty() ? std::optional<std::string>() : std::optional(head));
  if (const auto* found = build ? nullptr : tlog::find_contradiction(build.error())) {
    const Json document = tlog::evidence_json(found->evidence, key, clock_.now());
    auto saved = tlog::save_evidence(document, options_.directory + "/evidence", clock_.now());
    if (saved) build.error().message += "; evidence: " + *saved;
  }
  answers_[speaks_of_].build = std::move(build);
  return {};
}

// All have spoken: what enough of them say, proven, is what is fetched.
Status Supervisor::settle_answers() {
  auto agreed = build::find_agreement(answers_, wanted_of(options_.sources));
  if (!agreed) return std::move(agreed).error();
  for (const std::string& warning : agreed->warnings) {
    log_.warning("service-differs", {{"message", warning}});
  }
  build_ = std::move(agreed->build);
  rest_soon();
  GW_TRY(incoming_, installation_.receive(wanted_->key, build_->size(), build_->sum()));
  return {};
}

void Supervisor::fetch_done(const os::Exit& exit) {
  fetch_.reset();
  if (!incoming_ || !exit.ok() || fetch_frames_.in_the_middle()) {
    fail_fetch(unavailable_error("the download was cut: the helper " + os::exit_text(exit)));
    return;
  }
  if (auto finished = finish_fetch(); !finished) {
    fail_fetch(finished.error());
    return;
  }
  happen(update::Event::kFetched);
}

// The bytes of a file that somebody brought: what is proven of them is the same.
Status Supervisor::read_source() {
  const os::Fd file(::open(wanted_->source.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno_error(wanted_->source, errno);
  return take_bytes(file.get(), wanted_->source);
}

Status Supervisor::take_bytes(int file, const std::string& name) {
  std::string buffer(kMaxData, '\0');
  for (;;) {
    const ssize_t n = ::read(file, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(name, errno);
    if (n == 0) return {};
    GW_CHECK(incoming_->write({buffer.data(), static_cast<std::size_t>(n)}));
  }
}

Status Supervisor::finish_fetch() {
  if (!wanted_->source.empty()) GW_CHECK(read_source());
  GW_CHECK(take_incoming(build_->sum()));
  GW_CHECK(remember_heads());
  log_.info("fetched", {{"file", wanted_->file}, {"sum", wanted_->sum}, {"size", build_->size()}});
  return {};
}

// All of it has come: it gets its name.
Status Supervisor::take_incoming(const std::string& sum) {
  GW_TRY(wanted_->file, incoming_->finish());
  const bool was_there = incoming_->was_there();
  incoming_.reset();
  wanted_->sum = sum;
  if (!was_there) keep_file(wanted_->file);
  state_.sums[wanted_->file] = wanted_->sum;
  return save();
}

}  // namespace gw::supervise
