// Versions of the Go toolchain: their order, and their spelling in the checksum database.
//
// The database holds toolchains as module golang.org/toolchain, versions
// `v0.0.1-go1.26.8.linux-amd64`. Order: minor, patch, then release > rc > beta, then the number.
// Source: golang.org/doc/toolchain. All functions are pure, none allocates.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gw::mod {

inline constexpr std::string_view kToolchainModule = "golang.org/toolchain";

struct GoVersion {
  enum class Stage : std::uint8_t { kBeta, kRc, kRelease };

  std::uint32_t minor = 0;
  std::uint32_t patch = 0;  // go1.20 is the release with patch 0
  Stage stage = Stage::kRelease;
  std::uint32_t number = 0;  // of the rc or beta

  bool is_release() const { return stage == Stage::kRelease; }
  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 misreads a defaulted <=>
  auto operator<=>(const GoVersion&) const = default;
};

// `go1.X`, `go1.X.Y`, `go1.XrcN`, `go1.XbetaN`; canonical decimals. Nothing for anything else:
// `go1`, `go1.9.2rc2`, `go1.21.0-custom`, `1.21.0`.
std::optional<GoVersion> parse_go_version(std::string_view text);

struct ToolchainRecord {
  std::string_view go_version;  // "go1.26.8"; parse_go_version() takes it
  std::string_view platform;    // "linux-amd64"
};
// Splits `v0.0.1-goX.GOOS-GOARCH`; nothing when it is not exactly that.
std::optional<ToolchainRecord> parse_toolchain_version(std::string_view version);

}  // namespace gw::mod
