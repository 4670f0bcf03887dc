// Why there is no binary: the error of a build that cannot be made, today or tomorrow.
//
// Stateless; any thread.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "build/reason.h"

namespace gw::build {

// Of a kNotFound error: its reason, and where the build's log is.
struct BuildFailure : ErrorDetail {
  BuildFailure(Reason r, std::string l) : reason(r), log(std::move(l)) {}
  Reason reason;
  std::string log;
};
// kNotFound, with the reason's words and hint; no log is known yet.
Error failure(FoundReason found);
bool is_failure(const Error& error);

// Whether a Go file of a directory is C's. The go command calls such a directory empty.
bool has_cgo(const std::string& directory);

}  // namespace gw::build
