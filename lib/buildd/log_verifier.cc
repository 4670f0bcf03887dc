#include "buildd/log_verifier.h"

#include <fmt/format.h>

#include "buildd/claims.h"

namespace gw::buildd {

Verifier log_verifier(std::string name, OpenLog open) {
  auto ask = [name, open = std::move(open)](const VerifierQuestion& question) -> Status {
    std::vector<net::HttpHeader> headers;
    for (const std::string& mark : question.marks) {
      headers.push_back({std::string(kHopHeader), mark});
    }
    const auto client = open(question.settled, headers);
    if (!client) return Error(client.error()).in(name);
    auto found = (*client)->find(question.key);
    if (!found) return std::move(found).error().in(name);
    if (found->record() == question.record) return {};
    return untrusted_error(
        fmt::format("{} got another result: {} bytes, {}", name, found->size(), found->sum()));
  };
  return {std::move(name), std::move(ask)};
}

}  // namespace gw::buildd
