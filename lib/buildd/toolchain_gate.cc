#include "buildd/toolchain_gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/metrics.h"
#include "base/text.h"
#include "build/builder.h"
#include "build/module_store.h"
#include "build/private_modules.h"
#include "module/dirhash.h"
#include "module/zip.h"
#include "os/file.h"

namespace gw::buildd {

namespace {

constexpr std::string_view kGateModule = "gwtool.invalid/gate";
constexpr std::string_view kGateVersion = "v1.0.0";
constexpr std::string_view kGateGoMod = "module gwtool.invalid/gate\n\ngo 1.13\n";
constexpr std::size_t kMaxGateFile = std::size_t{1} << 20U;
constexpr std::string_view kPassed = "passed";
constexpr std::string_view kGateFailed = "failed";

// tests/data/gate: a program with goroutines, maps of types, floating point, strings and packages
// that do much with them, and one with nothing. Packed once, as the bytes have a sum.
constexpr std::string_view kGateZip =
    "UEsDBBQAAAAIAAAAIVyoBVL4JgAAACQAAAAhAAAAZ3d0b29sLmludmFsaWQvZ2F0ZUB2MS4wLjAvZ28ubW9ky81P"
    "Kc1JVUgvL8nPz9HLzCtLzMlM0U9PLEnl4krPVzDUMzTmAgBQSwMEFAAAAAgAAAAhXKxTVWzLAQAAFQMAACIAAABn"
    "d3Rvb2wuaW52YWxpZC9nYXRlQHYxLjAuMC9tYWluLmdvXVJNb9QwED0nv2IUqZINqavy0QNSDysQSKhISAvisKyo"
    "SZzUamIb22F3G+W/M2OnBXEZe55n3ryZsZPNvewVjFKbstSjsz4CK4uq8ScX7UW4ky9eX1UIdGOkwwayXvXq6OgW"
    "MCGd0WvTp8dwMk1V8rKMJ6cAGdBqE5XvZKNmkF5JxqEbrIxXr2BZw35N+ABIMzVxhqBb9U9I2U2mARbWMP4/yQxe"
    "xckbCCJlPnu8YOpv6eFgfRvgGrJu8WkK8a0dnR4Uu93J84f981u+FqFJIPNcFpQohwF2+9xcRgbb3AO1iCxRHTPY"
    "ezu5jH6TOn4gtyw660HXqLWHN1hbGhy0dE6ZltkgNr4PNVTWKIgHW+E13nmlqlS7SIxi07bskpNrgdQxTZPMlFlU"
    "ji5a1alVhniHlIySCtIqbtBkNwcl8KsZnmCS+aNOM/qrM01MvNem3QzDNpVi647FF3tjD8ozVMFrOL9cNRQ0rOvH"
    "DtGpAT+N2DrMih2rzo5w1mOf+U+J7TTiwXb7n6eoGNXjvM7fheU1z+t6meZwAS8XLvLaeZK9oFlYni8C6Ob2aQHU"
    "GP1MkZUHUoMQyflMagbz1MxHi/tOYqvvpkLqpfwDUEsDBBQAAAAIAAAAIVzPYKFpLAAAAC8AAAAoAAAAZ3d0b29s"
    "LmludmFsaWQvZ2F0ZUB2MS4wLjAvcGxhaW4vbWFpbi5nbytITM5OTE9VyE3MzOPiSivNSwYzNTQVqhUKijLzSnLy"
    "NJQKcoBCSpoKtVwAUEsBAhQDFAAAAAgAAAAhXKgFUvgmAAAAJAAAACEAAAAAAAAAAAAAAKQBAAAAAGd3dG9vbC5p"
    "bnZhbGlkL2dhdGVAdjEuMC4wL2dvLm1vZFBLAQIUAxQAAAAIAAAAIVysU1VsywEAABUDAAAiAAAAAAAAAAAAAACk"
    "AWUAAABnd3Rvb2wuaW52YWxpZC9nYXRlQHYxLjAuMC9tYWluLmdvUEsBAhQDFAAAAAgAAAAhXM9goWksAAAALwAA"
    "ACgAAAAAAAAAAAAAAKQBcAIAAGd3dG9vbC5pbnZhbGlkL2dhdGVAdjEuMC4wL3BsYWluL21haW4uZ29QSwUGAAAA"
    "AAMAAwD1AAAA4gIAAAAA";

// The module proxy and the checksum database of one module.
class GateProxy final : public build::ProxyFiles {
 public:
  Result<std::string> fetch(const mod::ProxyRequest& request) override {
    using Kind = mod::ProxyRequest::Kind;
    if (request.module == kGateModule && request.version == kGateVersion) {
      if (request.kind == Kind::kZip) return gate_zip();
      if (request.kind == Kind::kMod) return std::string(kGateGoMod);
      if (request.kind == Kind::kInfo) return fmt::format("{{\"Version\":\"{}\"}}", kGateVersion);
    }
    return not_found_error(request.module + ": not of the module that toolchains are tried with");
  }
};
class GateSums final : public build::SumSource {
 public:
  Result<std::string> zip_sum(const std::string& module, const std::string& version) override {
    if (module != kGateModule) return not_found_error(module + ": no record");
    const std::string bytes = gate_zip();
    const mod::MemorySource source(bytes);
    GW_TRY(auto zip, mod::ModuleZip::open(source, module, version));
    return zip.hash();
  }
  Result<std::string> gomod_sum(const std::string& module,
                                const std::string& /*version*/) override {
    if (module != kGateModule) return not_found_error(module + ": no record");
    return mod::hash_gomod(kGateGoMod);
  }
};

// What is said for ever, against what another try may change.
bool is_verdict(const Error& error) {
  const auto* failed = dynamic_cast<const build::BuildFailure*>(error.detail.get());
  // A limit, or what nobody knows the reason of, may be the machine's.
  if (failed != nullptr) {
    return !build::is_limit(failed->reason) && failed->reason != build::Reason::kUnknown;
  }
  return error.kind == ErrorKind::kInternal;  // a binary that says something else of itself
}

// "go1.26.8 h1:... passed 2026-01-02T03:04:05Z message"
std::optional<ToolchainGate::Tried> parse_tried(std::string_view line) {
  std::vector<std::string_view> words;
  for (int i = 0; i < 4; ++i) {
    const std::size_t blank = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, blank));
    line.remove_prefix(std::min(blank + 1, line.size()));
  }
  if (words[3].empty() || (words[2] != kPassed && words[2] != kGateFailed)) return std::nullopt;
  return ToolchainGate::Tried{std::string(words[0]), std::string(words[1]), words[2] == kPassed,
                              std::string(words[3]), std::string(line)};
}

}  // namespace

std::string gate_zip() { return decode_base64(kGateZip).value_or(""); }

std::vector<build::Key> gate_keys(const std::string& go_version) {
  const build::Key plain{
      std::string(kGateModule), std::string(kGateVersion), "/plain", {"js", "wasm"}, go_version};
  build::Key whole = plain;
  whole.dir = "/";
  whole.target = build::host_target();
  build::Key stripped = whole;
  stripped.stripped = true;
  return {plain, whole, stripped};
}

ToolchainGate::Build gate_build(GateParts parts) {
  return [parts](const build::Toolchain& toolchain, const std::vector<build::Key>& keys,
                 bool second) -> Result<std::vector<std::string>> {
    GateProxy proxy;
    GateSums sums;
    build::ModuleStore store(parts.cache.download(), proxy, sums, nullptr);
    GW_TRY(auto builder, build::Builder::make(parts.cache, store, toolchain,
                                              {.sandbox = parts.sandbox,
                                               .limits = parts.limits,
                                               .groups = parts.groups,
                                               .again = second,
                                               // Nothing of an untried one is kept.
                                               .own_library = true},
                                              parts.stop));
    std::vector<std::string> sums_of_all;
    for (const build::Key& key : keys) {
      GW_TRY(const build::Product product, builder->build(key));
      GW_TRY(const Hash hash, product.hash());
      sums_of_all.push_back(build::format_binary_sum(hash));
    }
    return sums_of_all;
  };
}

ToolchainGate::ToolchainGate(std::string file, Build build, const Clock& clock,
                             const Logger& logger)
    : file_(std::move(file)), build_(std::move(build)), clock_(clock), logger_(logger) {
  const auto text = os::read_file(file_, kMaxGateFile);
  if (!text) return;
  std::string_view rest = *text;
  while (!rest.empty()) {
    if (auto tried = parse_tried(take_line(rest))) tried_.push_back(*std::move(tried));
  }
}

std::optional<ToolchainGate::Tried> ToolchainGate::find(std::string_view go_version) const {
  const MutexLock lock(mutex_);
  for (const Tried& tried : tried_) {
    if (tried.go_version == go_version) return tried;
  }
  return std::nullopt;
}

std::vector<ToolchainGate::Tried> ToolchainGate::all() const {
  const MutexLock lock(mutex_);
  return tried_;
}

Status ToolchainGate::save() const {
  std::string text;
  for (const Tried& tried : tried_) {
    text += fmt::format("{} {} {} {} {}\n", tried.go_version, tried.sum,
                        tried.passed ? kPassed : kGateFailed, tried.at, tried.message);
  }
  return os::write_file_atomic(file_, text, 0644);
}

Status ToolchainGate::remember(Tried tried) {
  std::replace(tried.message.begin(), tried.message.end(), '\n', ' ');
  const MutexLock lock(mutex_);
  std::erase_if(tried_, [&](const Tried& other) { return other.go_version == tried.go_version; });
  tried_.push_back(std::move(tried));
  return save();
}

Result<bool> ToolchainGate::forget(std::string_view go_version) {
  const MutexLock lock(mutex_);
  const auto gone =
      std::erase_if(tried_, [&](const Tried& tried) { return tried.go_version == go_version; });
  GW_CHECK(save());
  return gone > 0;
}

// kUntrusted is the verdict; anything else is none.
Status ToolchainGate::compare(const build::Toolchain& toolchain,
                              const std::vector<build::Key>& keys) const {
  std::vector<std::string> sums[2];
  for (const bool second : {false, true}) {
    auto built = build_(toolchain, keys, second);
    if (!built && is_verdict(built.error())) return untrusted_error(built.error().message);
    if (!built) return unavailable_error(built.error().message);
    sums[second ? 1 : 0] = *std::move(built);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (sums[0][i] == sums[1][i]) continue;
    return untrusted_error(fmt::format("two builds of {} for {} differ: {} and {}",
                                       keys[i].package(), build::format_target(keys[i].target),
                                       sums[0][i], sums[1][i]));
  }
  return {};
}

// The cheapest one first: most that is wrong shows there.
Status ToolchainGate::try_out(const build::Toolchain& toolchain) const {
  const std::vector<build::Key> keys = gate_keys(toolchain.go_version);
  GW_CHECK(compare(toolchain, {keys[0]}));
  return compare(toolchain, {keys.begin() + 1, keys.end()});
}

Status ToolchainGate::pass(const build::Toolchain& toolchain) {
  const std::string& version = toolchain.go_version;
  const auto refuse = [&](const std::string& why) {
    return untrusted_error(fmt::format("the toolchain {} was tried and failed: {}", version, why),
                           "the service's operator can have it tried again");
  };
  // One whose files could not be hashed is known by nothing: it is tried each time.
  const std::string& sum = toolchain.sum.empty() ? toolchain.kept_as : toolchain.sum;
  if (const auto known = find(version); known && known->sum == sum && !sum.empty()) {
    return known->passed ? Status() : Status(refuse(known->message));
  }
  const MonoTime start = clock_.mono();
  const Status tried = try_out(toolchain);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.mono() - start);
  if (!tried && tried.error().kind != ErrorKind::kUntrusted) {
    metric_add(Metric::kBuildToolchains, GateEnd::kTemporary);
    return unavailable_error(
        fmt::format("the toolchain {} could not be tried: {}", version, tried.error().message));
  }
  const Tried result{version, sum, tried.has_value(), format_rfc3339(clock_.now()),
                     tried ? std::string() : tried.error().message};
  // Told last: who reads of it and asks is to find it remembered.
  if (!sum.empty()) {
    if (const Status saved = remember(result); !saved) {
      logger_.error("remembering a toolchain", saved.error());
    }
  }
  metric_add(Metric::kBuildToolchains, tried ? GateEnd::kPassed : GateEnd::kFailed);
  logger_.write(
      tried ? LogLevel::kInfo : LogLevel::kError, tried ? "toolchain passed" : "toolchain refused",
      {{"go", version}, {"sum", sum}, {"milliseconds", took.count()}, {"error", result.message}});
  return tried ? Status() : Status(refuse(tried.error().message));
}

}  // namespace gw::buildd
