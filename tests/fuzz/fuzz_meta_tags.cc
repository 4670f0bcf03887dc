// Any page: every tag found has fields, and a page made of the tags that were found has them again.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "support/vanity/parse_meta_tags.h"
#include "vanity/meta_tags.h"

namespace fuzz_meta_tags {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '"') {
      out += "&quot;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

FUZZ_TARGET(meta_tags)(const std::uint8_t* data, std::size_t size) {
  std::string_view page(reinterpret_cast<const char*>(data), size);
  auto tags = gw::vanity::test::parse_meta_tags(page);
  // The same in two pieces, wherever it is cut.
  const std::size_t cut = size == 0 ? 0 : data[0] % size;
  gw::vanity::MetaTagReader reader(size);
  if (reader.add(page.substr(0, cut))) reader.add(page.substr(cut));
  reader.finish();
  const auto pieces = reader.tags();
  require(pieces.has_value() == tags.has_value());
  require(pieces ? *pieces == *tags : pieces.error().message == tags.error().message);
  if (!tags) {
    require(tags.error().kind == gw::ErrorKind::kNotFound);
    for (char c : tags.error().message) require(c >= 0x20 && c < 0x7f);
    return 0;
  }
  std::string again;
  for (const auto& t : *tags) {
    require(!t.prefix.empty() && !t.vcs.empty() && !t.root.empty());
    again += "<meta name=\"go-import\" content=\"" +
             escaped(t.prefix + " " + t.vcs + " " + t.root + " " + t.subdir) + "\">";
  }
  auto reread = gw::vanity::test::parse_meta_tags(again);
  require(reread && *reread == *tags);
  // What follows the end of the head is never looked at.
  auto longer =
      gw::vanity::test::parse_meta_tags(again + "</head><meta name=go-import content='a b c'>");
  require(longer && *longer == *tags);
  return 0;
}

}  // namespace fuzz_meta_tags
