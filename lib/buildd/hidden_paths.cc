#include "buildd/hidden_paths.h"

#include "module/proxy.h"

namespace gw::buildd {

namespace {

void add_local_place(std::vector<std::string>& out, std::string_view place) {
  constexpr std::string_view kFile = "file://";
  if (place.starts_with(kFile)) place.remove_prefix(kFile.size());
  if (place.starts_with('/')) out.emplace_back(place);
}

}  // namespace

std::vector<std::string> local_places(const std::vector<std::string>& proxies,
                                      const std::vector<std::string>& places) {
  std::vector<std::string> out;
  for (const std::string& list : proxies) {
    const auto entries = mod::parse_proxy_entries(list);
    if (!entries) continue;
    for (const mod::ProxyEntry& entry : *entries) add_local_place(out, entry.place);
  }
  for (const std::string& place : places) add_local_place(out, place);
  return out;
}

std::string strip_paths(std::string_view log, const std::vector<std::string>& directories) {
  std::string out(log);
  for (const std::string& directory : directories) {
    if (directory.size() < 2) continue;
    for (auto at = out.find(directory); at != std::string::npos; at = out.find(directory, at)) {
      out.replace(at, directory.size(), "$DIR");
    }
  }
  return out;
}

}  // namespace gw::buildd
