#include "vanity/compare.h"

#include <fmt/format.h>

#include <algorithm>

#include "vanity/report.h"

namespace gw::vanity {
namespace {

// A server that fails says nothing of what it would answer.
void blame_server(Result<Found>& r) {
  const bool fault = !r && dynamic_cast<const ServerFault*>(r.error().detail.get()) != nullptr;
  if (fault) r.error().kind = ErrorKind::kUnavailable;
}

bool is_answer(const Result<Found>& r) { return r || r.error().kind == ErrorKind::kNotFound; }

std::string shown(const Result<Found>& r) {
  return r ? format_import(r->import) : fmt::format("none ({})", r.error().message);
}

}  // namespace

std::vector<Comparison> compare(const LookupOptions& options, TxtLookups* dns,
                                const NewPageFetcher& http, const Clock& clock,
                                std::span<const std::string> paths) {
  LookupOptions only = options;
  only.dns = true;
  only.http = false;
  auto by_dns = Lookup(only, dns, nullptr, clock).run(paths);
  std::vector<Comparison> out(paths.size());
  std::vector<std::string> rest;
  std::vector<std::size_t> where;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    out[i].path = paths[i];
    out[i].dns = by_dns[i].result;
    out[i].http = by_dns[i].result;
    if (!is_answer(out[i].dns)) continue;
    rest.push_back(paths[i]);
    where.push_back(i);
  }
  only.dns = false;
  only.http = true;
  auto by_http = Lookup(only, dns, http, clock).run(rest);
  for (std::size_t i = 0; i < rest.size(); ++i) {
    Comparison& c = out[where[i]];
    c.http = std::move(by_http[i].result);
    blame_server(c.http);
    c.compared = is_answer(c.http);
    c.same = c.compared && c.dns && c.http && c.dns->import == c.http->import;
  }
  return out;
}

std::vector<std::string> record_prefixes(const DomainRecords& records) {
  std::vector<std::string> out;
  for (const GoImport& r : records.records) {
    if (std::find(out.begin(), out.end(), r.prefix) == out.end()) out.push_back(r.prefix);
  }
  return out;
}

Status check_compared(const Comparison& c) {
  if (!c.compared) return c.http.error();
  // No disagreement, and yet nothing that the path could be found by.
  if (!c.dns && !c.http) return not_found_error(format_comparison(c));
  return {};
}

std::string format_comparison(const Comparison& c) {
  return fmt::format("{}: dns {}; http {}", c.path, shown(c.dns), shown(c.http));
}

Json comparison_json(std::span<const Comparison> comparisons) {
  auto side = [](const Result<Found>& r) {
    if (!r) return Json{{"error", error_json(r.error())}};
    Json j = import_json(r->import);
    j["security"] = std::string(trust_name(r->trust));
    return j;
  };
  Json list = Json::array();
  for (const Comparison& c : comparisons) {
    list.push_back({{"path", c.path},
                    {"compared", c.compared},
                    {"same", c.same},
                    {"dns", side(c.dns)},
                    {"http", side(c.http)}});
  }
  return {{"comparisons", std::move(list)}};
}

}  // namespace gw::vanity
