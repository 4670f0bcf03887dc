#include "build/binary_claim.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "module/buildinfo.h"
#include "module/byte_source.h"
#include "os/file.h"

namespace gw::build {

namespace {

// A guess, so that a service need not build the other variant first.
bool looks_stripped(std::string_view bytes) {
  constexpr std::string_view kElf(
      "\x7f"
      "ELF");
  return bytes.starts_with(kElf) && bytes.find(".symtab") == std::string_view::npos;
}

bool is_of(const BinaryClaim& claim, const ProvenBuild& found) {
  return found.sum() == claim.sum && found.size() == *claim.size;
}

}  // namespace

Result<BinaryClaim> claim_of_file(const std::string& path) {
  GW_TRY(const std::string bytes, os::read_file(path, kMaxBinaryBytes));
  const mod::MemorySource source(bytes);
  auto info = mod::read_build_info(source);
  if (!info) return std::move(info).error().in(path);
  if (!info->main) return not_found_error(path + ": says nothing of its module");
  const auto setting = [&](std::string_view name) {
    const std::string* value = info->find_setting(name);
    return value == nullptr ? std::string() : *value;
  };
  BinaryClaim out;
  out.key.module = info->main->module.path;
  out.key.version = info->main->module.version;
  if (info->path.starts_with(out.key.module + "/")) {
    out.key.dir = info->path.substr(out.key.module.size());
  }
  out.key.target = {setting("GOOS"), setting("GOARCH")};
  out.key.go_version = info->go_version;
  out.key.stripped = setting("-ldflags").find("-s") != std::string::npos || looks_stripped(bytes);
  if (auto valid = check_key(out.key); !valid) return std::move(valid).error().in(path);
  out.size = bytes.size();
  out.sum = format_binary_sum(sha256(bytes));
  return out;
}

Result<ProvenBuild> find_claim(BuildService& service, const BinaryClaim& claim) {
  auto found = service.find(claim.key);
  if (!found && found.error().kind != ErrorKind::kNotFound) return found;
  if (!claim.size || (found && is_of(claim, *found))) return found;
  Key other = claim.key;
  other.stripped = !other.stripped;
  auto variant = service.find(other);
  // Without its answer nothing is known of the file.
  if (!variant && variant.error().kind != ErrorKind::kNotFound) return variant;
  if (variant && is_of(claim, *variant)) return variant;
  return found;
}

Status check_claim(const BinaryClaim& claim, const ProvenBuild& found, std::string_view log) {
  if (claim.size && claim.sum == found.sum() && *claim.size != found.size()) {
    return untrusted_error(
        fmt::format("it has {} bytes; the log of {} has {}", *claim.size, log, found.size()),
        "a record with another size is none that a build can have made");
  }
  if (claim.sum.empty() || claim.sum == found.sum()) return {};
  return untrusted_error(
      fmt::format("the sum is {}; the log of {} has {}", claim.sum, log, found.sum()),
      "it was not built from that source, or was changed since");
}

Result<Agreed> verify_claim(const Services& services, const BinaryClaim& claim, const Warn& warn) {
  GW_TRY(const FirstAnswer first,
         first_answer(
             services, [&](BuildService& service) { return find_claim(service, claim); }, warn));
  GW_TRY(Agreed agreed, agree(services, first, warn));
  GW_CHECK(check_claim(claim, agreed.build, agreed.by[0]->name()));
  return agreed;
}

}  // namespace gw::build
