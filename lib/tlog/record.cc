#include "tlog/record.h"

#include <array>

#include "base/bytes.h"

namespace gw::tlog {

namespace {

constexpr std::string_view kSumPrefix = "h1:";
constexpr std::string_view kGoMod = "/go.mod";
constexpr std::size_t kMaxModuleBytes = 4096;
constexpr std::size_t kMaxVersionTextBytes = 1024;

constexpr std::array<bool, 256> make_base64_set() {
  std::array<bool, 256> set{};
  for (unsigned char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")) {
    set[c] = true;
  }
  return set;
}
constexpr auto kBase64Set = make_base64_set();

// Canonical base64 of 32 bytes: 43 digits, the last of which has its two low bits clear, and "=".
bool is_sum(std::string_view text) {
  constexpr std::string_view kLastDigits = "AEIMQUYcgkosw048";
  if (text.size() != kSumBytes || !text.starts_with(kSumPrefix) || text.back() != '=') return false;
  bool good = true;
  for (char c : text.substr(3, 43)) good = good && kBase64Set[static_cast<unsigned char>(c)];
  return good && kLastDigits.find(text[45]) != std::string_view::npos;
}

bool is_plain(std::string_view text) {
  bool ascii = true;
  for (char c : text) {
    auto b = static_cast<unsigned char>(c);
    if (b < 0x20) return false;
    ascii = ascii && b < 0x80;
  }
  return ascii || is_utf8(text);
}

}  // namespace

std::optional<RegularRecord> parse_record(std::string_view text) {
  // Line 1 is HEAD + " " + sum, line 2 is HEAD + "/go.mod " + sum, where HEAD is "M V".
  std::size_t end1 = text.find('\n');
  constexpr std::size_t kTail = kSumBytes + 1;
  if (end1 == std::string_view::npos || end1 <= kTail) return std::nullopt;
  std::string_view head = text.substr(0, end1 - kTail);
  std::size_t end2 = end1 + 1 + head.size() + kGoMod.size() + kTail;
  if (text.size() != end2 + 1 || text[end2] != '\n' || text[head.size()] != ' ') {
    return std::nullopt;
  }
  std::string_view line2 = text.substr(end1 + 1, end2 - end1 - 1);
  if (line2.substr(0, head.size()) != head || line2.substr(head.size(), kGoMod.size()) != kGoMod ||
      line2[head.size() + kGoMod.size()] != ' ') {
    return std::nullopt;
  }
  std::size_t space = head.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  RegularRecord r{head.substr(0, space), head.substr(space + 1),
                  text.substr(end1 - kSumBytes, kSumBytes),
                  text.substr(end2 - kSumBytes, kSumBytes)};
  if (r.module.empty() || r.module.size() > kMaxModuleBytes ||
      r.version.size() > kMaxVersionTextBytes || !r.version.starts_with('v') ||
      r.version.find_first_of(" /") != std::string_view::npos) {
    return std::nullopt;
  }
  if (!is_plain(head) || !is_sum(r.zip_sum) || !is_sum(r.gomod_sum)) return std::nullopt;
  return r;
}

std::string format_record(const RegularRecord& record) {
  std::string head = std::string(record.module) + " " + std::string(record.version);
  std::string out = head + " ";
  out += record.zip_sum;
  out += "\n" + head;
  out += kGoMod;
  out += ' ';
  out += record.gomod_sum;
  return out + "\n";
}

bool is_record_text(std::string_view text) {
  if (text.empty() || text.front() == '\n' || text.back() != '\n') return false;
  char before = 0;
  for (char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || (c == '\n' && before == '\n')) {
      return false;
    }
    before = c;
  }
  return is_utf8(text);
}

std::optional<Hash> parse_sum(std::string_view text) {
  if (!text.starts_with(kSumPrefix)) return std::nullopt;
  auto bytes = decode_base64(text.substr(kSumPrefix.size()));
  if (!bytes || bytes->size() != sizeof(Hash)) return std::nullopt;
  return hash_from_bytes(*bytes);
}

std::string format_sum(const Hash& sum) {
  return std::string(kSumPrefix) + encode_base64(as_bytes(sum));
}

}  // namespace gw::tlog
