#include "vanity/meta_tags.h"

#include "base/text.h"
#include "vanity/xml_tokens.h"

namespace gw::vanity {
namespace {

// The value of the first attribute of that name in any case, or "".
std::string_view attribute(const std::vector<XmlAttribute>& attributes, std::string_view name) {
  for (const XmlAttribute& a : attributes) {
    if (to_lower(a.name) == name) return a.value;
  }
  return {};
}

}  // namespace

Result<std::vector<GoImport>> parse_meta_tags(std::string_view page) {
  std::vector<GoImport> tags;
  XmlTokens tokens(page);
  for (;;) {
    XmlTokens::Kind kind = tokens.next();
    if (kind == XmlTokens::Kind::kError && tags.empty()) return not_found_error(tokens.error());
    if (kind == XmlTokens::Kind::kError || kind == XmlTokens::Kind::kEnd) return tags;
    if (kind == XmlTokens::Kind::kOther) continue;
    std::string name = to_lower(tokens.name());
    bool start = kind == XmlTokens::Kind::kStartTag;
    if (start ? name == "body" : name == "head") return tags;
    if (!start || name != "meta") continue;
    if (attribute(tokens.attributes(), "name") != "go-import") continue;
    const auto fields = split_words(attribute(tokens.attributes(), "content"));
    if (fields.size() != 3 && fields.size() != 4) continue;
    GoImport tag{std::string(fields[0]), std::string(fields[1]), std::string(fields[2]), {}};
    if (fields.size() == 4) tag.subdir = fields[3];
    tags.push_back(std::move(tag));
  }
}

}  // namespace gw::vanity
