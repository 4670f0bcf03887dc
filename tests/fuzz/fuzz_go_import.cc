// Any bytes as a TXT record, an import path, a URL and a reference: what is accepted is printable,
// is accepted again when written down, and matches what it says.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "vanity/go_import.h"
#include "vanity/import_path.h"
#include "vanity/repo_url.h"
#include "vanity/url.h"

namespace fuzz_go_import {

using namespace gw::vanity;

namespace {

void printable(std::string_view text) {
  for (char c : text) require(c >= 0x20 && c < 0x7f);
}

void check_record(std::string_view text) {
  auto record = parse_record(text);
  if (!record) {
    printable(record.error().message);
    return;
  }
  std::string line = format_import(*record);
  printable(line);
  auto again = parse_record(line);
  require(again && *again == *record);
  auto match = match_records({&*record, 1}, record->prefix + "/x");
  require(match && *match && **match == *record);
  require(!url_scheme(record->root).empty() && url_scheme(record->root) != "file");
}

void check_path(std::string_view path) {
  auto ok = check_import_path(path);
  if (!ok) {
    printable(ok.error().message);
    return;
  }
  require(record_name(path).size() <= 253);
  require(has_path_prefix(path, path_domain(path)));
  auto known = find_static(path);
  if (known && *known) {
    require(has_path_prefix(path, (*known)->prefix));
    require(check_import(**known).has_value());
  }
}

}  // namespace

FUZZ_TARGET(go_import)(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_record(text);
  check_path(text);
  std::string url = resolve_reference("https://a.example/b/c?d", text);
  require(url.find('#') == url.npos);
  return 0;
}

}  // namespace fuzz_go_import
