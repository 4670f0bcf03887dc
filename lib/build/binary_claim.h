// What is claimed of a binary, compared with what logs say.
//
//   GW_TRY(BinaryClaim claim, claim_of_file(path));                 // its own word
//   GW_TRY(Agreed agreed, verify_claim(services, claim, warn));     // the logs'
//
// No state; one thread, but as build/services.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "build/build_service.h"
#include "build/client.h"
#include "build/key.h"
#include "build/services.h"

namespace gw::build {

struct BinaryClaim {
  Key key;
  std::optional<std::uint64_t> size;  // bytes, of a file that is here; none: only a sum is claimed
  std::string sum;                    // empty: nothing is claimed but that there is a record
};

// A file's own build information, size and sum. Errors: kNotFound: it says nothing of itself;
// kUsage: what it says is no build that a service makes; kIo.
Result<BinaryClaim> claim_of_file(const std::string& path);

// The record of that build. Whether a file was stripped is not in its build information where
// -ldflags is not (with -trimpath), and only guessed: the other variant is
// asked for where the guess is not in the log, or of another sum. Errors: as
// BuildService::find().
Result<ProvenBuild> find_claim(BuildService& service, const BinaryClaim& claim);

// kUntrusted, naming `log`, when the record is of another sum or size.
Status check_claim(const BinaryClaim& claim, const ProvenBuild& found, std::string_view log);

// What enough services have of that build, which is what is claimed. kUntrusted when it is not;
// else as agree().
Result<Agreed> verify_claim(const Services& services, const BinaryClaim& claim, const Warn& warn);

}  // namespace gw::build
