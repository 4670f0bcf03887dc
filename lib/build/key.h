// What a build is of, its key, and what a binary is called.
//
// The same key gives the same bytes, wherever and whenever it is built: that is what this room is
// for. How keys and records are written is tlog/build_log.h's. Values and pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/result.h"
#include "build/target.h"
#include "tlog/build_log.h"

namespace gw::build {

struct Key {
  std::string module;
  std::string version;    // canonical
  std::string dir = "/";  // the command's below the module
  Target target;
  std::string go_version;  // "go1.26.8"
  bool stripped = false;

  // The command's import path.
  std::string package() const;
  // Views into this.
  tlog::BuildTarget view() const;
  bool operator==(const Key&) const = default;
};

// The key that a record is of. Precondition: the record is regular.
Key key_of_record(const tlog::BuildRecord& record);

// "MOD@VER/[DIR/]GOOS-GOARCH-GOVER[-stripped]/".
std::string format_key(const Key& key);
// kUsage, naming what is wrong, unless the key can be in a log: clean paths, a canonical version
// that fits the module, a Go version from 1.13 on in its one spelling.
Status check_key(const Key& key);
// The same of the Go version alone.
Status check_go_version(std::string_view go_version);

// BASE-VER-GOVER[-stripped][.exe], BASE being the last element of the directory, or else of the
// module.
std::string binary_name(const Key& key);
// Where a service's pages have the build with this sum, and its binary, below their base.
std::string result_path(const Key& key, std::string_view sum);
std::string binary_path(const Key& key, std::string_view sum, bool packed = false);
// With GOOS-GOARCH in it, for binaries of several targets in one directory:
// BASE-VER-GOOS-GOARCH-GOVER[-stripped][.exe].
std::string binary_name_with_target(const Key& key);

// A binary's sum as records have it: `0` and unpadded base64url of the first 20 bytes of its
// SHA-256.
std::string format_binary_sum(const Hash& sha256);

}  // namespace gw::build
