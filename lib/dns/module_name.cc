#include "dns/module_name.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/text.h"
#include "dns/name.h"

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
    const std::size_t length = size_ - label_ - 1;
    if (length == 0 || length > kMaxLabel) {
      bad_label_ = true;
    } else if (label_ < out_.size()) {
      out_[label_] = static_cast<char>(length);
    }
  }
  void put(char c) {
    if (size_ < out_.size()) out_[size_] = c;
    ++size_;
  }
  void escape(char c) {
    auto octet = static_cast<std::uint8_t>(c);
    put('_');
    put(kHexDigits[octet >> 4]);
    put(kHexDigits[octet & 0xf]);
  }
  void put_all(std::string_view bytes) {
    for (const char c : bytes) put(c);
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

void write_element(LabelWriter& out, std::string_view element) {
  out.begin_label();
  for (std::size_t i = 0; i < element.size(); ++i) {
    const char c = element[i];
    const bool at_end = i == 0 || i + 1 == element.size();
    if (is_lower_or_digit(c) || (c == '-' && !at_end)) {
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
  const std::size_t host_end = path.find('/');
  if (host_end == std::string_view::npos) return {EncodeFailure::kNoSlash, 0, path};
  LabelWriter writer(out);
  std::size_t end = path.size();
  while (end > host_end) {
    const std::size_t slash = path.rfind('/', end - 1);
    const std::string_view element = path.substr(slash + 1, end - slash - 1);
    write_element(writer, element);
    if (writer.bad_label()) return {EncodeFailure::kLongLabel, 0, element};
    end = slash;
  }
  writer.put_all(kSeparator);
  const std::string_view host = path.substr(0, host_end);
  for (std::size_t at = 0; at <= host.size();) {
    const std::size_t dot = std::min(host.find('.', at), host.size());
    writer.begin_label();
    for (const char c : host.substr(at, dot - at)) {
      if (!is_lower_or_digit(c) && c != '-') return {EncodeFailure::kBadHost, 0, host};
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

// The labels in front of a wire name, as text.
Result<std::string> name_below(std::string_view labels, NameView origin) {
  if (labels.size() + origin.size() > kMaxName) {
    return usage_error(
        fmt::format("domain name {} is too long to hold other names", quoted(format_host(origin))));
  }
  return format_host(std::string(labels).append(origin));
}

}  // namespace

Result<ModuleNames> ModuleNames::in_zone(std::string_view zone) {
  GW_TRY(std::string origin, parse_lower_name(zone));
  return ModuleNames(std::move(origin));
}

Result<std::string> ModuleNames::of_module(const mod::ModulePath& path) const {
  std::array<char, kMaxName> labels;
  const Encoded encoded = encode(path.text(), origin_.size(), labels);
  const std::string where = fmt::format("module path {}: ", quoted(path.text()));
  switch (encoded.failure) {
    case EncodeFailure::kNone:
      break;
    case EncodeFailure::kNoSlash:
      return usage_error(where + "has no dns name: a path without a slash has none",
                         fmt::format("go list -m -versions {} asks the module proxy", path.text()));
    case EncodeFailure::kBadHost:
      return usage_error(fmt::format("{}host {} is no dns name", where, quoted(encoded.element)));
    case EncodeFailure::kLongLabel:
      return usage_error(fmt::format("{}has no dns name: element {} takes more than 63 octets",
                                     where, quoted(encoded.element)));
    case EncodeFailure::kLongName:
      return usage_error(where + "has no dns name: it would be longer than 253 characters");
  }
  return name_below(std::string(labels.data(), encoded.size).append(kModuleSpace), origin_);
}

Result<std::string> ModuleNames::of_toolchain() const {
  return name_below(std::string(kToolchainLabels).append(kModuleSpace), origin_);
}

Result<std::string> updates_name(std::string_view domain) {
  GW_TRY(const std::string origin, parse_lower_name(domain));
  return name_below(std::string_view("\10_updates", 9), origin);
}

std::size_t encode_module_labels(std::string_view path, std::size_t zone_size,
                                 std::span<char, kMaxName> out) {
  return encode(path, zone_size, out).size;
}

namespace {

std::optional<unsigned> element_digit(char c) {
  const std::size_t at = std::string_view(kHexDigits).find(c);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

// One element of a path, back from its label's text; none when it is not written like that.
bool read_element(std::string_view label, std::string& out) {
  for (std::size_t i = 0; i < label.size(); ++i) {
    char c = label[i];
    const bool first = i == 0;
    if (c == '_') {
      if (i + 2 >= label.size()) return false;
      const auto high = element_digit(label[i + 1]);
      const auto low = element_digit(label[i + 2]);
      if (!high || !low) return false;
      c = static_cast<char>(*high << 4 | *low);
      i += 2;
      const bool at_end = first || i + 1 == label.size();
      if (is_lower_or_digit(c) || (c == '-' && !at_end)) return false;  // it stands for itself
      if (c <= 0x20 || c >= 0x7f || c == '/') return false;             // none that a path has
    } else if (!is_lower_or_digit(c) && (c != '-' || first || i + 1 == label.size())) {
      return false;
    }
    out.push_back(c);
  }
  return true;
}

}  // namespace

std::size_t path_of_module_labels(std::string_view labels, std::span<char, kMaxName> out) {
  std::array<std::string_view, 128> parts;
  std::size_t n = 0;
  std::size_t path_end = 0;  // the separator, if there is one
  bool separated = false;
  for (std::size_t at = 0; at < labels.size(); ++n) {
    const std::size_t length = static_cast<std::uint8_t>(labels[at]);
    if (length == 0 || at + 1 + length > labels.size() || n == parts.size()) return 0;
    parts[n] = labels.substr(at + 1, length);
    if (parts[n] == kSeparator.substr(1)) {
      path_end = n;
      separated = true;
    }
    at += 1 + length;
  }
  const std::size_t host = separated ? path_end + 1 : 0;
  if (host == n) return 0;
  std::string path;
  for (std::size_t i = host; i < n; ++i) {
    for (const char c : parts[i]) {
      if (!is_lower_or_digit(c) && c != '-') return 0;
    }
    path.append(i == host ? "" : ".").append(parts[i]);
  }
  if (separated && path_end == 0) path.push_back('/');
  for (std::size_t i = separated ? path_end : 0; i > 0; --i) {
    path.push_back('/');
    if (!read_element(parts[i - 1], path)) return 0;
  }
  if (path.size() > out.size()) return 0;
  path.copy(out.data(), path.size());
  return path.size();
}

std::size_t canonical_module_labels(std::string_view labels, std::span<char, kMaxName> out) {
  // Only what stands left of the (rightmost) separator is a path.
  std::size_t path_end = 0;
  bool bare = false;
  bool bare_before = false;  // among the labels before path_end
  for (std::size_t at = 0; at < labels.size();) {
    const std::size_t length = static_cast<std::uint8_t>(labels[at]);
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
    const std::size_t length = static_cast<std::uint8_t>(labels[at]);
    writer.begin_label();
    for (std::size_t i = 1; i <= length; ++i) {
      const char c = labels[at + i];
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
