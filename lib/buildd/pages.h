// What the pages say. Pure functions from what is known to HTML: nothing here asks anybody.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "buildd/catalog.h"
#include "buildd/html.h"
#include "buildd/ledger.h"
#include "buildd/queue.h"
#include "module/vulnerability.h"

namespace gw::buildd {

struct SiteFacts {
  std::string name;            // the log key's
  std::string verifier_key;    // of the log
  std::string checkpoint_key;  // of its second dialect
  std::string notes;           // the operator's, plain text
  std::string base_url;        // "https://NAME", for command lines
};

struct HomeFacts {
  std::uint64_t log_size = 0;
  std::size_t waiting = 0;
  std::vector<Built> recent;
};
Page home_page(const SiteFacts& site, const HomeFacts& facts);

// Known vulnerabilities; nothing: nobody was asked about them, or nobody answered.
using Findings = std::optional<std::vector<mod::Finding>>;

struct ModulePageFacts {
  std::string module;
  std::string version;      // `latest`
  Findings findings = {};   // of that version
  bool unanswered = false;  // the vulnerability database was asked in vain
  std::string remark = {};  // who says what a private module is
  std::shared_ptr<const ModuleFacts> facts;
  std::vector<Built> built;
};
Page module_page(const SiteFacts& site, const ModulePageFacts& facts);

// What is around a build: other versions, targets, Go versions, and which of them are built.
struct Around {
  std::shared_ptr<const ModuleVersions> versions;  // may be null
  std::vector<std::string> go_versions;
  std::set<std::string> built;  // keys
  bool object_files = false;
  std::string remark = {};                // who says what a private module is
  Findings findings = {};                 // of the build; of what it is made of, if it is there
  bool unanswered = false;                // the vulnerability database was asked in vain
  std::set<std::string> vulnerable = {};  // versions
};

// One that is not built: nobody asked for it yet, or it waits, or it runs.
Page unbuilt_page(const SiteFacts& site, const build::Key& key, const Around& around,
                  const std::optional<BuildUpdate>& state);
// `log`: plain text, may be cut in front.
Page failed_page(const SiteFacts& site, const build::Key& key, const Around& around,
                 const Failure& failure, std::string_view log);
Page result_page(const SiteFacts& site, const build::Key& key, const Around& around,
                 const Built& built);
// A sum that nobody has built here yet.
Page unknown_sum_page(const SiteFacts& site, const build::Key& key, std::string_view sum);
Page error_page(const SiteFacts& site, int status, const Error& error);

}  // namespace gw::buildd
