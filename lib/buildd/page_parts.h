// Parts that pages of modules and builds have in common, as HTML. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "build/key.h"
#include "buildd/ledger.h"
#include "buildd/pages.h"

namespace gw::buildd {

// "1 build", "2 builds".
std::string format_count(std::uint64_t n, std::string_view what);
// "linux/amd64, go1.26.8, stripped".
std::string what_for(const build::Key& key);

// Lists of links to other versions, variants, targets and Go versions of a build.
std::string all_choices(const build::Key& key, const Around& around);

// Each with its page, and what would help. `unanswered`: nobody could say.
std::string vulnerability_marks(const Findings& findings, bool unanswered);
std::string private_mark(const std::string& remark);
// What a reader should know before running it.
std::string marks(const build::Key& key, const Around& around);

std::string builds_table(const std::vector<Built>& builds);

}  // namespace gw::buildd
