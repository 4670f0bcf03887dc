#include "dns/module_name.h"

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "module/path.h"

namespace gw::dns {

namespace {

constexpr std::string_view kSeparator{"\1_", 2};  // the label between path and host
constexpr char kHexDigits[] = "0123456789abcdef";

// Writes labels into a buffer of kMaxName octets. What does not fit is counted, not written.
class LabelWriter {
 public:
  explicit LabelWriter(std::span<char, kMaxName> out) : out_(out) {}

  void begin_label() {
    label_ = size_;
    put('\0');
  }
  void end_label() {
    std::size_t length = size_ - label_ - 1;
    if (length == 0 || length > kMaxLabel) {
      bad_label_ = true;
    } else if (label_ < out_.size()) {
      out_[label_] = static_cast<char>(length);
    }
  }
  void put(char c) {
    if (size_ < out_.size()) out_[size_] = c;
    size_++;
  }
  void escape(char c) {
    auto octet = static_cast<std::uint8_t>(c);
    put('_');
    put(kHexDigits[octet >> 4]);
    put(kHexDigits[octet & 0xf]);
  }
  void put_all(std::string_view bytes) {
    for (char c : bytes) put(c);
  }

  std::size_t size() const { return size_; }
  bool bad_label() const { return bad_label_; }
  bool overflow() const { return size_ > out_.size(); }

 private:
  std::span<char, kMaxName> out_;
  std::size_t size_ = 0;
  std::size_t label_ = 0;
  bool bad_label_ = false;
};

bool is_plain(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'); }

void write_element(LabelWriter& out, std::string_view element) {
  out.begin_label();
  for (std::size_t i = 0; i < element.size(); i++) {
    char c = element[i];
    bool at_end = i == 0 || i + 1 == element.size();
    if (is_plain(c) || (c == '-' && !at_end)) {
      out.put(c);
    } else {
      out.escape(c);
    }
  }
  out.end_label();
}

enum class EncodeFailure { kNone, kNoSlash, kBadHost, kLongLabel, kLongName };

struct Encoded {
  EncodeFailure failure = EncodeFailure::kNone;
  std::size_t size = 0;
  std::string_view element;  // the one that fails
};

Encoded encode(std::string_view path, std::size_t zone_size, std::span<char, kMaxName> out) {
  std::size_t host_end = path.find('/');
  if (host_end == std::string_view::npos) return {EncodeFailure::kNoSlash, 0, path};
  LabelWriter writer(out);
  std::size_t end = path.size();
  while (end > host_end) {
    std::size_t slash = path.rfind('/', end - 1);
    std::string_view element = path.substr(slash + 1, end - slash - 1);
    write_element(writer, element);
    if (writer.bad_label()) return {EncodeFailure::kLongLabel, 0, element};
    end = slash;
  }
  writer.put_all(kSeparator);
  std::string_view host = path.substr(0, host_end);
  for (std::size_t at = 0; at <= host.size();) {
    std::size_t dot = std::min(host.find('.', at), host.size());
    writer.begin_label();
    for (char c : host.substr(at, dot - at)) {
      if (!is_plain(c) && c != '-') return {EncodeFailure::kBadHost, 0, host};
      writer.put(c);
    }
    writer.end_label();
    if (writer.bad_label()) return {EncodeFailure::kBadHost, 0, host};
    at = dot + 1;
  }
  if (writer.size() + kModuleSpace.size() + zone_size > kMaxName) {
    return {EncodeFailure::kLongName, 0, path};
  }
  return {EncodeFailure::kNone, writer.size(), {}};
}

// The element that a label spells, appended to `path`; false when it spells none.
bool decode_element(std::string_view label, std::string& path) {
  for (std::size_t i = 0; i < label.size(); i++) {
    char c = label[i];
    if (is_plain(c) || c == '-') {
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

Result<std::string> name_in_zone(std::string_view labels, std::string_view zone) {
  GW_TRY(std::string origin, parse_lower_name(zone));
  if (labels.size() + origin.size() > kMaxName) {
    return usage_error("domain name " + quoted(zone) + " is too long to hold other names");
  }
  return format_host(std::string(labels) + origin);
}

}  // namespace

Result<std::string> module_name(std::string_view path, std::string_view zone) {
  GW_CHECK(mod::check_path(path));
  GW_TRY(std::string origin, parse_lower_name(zone));
  std::array<char, kMaxName> labels;
  Encoded encoded = encode(path, origin.size(), labels);
  std::string where = "module path " + quoted(path) + ": ";
  switch (encoded.failure) {
    case EncodeFailure::kNone:
      break;
    case EncodeFailure::kNoSlash:
      return usage_error(where + "has no dns name: a path without a slash has none",
                         "go list -m -versions " + std::string(path) + " asks the module proxy");
    case EncodeFailure::kBadHost:
      return usage_error(where + "host " + quoted(encoded.element) + " is no dns name");
    case EncodeFailure::kLongLabel:
      return usage_error(where + "has no dns name: element " + quoted(encoded.element) +
                         " takes more than 63 octets");
    case EncodeFailure::kLongName:
      return usage_error(where + "has no dns name: it would be longer than 253 characters");
  }
  return name_in_zone(std::string(labels.data(), encoded.size) + std::string(kModuleSpace), zone);
}

Result<std::string> toolchain_name(std::string_view zone) {
  return name_in_zone(std::string(kToolchainLabels) + std::string(kModuleSpace), zone);
}

Result<std::string> updates_name(std::string_view domain) {
  return name_in_zone(std::string_view("\10_updates", 9), domain);
}

std::size_t encode_module_labels(std::string_view path, std::size_t zone_size,
                                 std::span<char, kMaxName> out) {
  return encode(path, zone_size, out).size;
}

std::optional<std::string> decode_module_labels(std::string_view labels) {
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

std::size_t canonical_module_labels(std::string_view labels, std::span<char, kMaxName> out) {
  // Only what stands left of the (rightmost) separator is a path.
  std::size_t path_end = 0;
  bool bare = false;
  bool bare_before = false;  // among the labels before path_end
  for (std::size_t at = 0; at < labels.size();) {
    std::size_t length = static_cast<std::uint8_t>(labels[at]);
    if (length == 0 || length > kMaxLabel || at + 1 + length > labels.size()) return 0;
    if (labels.substr(at, 2) == kSeparator) {
      path_end = at;
      bare_before = bare;
    }
    bare = bare || labels[at + 1] == '-' || labels[at + length] == '-';
    at += 1 + length;
  }
  if (!bare_before) return 0;
  LabelWriter writer(out);
  for (std::size_t at = 0; at < path_end;) {
    std::size_t length = static_cast<std::uint8_t>(labels[at]);
    writer.begin_label();
    for (std::size_t i = 1; i <= length; i++) {
      char c = labels[at + i];
      if (c == '-' && (i == 1 || i == length)) {
        writer.escape(c);
      } else {
        writer.put(c);
      }
    }
    writer.end_label();
    at += 1 + length;
  }
  writer.put_all(labels.substr(path_end));
  return writer.bad_label() || writer.overflow() ? 0 : writer.size();
}

}  // namespace gw::dns
