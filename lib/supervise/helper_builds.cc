// The helper asks build services for a binary, and fetches it.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "build/client.h"
#include "net/source.h"
#include "os/pages.h"
#include "os/thread.h"
#include "supervise/helper.h"
#include "supervise/helper_parts.h"
#include "supervise/proof.h"

namespace gw::supervise {
namespace {

using namespace std::chrono_literals;

constexpr auto kBuildTime = 10min;  // a service builds while one waits

// One service's word, and the files that it takes to verify it again.
struct Asked {
  std::string base;
  ProofFiles files;
};

Result<build::ProvenBuild> ask_service(const Job& job, const build::ServiceName& service,
                                       const std::string& head, Asked& asked) {
  GW_TRY(auto key, tlog::VerifierKey::parse(service.key));
  GW_TRY(asked.base, build::service_base(service.source, key.name()));
  Sources own = job.sources;
  own.build_key = service.key;
  GW_TRY(const auto source, log_source(own, asked.base));
  RecordingSource recording(*source);
  tlog::Client client(recording, std::move(key), tlog::kBuildLog);
  auto build = build::prove_build(
      client, job.key, head.empty() ? std::optional<std::string>() : std::optional(head));
  // Also of what does not verify: the supervisor sees for itself, and keeps the evidence.
  if (build || build.error().kind == ErrorKind::kUntrusted) asked.files = recording.files();
  return build;
}

// All at once, as each may have to build it first; told in their order.
Result<std::vector<build::ServiceAnswer>> ask_services(const Job& job, std::vector<Asked>& asked,
                                                       int out) {
  const auto services = services_of(job.sources);
  asked.resize(services.size());
  std::vector<build::ServiceAnswer> answers;
  answers.reserve(services.size());
  for (const build::ServiceName& service : services) {
    answers.push_back({service_title(service), unavailable_error("not asked")});
  }
  const auto ask = [&](std::size_t i) {
    const std::string head = i < job.heads.size() ? job.heads[i] : "";
    answers[i].build = ask_service(job, services[i], head, asked[i]);
  };
  if (services.size() == 1) {
    ask(0);
  } else {
    os::run_on_threads(services.size(), ask);
  }
  for (std::size_t i = 0; i < services.size(); ++i) {
    GW_CHECK(write_frame(out, FrameKind::kService, std::to_string(i)));
    if (!asked[i].files.empty()) {
      GW_CHECK(write_frame(out, FrameKind::kProof, format_proof(asked[i].files)));
    }
    if (!answers[i].build) {
      GW_CHECK(write_frame(out, FrameKind::kError, format_error(answers[i].build.error())));
    }
  }
  GW_CHECK(write_frame(out, FrameKind::kAnswer, ""));
  return answers;
}

// From one after the other of those who agree: what one has sent already is passed over.
Status download_agreed(const Job& job, const build::Agreement& agreed,
                       const std::vector<Asked>& asked, int out) {
  GW_TRY(auto http, net::HttpClient::create(http_options(job.sources)));
  std::uint64_t sent = 0;
  Status done;
  for (const std::size_t i : agreed.by) {
    std::uint64_t at = 0;
    done =
        build::download(http, asked[i].base, agreed.build, [&](std::string_view bytes) -> Status {
          if (at == 0) os::give_back_memory();  // what proofs and handshakes took
          const auto known = std::min<std::uint64_t>(bytes.size(), sent - std::min(sent, at));
          at += bytes.size();
          bytes.remove_prefix(static_cast<std::size_t>(known));
          sent = std::max(sent, at);
          while (!bytes.empty()) {
            const std::string_view piece = bytes.substr(0, kMaxData);
            GW_CHECK(write_frame(out, FrameKind::kData, piece));
            bytes.remove_prefix(piece.size());
          }
          return {};
        });
    if (done || done.error().kind == ErrorKind::kUntrusted) return done;
  }
  return done;
}

}  // namespace

Status fetch(const Job& job, int out) {
  std::vector<Asked> asked;
  GW_TRY(const auto answers, ask_services(job, asked, out));
  GW_TRY(const build::Agreement agreed, build::find_agreement(answers, wanted_of(job.sources)));
  if (job.kind == Job::Kind::kProve) return {};
  return download_agreed(job, agreed, asked, out);
}

Result<std::unique_ptr<tlog::TileSource>> log_source(const Sources& sources,
                                                     const std::string& base) {
  GW_TRY(const auto key, tlog::VerifierKey::parse(sources.build_key));
  net::SourceOptions options;
  options.log_name = key.name();
  options.source = base + "/tlog";
  options.http = http_options(sources);
  options.http.stall_timeout = kBuildTime;
  options.timeout = kBuildTime;
  return net::make_source(options);
}

}  // namespace gw::supervise
