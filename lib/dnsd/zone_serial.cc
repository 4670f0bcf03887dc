#include "dnsd/zone_serial.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/bytes.h"
#include "os/file.h"

namespace gw::dnsd {

namespace {

// "serial 7458\ntree 7458\nsettings <hex>\n"
constexpr std::string_view kForm = "serial {}\ntree {}\nsettings {}\n";

std::optional<std::string_view> field(std::string_view& text, std::string_view name) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') {
    return std::nullopt;
  }
  return line.substr(name.size() + 1);
}

}  // namespace

Result<ZoneSerial> ZoneSerial::load(const std::string& file) {
  ZoneSerial serial(file);
  GW_TRY(const std::string real, os::file_to_write(file));
  auto text = os::read_file(real, 4096);
  if (!text) {
    if (text.error().kind == ErrorKind::kNotFound) return serial;
    return std::move(text).error();
  }
  std::string_view rest = *text;
  const std::uint64_t invalid = ~std::uint64_t{0};
  const std::string_view number = field(rest, "serial").value_or("");
  const std::string_view tree = field(rest, "tree").value_or("");
  const std::string_view settings = field(rest, "settings").value_or("");
  const std::uint64_t value = parse_decimal(number).value_or(invalid);
  const std::uint64_t size = parse_decimal(tree).value_or(invalid);
  if (value > 0xffffffff || size == invalid || settings.empty() || !rest.empty()) {
    return corrupt_error(file + ": not a zone's serial number",
                         "write \"serial N\", \"tree 0\" and \"settings -\" on three lines, N the "
                         "last serial that was served");
  }
  serial.serial_ = static_cast<std::uint32_t>(value);
  serial.tree_size_ = size;
  serial.fingerprint_ = std::string(settings);
  return serial;
}

bool ZoneSerial::advance(std::uint64_t tree_size, const std::string& fingerprint) {
  if (serial_ != 0 && tree_size == tree_size_ && fingerprint == fingerprint_) return false;
  // Modulo 2^32, as serials are compared; 0 stands for none here and is skipped.
  const auto next = static_cast<std::uint32_t>(std::max<std::uint64_t>(tree_size, serial_ + 1ULL));
  serial_ = next == 0 ? 1 : next;
  tree_size_ = tree_size;
  fingerprint_ = fingerprint;
  return true;
}

Status ZoneSerial::save() const {
  return os::write_file_atomic(file_, fmt::format(kForm, serial_, tree_size_, fingerprint_), 0644);
}

}  // namespace gw::dnsd
