#include "supervise/binary_identity.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "module/byte_source.h"
#include "module/semver.h"

namespace gw::supervise {
namespace {

constexpr std::uint32_t kSymbolTable = 2;  // SHT_SYMTAB
constexpr std::size_t kMaxSections = 4096;

std::string setting(const mod::BuildInfo& info, std::string_view name) {
  const std::string* value = info.find_setting(name);
  return value == nullptr ? "" : *value;
}

std::string why_manual(const mod::BuildInfo& info, const BinaryIdentity& identity) {
  const std::string& version = identity.key.version;
  if (info.path == "command-line-arguments") return "it was built from single files";
  if (!info.main || info.main->module.path.empty()) return "it was not built from a module";
  if (info.main->replace) return "its module was replaced";
  if (version.ends_with("+dirty")) return "it was built from changed sources";
  if (!mod::parse_semver(version)) return "its version is not a released one: " + quoted(version);
  if (setting(info, "CGO_ENABLED") == "1") return "it was built with cgo";
  if (!setting(info, "-tags").empty()) return "it was built with build tags";
  if (auto good = build::check_key(identity.key); !good) return good.error().message;
  return "";
}

}  // namespace

BinaryIdentity describe(const mod::BuildInfo& info, bool stripped) {
  BinaryIdentity out;
  out.package = info.path;
  out.key.go_version = info.go_version;
  out.key.stripped = stripped;
  out.key.target = {setting(info, "GOOS"), setting(info, "GOARCH")};
  if (info.main) {
    out.key.module = info.main->module.path;
    out.key.version = info.main->module.version;
    if (info.path.starts_with(out.key.module + "/")) {
      out.key.dir = info.path.substr(out.key.module.size());
    }
  }
  if (out.key.target.goos.empty()) out.key.target = build::host_target();  // before Go 1.18
  out.why_manual = why_manual(info, out);
  return out;
}

Result<bool> is_stripped(const mod::ByteSource& program) {
  constexpr std::size_t kHeader = 64;
  auto header = program.read_exactly(0, kHeader);
  if (!header && header.error().kind == ErrorKind::kIo) return std::move(header).error();
  if (!header || !header->starts_with("\x7f"
                                      "ELF")) {
    return false;
  }
  const bool wide = (*header)[4] == 2;
  const bool big = (*header)[5] == 2;
  const auto number = [&](std::string_view bytes, std::size_t at, std::size_t width) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t place = big ? at + i : at + width - 1 - i;
      value = value << 8U | static_cast<std::uint8_t>(bytes[place]);
    }
    return value;
  };
  const std::uint64_t table = wide ? number(*header, 40, 8) : number(*header, 32, 4);
  const std::size_t size = number(*header, wide ? 58 : 46, 2);
  const std::size_t count = number(*header, wide ? 60 : 48, 2);
  if (size < 8 || count > kMaxSections) return false;
  for (std::size_t i = 0; i < count; ++i) {
    auto section = program.read_exactly(table + i * size, 8);
    if (!section && section.error().kind == ErrorKind::kIo) return std::move(section).error();
    if (!section) return false;
    if (number(*section, 4, 4) == kSymbolTable) return false;
  }
  return true;
}

Result<BinaryIdentity> read_identity(int fd) {
  GW_TRY(const mod::FdSource source, mod::FdSource::of(fd));
  auto info = mod::read_build_info(source);
  if (!info && info.error().kind == ErrorKind::kIo) return std::move(info).error();
  if (!info) {
    BinaryIdentity out;
    out.key.target = build::host_target();
    out.why_manual = "it has no build information of Go: " + info.error().message;
    return out;
  }
  GW_TRY(const bool stripped, is_stripped(source));
  return describe(*info, stripped);
}

}  // namespace gw::supervise
