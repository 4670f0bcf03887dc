#include "check/answer.h"

#include <fmt/format.h>

#include <utility>

namespace gw::check {

Result<std::vector<std::string>> accept_answer(const Result<net::DnsAnswer>& answer, Policy policy,
                                               Outcome& outcome) {
  if (!answer) return answer.error();
  if (!outcome.security || answer->security > *outcome.security) {
    outcome.security = answer->security;
  }
  outcome.recursed = outcome.recursed || answer->recursed;
  if (answer->security == net::DnsSecurity::kBogus) {
    return untrusted_error("the DNS answer does not verify (bogus): " + answer->why_bogus);
  }
  if (policy == Policy::kRequire && answer->security != net::DnsSecurity::kSecure) {
    return untrusted_error("the DNS answer is not signed (insecure), and DNSSEC is required");
  }
  std::vector<std::string> texts;
  for (const auto& rdata : answer->data) {
    GW_TRY(std::string text, net::join_txt(rdata));
    texts.push_back(std::move(text));
  }
  return texts;
}

std::string passed_over(const std::string& name, const Error& malformed) {
  return fmt::format("{}: one of its TXT records is malformed and was passed over: {}", name,
                     malformed.message);
}

void add_release(Outcome& outcome, Release release) {
  release.security = outcome.security.value_or(net::DnsSecurity::kInsecure);
  outcome.releases.push_back(std::move(release));
  outcome.newer = outcome.known.has_value();
}

}  // namespace gw::check
