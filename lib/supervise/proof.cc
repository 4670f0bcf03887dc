#include "supervise/proof.h"

namespace gw::supervise {

std::vector<Result<std::string>> RecordingSource::fetch(
    std::span<const tlog::FetchRequest> requests) {
  auto replies = source_.fetch(requests);
  for (std::size_t i = 0; i < replies.size() && i < requests.size(); ++i) {
    if (replies[i]) files_[requests[i].path] = *replies[i];
  }
  return replies;
}

std::vector<Result<std::string>> ReplaySource::fetch(std::span<const tlog::FetchRequest> requests) {
  std::vector<Result<std::string>> out;
  for (const tlog::FetchRequest& request : requests) {
    const auto file = files_.find(request.path);
    if (file == files_.end()) {
      out.emplace_back(not_found_error("the helper sent no such file"));
    } else if (file->second.size() > request.max_bytes) {
      out.emplace_back(untrusted_error("longer than it may be"));
    } else {
      out.emplace_back(file->second);
    }
  }
  return out;
}

Result<build::ProvenBuild> verify_proof(ProofFiles files, const std::string& log_key,
                                        const build::Key& key,
                                        const std::optional<std::string>& remembered) {
  GW_TRY(auto verifier, tlog::VerifierKey::parse(log_key));
  ReplaySource source(std::move(files));
  tlog::Client client(source, std::move(verifier), tlog::kBuildLog);
  auto build = build::prove_build(client, key, remembered);
  // What is missing in a proof makes it none.
  if (!build && (build.error().kind == ErrorKind::kNotFound ||
                 build.error().kind == ErrorKind::kUnavailable)) {
    build.error().kind = ErrorKind::kUntrusted;
  }
  return build;
}

}  // namespace gw::supervise
