// What readers are not to learn of the operator's machine: where things lie on it.
//
// Logs of builds and messages of proxies, databases and toolchains name files; pages and public
// logs are for strangers. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::buildd {

// The paths of files among what a service was told to read from. `proxies`: lists as in GOPROXY, of
// which one that is none has no paths; `places`: URLs, paths, or words for neither.
std::vector<std::string> local_places(const std::vector<std::string>& proxies,
                                      const std::vector<std::string>& places);

// Directories of the machine have no place in a public log, or a message for readers: each is $DIR.
std::string strip_paths(std::string_view log, const std::vector<std::string>& directories);

}  // namespace gw::buildd
