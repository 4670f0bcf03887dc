// The go-import entries in what owners of vanity domains already have: the configuration of the
// servers that make their meta tags, or a plain list.
//
//   list          a line per entry: prefix vcs root [subdir]; "#" starts a comment
//   sally         go.uber.org/sally, YAML: url, packages.NAME.{repo,url,vcs}; repo has no scheme
//   vangen        4d63.com/vangen, JSON: domain, repositories[].{prefix,type,url}; type is git at
//                 github.com and gitlab.com
//   govanityurls  GoogleCloudPlatform/govanityurls, YAML: host, paths.PATH.{repo,vcs}, or the paths
//                 alone as its first version had them
//
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vanity/go_import.h"

namespace gw::vanity {

enum class SiteFormat { kAuto, kList, kSally, kVangen, kGovanityurls };

struct SiteFile {
  SiteFormat format = SiteFormat::kAuto;
  std::string host;  // of govanityurls files, which may leave it to the request; else ignored
};

// The entries in the order of the file. They are not checked: see check_entries. kUsage naming line
// or entry when the file is malformed, or lacks what an entry needs.
Result<std::vector<GoImport>> parse_site(std::string_view text, const SiteFile& how);

// kUsage naming the first entry that no lookup would use: check_import, and a prefix that is an
// import path.
Status check_entries(const std::vector<GoImport>& entries);

}  // namespace gw::vanity
