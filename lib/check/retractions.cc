#include "check/retractions.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "module/gomod.h"
#include "module/semver.h"
#include "os/file.h"

namespace gw::check {
namespace {

// A module path and its highest release.
using Newest = std::pair<std::string, std::string>;
using Files = std::map<Newest, Result<std::string>>;

// x/mod's semver.Compare: what is no version is lower than all.
int compare_loosely(std::string_view a, std::string_view b) {
  const auto va = mod::parse_semver(a);
  const auto vb = mod::parse_semver(b);
  if (!va || !vb) return int{va.has_value()} - int{vb.has_value()};
  return mod::compare_semver(*va, *vb);
}

Files wanted_files(const std::vector<Outcome>& outcomes) {
  Files files;
  for (const Outcome& outcome : outcomes) {
    if (outcome.kind != Kind::kModule) continue;
    const auto want = [&](const std::string& path, const std::string& newest) {
      files.try_emplace({path, newest}, unavailable_error("no module proxy was asked"));
    };
    for (const Release& r : outcome.releases) want(r.name, r.newest);
    if (outcome.had) want(outcome.had->module, outcome.had->newest);
  }
  return files;
}

std::string path_of(const Newest& newest) {
  // Both have been checked where they came from.
  const auto path =
      mod::format_proxy_path({mod::ProxyRequest::Kind::kMod, newest.first, newest.second});
  return path ? *path : "";
}

// Asks one proxy for all that are still missing.
Status ask(const mod::ProxyEntry& proxy, net::HttpClient& http,
           const std::vector<Files::iterator>& missing) {
  const std::size_t most = mod::max_answer_bytes(mod::ProxyRequest::Kind::kMod);
  if (proxy.kind == mod::ProxyEntry::Kind::kFile) {
    for (const auto& file : missing) {
      file->second = os::read_file(fmt::format("{}/{}", proxy.place, path_of(file->first)), most);
    }
    return {};
  }
  std::vector<net::HttpRequest> requests;
  for (const auto& file : missing) {
    net::HttpRequest request;
    request.url = fmt::format("{}/{}", proxy.place, path_of(file->first));
    request.max_body = most;
    request.max_redirects = 10;
    request.accept_gzip = true;
    requests.push_back(std::move(request));
  }
  auto responses = http.fetch(requests);
  for (std::size_t i = 0; i < missing.size(); ++i) {
    missing[i]->second = net::require_ok(std::move(responses[i]), requests[i]);
  }
  return {};
}

Status fetch_files(Files& files, const RetractionOptions& options) {
  GW_TRY(net::HttpClient http, net::HttpClient::create(options.http));
  bool asked = false;
  std::vector<Files::iterator> missing;
  for (auto it = files.begin(); it != files.end(); ++it) missing.push_back(it);
  for (const mod::ProxyEntry& proxy : options.proxies) {
    // The go command goes to the module's own repository then, which is not done here.
    const bool has_files =
        proxy.kind == mod::ProxyEntry::Kind::kUrl || proxy.kind == mod::ProxyEntry::Kind::kFile;
    if (!has_files || missing.empty()) break;
    asked = true;
    GW_CHECK(ask(proxy, http, missing));
    // After a comma the next one is asked for what is not there, after a | also for what failed.
    std::erase_if(missing, [&](const Files::iterator& file) {
      return file->second ||
             (!proxy.after_any && file->second.error().kind != ErrorKind::kNotFound);
    });
  }
  if (asked || files.empty()) return {};
  return usage_error("--retracted: no module proxy to ask", "name one with --goproxy");
}

}  // namespace

Result<Marks> read_marks(std::string_view gomod, std::string_view version) {
  auto file = mod::parse_gomod(gomod, mod::GoModMode::kLax);
  if (!file) return corrupt_error(file.error().message);
  // What is read leniently may be anybody's page.
  if (!file->module) return corrupt_error("no go.mod: it has no module line");
  Marks marks;
  marks.deprecated = file->module->deprecated;
  for (const mod::GoModRetract& r : file->retract) {
    if (compare_loosely(r.low, version) > 0 || compare_loosely(version, r.high) > 0) continue;
    if (!marks.retracted || marks.retracted->empty()) marks.retracted = r.rationale;
  }
  return marks;
}

Status mark_retracted(std::vector<Outcome>& outcomes, const RetractionOptions& options) {
  Files files = wanted_files(outcomes);
  GW_CHECK(fetch_files(files, options));
  for (Outcome& outcome : outcomes) {
    if (outcome.kind != Kind::kModule) continue;
    std::string failed;  // once a path
    const auto read = [&](const Newest& newest, const std::string& version) -> Release::Marks {
      const auto& file = files.at(newest);
      auto marks = file ? read_marks(*file, version) : Result<Marks>(file.error());
      if (marks) return {true, std::move(marks->retracted), std::move(marks->deprecated)};
      if (std::exchange(failed, newest.first) != newest.first) {
        outcome.errors.push_back(Error(marks.error()).in(newest.first + ": its newest go.mod"));
      }
      return {};
    };
    if (outcome.had) {
      outcome.had->marks = read({outcome.had->module, outcome.had->newest}, *outcome.known);
    }
    for (Release& r : outcome.releases) r.marks = read({r.name, r.newest}, r.version);
  }
  return {};
}

}  // namespace gw::check
