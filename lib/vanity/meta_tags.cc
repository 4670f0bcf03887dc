#include "vanity/meta_tags.h"

#include <utility>

#include "base/text.h"

namespace gw::vanity {
namespace {

// A token whose end has not come is read again from its start: often while it is small, and then
// each time it has grown by a part, so that reading takes time in proportion to its size.
constexpr std::size_t kSmallToken = std::size_t{64} << 10;
constexpr std::size_t kGrowth = 2;

bool is_wanted(std::string_view tag, std::string_view attribute) {
  return tag == "meta" && (attribute == "name" || attribute == "content");
}

// The value of the attribute, or "".
std::string_view attribute_value(const std::vector<XmlAttribute>& attributes,
                                 std::string_view name) {
  for (const XmlAttribute& a : attributes) {
    if (a.name == name) return a.value;
  }
  return {};
}

}  // namespace

MetaTagReader::MetaTagReader(std::size_t most, Keep keep)
    : most_(most), keep_(std::move(keep)), tokens_(is_wanted) {}

bool MetaTagReader::add(std::string_view bytes) {
  if (ended_) return false;
  size_ += bytes.size();
  page_ += bytes;
  if (page_.size() > kSmallToken && page_.size() - tried_ < tried_ / kGrowth) return true;
  read(false);
  if (!ended_ && page_.size() > most_) {
    too_large_ = true;
    end();
  }
  return !ended_;
}

void MetaTagReader::finish() {
  if (!ended_) read(true);
  end();
}

// Keeps the tags alone, for pages may be many. An assignment would keep the strings' memory.
void MetaTagReader::end() {
  ended_ = true;
  std::string().swap(page_);
  XmlTokens none(is_wanted);
  std::swap(tokens_, none);
  keep_ = {};
}

// All complete tokens that are there.
void MetaTagReader::read(bool complete) {
  tokens_.set_page(page_, complete);
  for (bool more = true; more && !ended_;) {
    switch (tokens_.next()) {
      case XmlTokens::Kind::kError:
        error_ = tokens_.error();
        ended_ = true;
        break;
      case XmlTokens::Kind::kMore:
      case XmlTokens::Kind::kEnd:
        more = false;
        break;
      case XmlTokens::Kind::kOther:
        break;
      case XmlTokens::Kind::kStartTag:
        ended_ = to_lower(tokens_.name()) == "body";
        if (!ended_) take_tag();
        break;
      case XmlTokens::Kind::kEndTag:
        ended_ = to_lower(tokens_.name()) == "head";
        break;
    }
  }
  page_.erase(0, tokens_.drop());
  if (ended_) end();
  tried_ = page_.size();
}

void MetaTagReader::take_tag() {
  if (attribute_value(tokens_.attributes(), "name") != "go-import") return;
  const auto fields = split_words(attribute_value(tokens_.attributes(), "content"));
  if (fields.size() != 3 && fields.size() != 4) return;
  GoImport tag{std::string(fields[0]), std::string(fields[1]), std::string(fields[2]), {}};
  if (fields.size() == 4) tag.subdir = fields[3];
  if (!keep_ || keep_(tag)) tags_.push_back(std::move(tag));
}

Result<std::vector<GoImport>> MetaTagReader::tags() const {
  if (!error_.empty() && tags_.empty()) return not_found_error(error_);
  return tags_;
}

}  // namespace gw::vanity
