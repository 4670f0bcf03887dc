#include "tlog/go_log.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "base/text.h"
#include "module/path.h"

namespace gw::tlog {

namespace {

constexpr std::string_view kSumPrefix = "h1:";
constexpr std::string_view kGoMod = "/go.mod";
constexpr std::size_t kMaxModuleBytes = 4096;
constexpr std::size_t kMaxVersionTextBytes = 1024;

// Sixteen bytes at a time, with the compiler's portable vectors: a lookup a byte would cost as much
// as hashing the record.
using Bytes16 = unsigned char __attribute__((vector_size(16)));

bool is_base64_16(const char* text) {
  Bytes16 c;
  std::memcpy(&c, text, sizeof c);
  auto good = (((c | 0x20) - 'a') < 26) | ((c - '0') < 10) | (c == '+') | (c == '/');
  std::array<std::int64_t, 2> halves;
  std::memcpy(halves.data(), &good, sizeof good);
  return (halves[0] & halves[1]) == -1;
}

// Canonical base64 of 32 bytes: 43 digits, the last of which has its two low bits clear, and "=".
bool is_sum(std::string_view text) {
  constexpr std::string_view kLastDigits = "AEIMQUYcgkosw048";
  if (text.size() != kSumBytes || !text.starts_with(kSumPrefix) || text.back() != '=') return false;
  const char* digits = text.data() + kSumPrefix.size();
  return is_base64_16(digits) && is_base64_16(digits + 16) && is_base64_16(digits + 43 - 16) &&
         kLastDigits.find(text[45]) != std::string_view::npos;
}

// UTF-8 without control characters.
bool is_plain(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  std::uint64_t high = 0;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t x = 0;
    std::memcpy(&x, text.data() + i, sizeof x);
    if (((x - kOnes * 0x20) & ~x & (kOnes * 0x80)) != 0) return false;  // a byte below 0x20
    high |= x;
  }
  for (; i < text.size(); ++i) {
    auto b = static_cast<unsigned char>(text[i]);
    if (b < 0x20) return false;
    high |= b;
  }
  return (high & (kOnes * 0x80)) == 0 || is_utf8(text);
}

bool is_version(std::string_view text) {
  return text.size() <= kMaxVersionTextBytes && text.starts_with('v') &&
         text.find(' ') == std::string_view::npos && text.find('/') == std::string_view::npos;
}

}  // namespace

bool is_record_module(std::string_view text) {
  return !text.empty() && text.size() <= kMaxModuleBytes && is_plain(text) &&
         text.find(' ') == std::string_view::npos;
}

std::optional<GoRecord> parse_go_record(std::string_view text) {
  // Line 1 is HEAD + " " + sum, line 2 is HEAD + "/go.mod " + sum, where HEAD is "M V".
  const std::size_t end1 = text.find('\n');
  constexpr std::size_t kTail = kSumBytes + 1;
  if (end1 == std::string_view::npos || end1 <= kTail) return std::nullopt;
  const std::string_view head = text.substr(0, end1 - kTail);
  const std::size_t end2 = end1 + 1 + head.size() + kGoMod.size() + kTail;
  if (text.size() != end2 + 1 || text[end2] != '\n' || text[head.size()] != ' ') {
    return std::nullopt;
  }
  const std::string_view line2 = text.substr(end1 + 1, end2 - end1 - 1);
  if (line2.substr(0, head.size()) != head || line2.substr(head.size(), kGoMod.size()) != kGoMod ||
      line2[head.size() + kGoMod.size()] != ' ') {
    return std::nullopt;
  }
  const std::size_t space = head.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  GoRecord r{head.substr(0, space), head.substr(space + 1),
             text.substr(end1 - kSumBytes, kSumBytes), text.substr(end2 - kSumBytes, kSumBytes)};
  if (r.module.empty() || r.module.size() > kMaxModuleBytes || !is_version(r.version) ||
      !is_plain(head) || !is_sum(r.zip_sum) || !is_sum(r.gomod_sum)) {
    return std::nullopt;
  }
  return r;
}

std::string format_go_record(const GoRecord& record) {
  return fmt::format("{0} {1} {2}\n{0} {1}{3} {4}\n", record.module, record.version, record.zip_sum,
                     kGoMod, record.gomod_sum);
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

std::string go_key(std::string_view module, std::string_view version) {
  return fmt::format("{}@{}", module, version);
}

GoSums go_sums(const VerifiedRecord& record) {
  // Line 1 is "M V SUM", and the other sum ends the record.
  const std::string_view text = record.text();
  return {text.substr(record.module().size() + record.version().size() + 2, kSumBytes),
          text.substr(text.size() - 1 - kSumBytes, kSumBytes)};
}

Result<GoSums> find_sums(std::string_view record, std::string_view module,
                         std::string_view version) {
  GoSums sums;
  std::string zip = fmt::format("{} {} ", module, version);
  std::string gomod = fmt::format("{} {}/go.mod ", module, version);
  while (!record.empty()) {
    if (record.back() != '\n') return untrusted_error("record does not end in a line feed");
    const std::string_view line = take_line(record);
    for (auto [prefix, sum] : {std::pair(&zip, &sums.zip), std::pair(&gomod, &sums.gomod)}) {
      if (!line.starts_with(*prefix)) continue;
      if (!sum->empty()) return untrusted_error("record has two lines for " + quoted(*prefix));
      *sum = line.substr(prefix->size());
      if (!parse_sum(*sum)) return untrusted_error("record has a malformed sum");
    }
  }
  if (sums.zip.empty() || sums.gomod.empty()) {
    return another_record_error(go_key(module, version));
  }
  return sums;
}

namespace {

std::optional<RecordSubject> find_subject(std::string_view record) {
  const auto r = parse_go_record(record);
  if (!r) return std::nullopt;
  return RecordSubject{r->module, r->version};
}

std::string key_of(std::string_view record) {
  const auto r = parse_go_record(record);
  return r ? go_key(r->module, r->version) : std::string();
}

// A module's path holds no `@`.
Result<RecordSubject> split_key(std::string_view key) {
  const std::size_t at = key.find('@');
  if (at == std::string_view::npos) return usage_error(quoted(key) + ": no MODULE@VERSION");
  return RecordSubject{key.substr(0, at), key.substr(at + 1)};
}

Result<std::string> lookup_path(std::string_view key) {
  GW_TRY(const RecordSubject of, split_key(key));
  GW_TRY(const std::string path, mod::escape_path(of.module));
  GW_TRY(const std::string version, mod::escape_version(of.version));
  return fmt::format("lookup/{}@{}", path, version);
}

Status check_answer(std::string_view record, std::string_view key) {
  GW_TRY(const RecordSubject of, split_key(key));
  GW_TRY([[maybe_unused]] const GoSums sums, find_sums(record, of.module, of.version));
  return {};
}

}  // namespace

constinit const LogFormat kGoLog{.name = "go",
                                 .origin = kSumdbOrigin,
                                 .find_subject = find_subject,
                                 .key_of = key_of,
                                 .lookup_path = lookup_path,
                                 .check_answer = check_answer};

}  // namespace gw::tlog
