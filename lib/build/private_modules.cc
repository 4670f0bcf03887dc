#include "build/private_modules.h"

#include <fmt/format.h>

#include <memory>

#include "base/bytes.h"
#include "base/text.h"
#include "module/byte_source.h"
#include "module/dirhash.h"
#include "module/goversion.h"
#include "module/private_patterns.h"
#include "module/zip.h"
#include "os/dir.h"

namespace gw::build {

namespace {

using Kind = mod::ProxyRequest::Kind;

constexpr std::size_t kMaxSumFile = 256;

Error private_refusal(std::string message, std::string hint) {
  Error out = usage_error(std::move(message), std::move(hint));
  out.detail = std::make_shared<PrivateRefusal>();
  return out;
}

Result<std::string> sum_of_file(const mod::ProxyRequest& request, const mod::ByteSource& bytes) {
  if (request.kind == Kind::kMod) {
    if (bytes.size() > mod::max_answer_bytes(Kind::kMod)) return untrusted_error("too large");
    GW_TRY(const std::string text, bytes.read_exactly(0, bytes.size()));
    return mod::hash_gomod(text);
  }
  GW_TRY(auto zip, mod::ModuleZip::open(bytes, request.module, request.version));
  return zip.hash();
}

}  // namespace

bool PrivateRules::is_private(std::string_view module) const {
  return module != mod::kToolchainModule && mod::match_prefix_patterns(modules, module);
}

bool PrivateRules::is_first_seen(std::string_view module) const {
  return is_private(module) && mod::match_prefix_patterns(first_seen, module);
}

Result<std::string> PrivateProxies::fetch(const mod::ProxyRequest& request) {
  if (!rules_.is_private(request.module)) return public_.fetch(request);
  if (private_ != nullptr) return private_->fetch(request);
  return private_refusal(
      request.module + ": a private module, and there is no proxy for those",
      "--private-proxy says where they come from; no other proxy is asked about them");
}

// ---- sums that nobody vouches for ----

namespace {

// A file each: its name is the file's at a proxy, hashed, as that may be long and has slashes.
std::string record_name(const std::string& path) { return encode_hex(as_bytes(sha256(path))); }

Result<std::string> read_record(const os::Dir& dir, const std::string& directory,
                                const std::string& path) {
  const std::string name = record_name(path);
  GW_TRY(const std::string text, dir.read_file(name, kMaxSumFile));
  std::string_view rest = text;
  const std::string_view sum = take_line(rest);
  if (trim(rest) == path) return std::string(sum);
  return corrupt_error(fmt::format("{}/{}: not the sum of {}", directory, name, path),
                       "remove it, to take what the proxy has now");
}

}  // namespace

// The sum that counts: another call may have seen it first.
Result<std::string> FirstSeenSums::see(const mod::ProxyRequest& request,
                                       const mod::ByteSource& bytes) {
  GW_TRY(const std::string path, mod::format_proxy_path(request));
  GW_TRY(const os::Dir dir, os::Dir::open(directory_));
  auto kept = read_record(dir, directory_, path);
  if (kept || kept.error().kind != ErrorKind::kNotFound) return kept;
  GW_TRY(const std::string sum, sum_of_file(request, bytes));
  GW_TRY(os::NewFile file, dir.new_file(0644));
  GW_CHECK(file.write(fmt::format("{}\n{}\n", sum, path)));
  const Status first = file.publish(record_name(path));
  if (first) return sum;
  auto other = read_record(dir, directory_, path);
  return other ? other : Result<std::string>(first.error());
}

Status FirstSeenSums::offer(const mod::ProxyRequest& request, const mod::ByteSource& bytes) {
  GW_TRY([[maybe_unused]] const std::string sum, see(request, bytes));
  return {};
}

Result<std::string> FirstSeenSums::find(const mod::ProxyRequest& request) {
  GW_TRY(const std::string path, mod::format_proxy_path(request));
  GW_TRY(const os::Dir dir, os::Dir::open(directory_));
  auto kept = read_record(dir, directory_, path);
  if (kept || kept.error().kind != ErrorKind::kNotFound) return kept;
  GW_TRY(const std::string body, proxy_.fetch(request));
  return see(request, mod::MemorySource(body));
}

Result<std::string> FirstSeenSums::zip_sum(const std::string& module, const std::string& version) {
  return find({Kind::kZip, module, version});
}

Result<std::string> FirstSeenSums::gomod_sum(const std::string& module,
                                             const std::string& version) {
  return find({Kind::kMod, module, version});
}

SumRemark FirstSeenSums::remark(const std::string& /*module*/) const {
  return {"in no checksum database: it has the sum that it had when it was first seen here", false};
}

// ---- each to its own ----

Result<SumSource*> PrivateSums::source_for(const std::string& module) const {
  if (!rules_.is_private(module)) return &sources_.public_log;
  if (rules_.is_first_seen(module)) return &sources_.first_seen;
  if (sources_.private_log != nullptr) return sources_.private_log;
  return private_refusal(module + ": a private module, and no checksum database says what it is",
                         "--private-log-key names one; --nosumdb takes it as it comes");
}

Result<std::string> PrivateSums::zip_sum(const std::string& module, const std::string& version) {
  GW_TRY(SumSource* const source, source_for(module));
  return source->zip_sum(module, version);
}

Result<std::string> PrivateSums::gomod_sum(const std::string& module, const std::string& version) {
  GW_TRY(SumSource* const source, source_for(module));
  return source->gomod_sum(module, version);
}

SumRemark PrivateSums::remark(const std::string& module) const {
  if (!rules_.is_private(module)) return {};
  if (rules_.is_first_seen(module)) return sources_.first_seen.remark(module);
  return {"private, in the checksum database " + sources_.private_log_name};
}

Status PrivateSums::offer(const mod::ProxyRequest& request, const mod::ByteSource& bytes) {
  GW_TRY(SumSource* const source, source_for(request.module));
  return source->offer(request, bytes);
}

}  // namespace gw::build
