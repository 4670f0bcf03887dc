#include "build/get_binary.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "build/product.h"
#include "build/resolve.h"
#include "module/byte_source.h"

namespace gw::build {

namespace {

Result<ProvenBuild> find_meant(BuildService& service, Key key,
                               const std::function<Status(const Key&)>& check) {
  if (is_version_query(key.version) || is_go_query(key.go_version)) {
    GW_TRY(key, service.resolve(key));
  }
  GW_CHECK(check(key));
  return service.find(key);
}

// What none has, the first key is told of.
Result<ProvenBuild> find_first_known(BuildService& service, const WantedBinary& wanted,
                                     const GetTold& told) {
  std::optional<Error> first;
  for (const Key& key : wanted.keys) {
    told.asking(key);
    auto found = find_meant(service, key, wanted.check);
    if (found || found.error().kind != ErrorKind::kNotFound) return found;
    if (!first) first = std::move(found).error();
  }
  return first ? *std::move(first) : internal_error("nothing was asked for");
}

}  // namespace

std::vector<Key> candidate_keys(const Key& asked) {
  if (asked.dir.size() > 1) return {asked};
  std::vector<Key> out;
  for (const std::string& module : candidate_modules(asked.module)) {
    Key candidate = asked;
    candidate.module = module;
    candidate.dir = asked.module.substr(module.size());
    if (candidate.dir.empty()) candidate.dir = "/";
    out.push_back(std::move(candidate));
  }
  return out;
}

Result<FetchedBinary> get_binary(const Services& services, const WantedBinary& wanted,
                                 const GetTold& told) {
  GW_TRY(
      const FirstAnswer first,
      first_answer(
          services, [&](BuildService& service) { return find_first_known(service, wanted, told); },
          told.warn));
  const ProvenBuild& found = first.build;
  if (!wanted.sum.empty() && wanted.sum != found.sum()) {
    return untrusted_error(fmt::format("{}: the log has the sum {}, not {}",
                                       format_key(found.key()), found.sum(), wanted.sum));
  }
  GW_TRY(const Agreed agreed, agree(services, first, told.warn));
  if (agreed.build.record() != found.record()) {
    return untrusted_error(format_key(found.key()) + ": the others agree on another record");
  }
  told.downloading(found);
  GW_TRY(std::string bytes, fetch_agreed(agreed));
  // From here on the bytes are those of the record; last, they must say so themselves.
  if (auto said = check_binary(mod::MemorySource(bytes), found.key()); !said) {
    return untrusted_error(std::move(said).error().message);
  }
  return FetchedBinary{found, std::move(bytes), agreed.by.size()};
}

}  // namespace gw::build
