#include "build_agreed_group.h"

#include <optional>

#include "build/agreement.h"
#include "os/thread.h"

namespace gw::cmd {

Result<Services> open_services(const BuildServiceValues& v, const Clock& clock,
                               const os::Stop& stop) {
  std::vector<build::ServiceName> named{{v.log_key, v.source.value_or("")}};
  for (const std::string& text : v.verifiers) named.push_back(split_build_service(text));
  GW_CHECK(build::check_different(named));
  Services out;
  GW_TRY(auto first, open_build_service(v, {v.log_key, v.source.value_or("")}, clock, stop));
  out.clients.push_back(std::move(first));
  for (const std::string& text : v.verifiers) {
    GW_TRY(auto other, open_build_service(v, split_build_service(text), clock, stop));
    out.clients.push_back(std::move(other));
  }
  GW_TRY(out.wanted, wanted_servers(v, out.clients.size()));
  return out;
}

Result<Agreed> agree(Context& ctx, const Services& services, const build::ProvenBuild& known,
                     std::size_t from) {
  const Clients& clients = services.clients;
  std::vector<build::ServiceAnswer> answers;
  for (const auto& client : clients) answers.push_back({client->key().name(), known});
  os::run_on_threads(clients.size(), [&](std::size_t i) {
    if (i != from) answers[i].build = clients[i]->find(known.key());
  });
  GW_TRY(build::Agreement agreement, build::find_agreement(answers, services.wanted));
  for (const std::string& warning : agreement.warnings) ctx.out.warn(warning);
  Agreed out{std::move(agreement.build), {}};
  for (const std::size_t i : agreement.by) out.by.push_back(clients[i].get());
  return out;
}

Result<std::pair<build::ProvenBuild, std::size_t>> first_answer(
    Context& ctx, const Services& services,
    const std::function<Result<build::ProvenBuild>(build::LogClient&)>& ask) {
  const std::size_t may_fail = services.clients.size() - services.wanted;
  std::optional<Error> first;
  for (std::size_t i = 0;; ++i) {
    auto found = ask(*services.clients[i]);
    if (found) return std::pair(*std::move(found), i);
    const ErrorKind kind = found.error().kind;
    if (!first) first = found.error();
    // What is wrong with the call is for all. One service may not have what another one has.
    if (kind == ErrorKind::kUntrusted || kind == ErrorKind::kUsage) return found.error();
    if (i >= may_fail) return kind == ErrorKind::kNotFound ? *first : found.error();
    ctx.out.warn(found.error().in("asking " + services.clients[i]->key().name()).message);
  }
}

Result<std::string> fetch_agreed(const Agreed& agreed) {
  for (std::size_t i = 0;; ++i) {
    auto bytes = agreed.by[i]->fetch(agreed.found);
    if (bytes || i + 1 == agreed.by.size()) return bytes;
    if (bytes.error().kind == ErrorKind::kUntrusted) {
      return std::move(bytes).error().in(agreed.by[i]->key().name());
    }
  }
}

}  // namespace gw::cmd
