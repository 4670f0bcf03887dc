// The way back from a module's name to its path, as an oracle: what the library writes must be read
// as the path that it was written for.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "dns/module_name.h"
#include "dns/name.h"
#include "module/path.h"

namespace gw::dns::test {

// The element that a label spells, appended to `path`; false when it spells none.
inline bool decode_element(std::string_view label, std::string& path) {
  for (std::size_t i = 0; i < label.size(); ++i) {
    char c = label[i];
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-') {
      path.push_back(c);
      continue;
    }
    if (c != '_' || i + 2 >= label.size()) return false;
    auto octet = decode_hex(label.substr(i + 1, 2));
    if (!octet || (*octet)[0] <= 0x20 || (*octet)[0] >= 0x7f || (*octet)[0] == '/') return false;
    path.push_back((*octet)[0]);
    i += 2;
  }
  return true;
}

// The path of lower-cased canonical labels; std::nullopt when they are not the name of a valid
// module path.
inline std::optional<std::string> decode_module_labels(std::string_view labels) {
  std::array<std::string_view, kMaxLabels> path_labels;
  std::size_t n = 0;
  std::size_t at = 0;
  while (at < labels.size()) {
    std::size_t length = static_cast<std::uint8_t>(labels[at]);
    if (length == 0 || length > kMaxLabel || at + 1 + length > labels.size()) return std::nullopt;
    std::string_view label = labels.substr(at + 1, length);
    at += 1 + length;
    if (label == "_") break;
    if (n == path_labels.size()) return std::nullopt;
    path_labels[n++] = label;
  }
  std::string path;
  while (at < labels.size()) {
    std::size_t length = static_cast<std::uint8_t>(labels[at]);
    if (length == 0 || length > kMaxLabel || at + 1 + length > labels.size()) return std::nullopt;
    if (!path.empty()) path.push_back('.');
    path += labels.substr(at + 1, length);
    at += 1 + length;
  }
  if (n == 0 || path.empty()) return std::nullopt;
  while (n > 0) {
    path.push_back('/');
    if (!decode_element(path_labels[--n], path)) return std::nullopt;
  }
  // Whatever else is wrong with the spelling, another one is the canonical one.
  std::array<char, kMaxName> canonical;
  std::size_t size = encode_module_labels(path, 1, canonical);
  if (std::string_view(canonical.data(), size) != labels) return std::nullopt;
  if (!mod::check_path(path)) return std::nullopt;
  return path;
}

}  // namespace gw::dns::test
