// Module paths and the labels of their names: what decodes encodes to the same labels, what encodes
// decodes to the same path, and a bare spelling rewrites to one that needs no further rewriting.
#include <array>
#include <cstdint>
#include <string>

#include "../support/dns/decode_module_name.h"
#include "dns/module_name.h"
#include "dns/name.h"
#include "fuzz/require.h"
#include "module/path.h"

namespace fuzz_dns_module_name {

FUZZ_TARGET(dns_module_name)(const std::uint8_t* data, std::size_t size) {
  using namespace gw::dns;  // NOLINT(google-build-using-namespace)
  using gw::mod::ModulePath;
  using test::decode_module_labels;
  static const ModuleNames kNames = ModuleNames::in_zone(".").value();
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  std::array<char, kMaxName> out;
  if (auto path = decode_module_labels(bytes)) {
    require(gw::mod::check_path(*path).has_value());
    std::size_t encoded = encode_module_labels(*path, 1, out);
    require(std::string_view(out.data(), encoded) == bytes);
    std::array<char, kMaxName> again;
    require(std::string_view(again.data(), path_of_module_labels(bytes, again)) == *path);
    require(canonical_module_labels(bytes, out) == 0);
    require(kNames.of_module(ModulePath::parse(*path).value()).has_value());
  }
  if (gw::mod::check_path(bytes)) {
    std::size_t encoded = encode_module_labels(bytes, 1, out);
    auto name = kNames.of_module(ModulePath::parse(bytes).value());
    require(name.has_value() == (encoded != 0));
    if (encoded != 0) {
      std::string labels(out.data(), encoded);
      require(decode_module_labels(labels) == std::string(bytes));
      require(parse_name(*name).value() ==
              labels + std::string(kModuleSpace) + std::string(kRootName));
    }
  }
  if (const std::size_t path = path_of_module_labels(bytes, out); path != 0) {
    const std::string text(out.data(), path);
    const std::size_t encoded = encode_module_labels(text, 1, out);
    require(encoded == 0 || std::string_view(out.data(), encoded) == bytes);
  }
  std::size_t rewritten = canonical_module_labels(bytes, out);
  if (rewritten != 0) {
    std::string once(out.data(), rewritten);
    require(once != bytes);
    require(canonical_module_labels(once, out) == 0);
  }
  return 0;
}

}  // namespace fuzz_dns_module_name
