// What the checker's parts share: which DNS answers count, and how a release is added to what is
// told. Private to lib/check.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "check/checker.h"
#include "check/outcome.h"
#include "net/resolver.h"

namespace gw::check {

// The joined TXT records of an answer, when the policy lets it count (else kUntrusted). Notes its
// state in `outcome`.
Result<std::vector<std::string>> accept_answer(const Result<net::DnsAnswer>& answer, Policy policy,
                                               Outcome& outcome);

// The note of a record that says nothing beside one that does.
std::string passed_over(const std::string& name, const Error& malformed);

// As news, if the caller knows a version.
void add_release(Outcome& outcome, Release release);

}  // namespace gw::check
