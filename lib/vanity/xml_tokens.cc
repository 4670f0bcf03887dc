#include "vanity/xml_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "vanity/xml_chars.h"

namespace gw::vanity {
namespace {

bool is_name_byte(char c) {
  return is_letter(c) || is_digit(c) || c == '_' || c == ':' || c == '.' || c == '-' ||
         static_cast<std::uint8_t>(c) >= 0x80;
}

// Printable ASCII that means nothing in any text: most of a page, which is passed over quickly.
struct Plain {
  bool is[256] = {};
  constexpr Plain() {
    for (unsigned c = 0x20; c < 0x7F; ++c) is[c] = true;
    for (const unsigned char c : {'<', '&', ']', '>', '"', '\''}) is[c] = false;
  }
};
constexpr Plain kPlain;

// As much of it as `text` begins with.
std::size_t plain_size(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end && kPlain.is[static_cast<std::uint8_t>(*at)]) ++at;
  return static_cast<std::size_t>(at - text.data());
}

// The value of PARAM="VALUE" in an XML declaration, "" when there is none.
std::string_view declared(std::string_view data, std::string_view param) {
  const std::string key = std::string(param) + "=";
  const std::size_t at = data.find(key);
  if (at == std::string_view::npos) return {};
  data.remove_prefix(at + key.size());
  if (data.empty() || (data[0] != '\'' && data[0] != '"')) return {};
  const std::size_t end = data.find(data[0], 1);
  return end == std::string_view::npos ? std::string_view() : data.substr(1, end - 1);
}

}  // namespace

std::string XmlTokens::error() const {
  auto line = 1 + dropped_lines_ +
              std::count(page_.begin(), page_.begin() + static_cast<std::ptrdiff_t>(pos_), '\n');
  return fmt::format("line {}: {}", line, error_);
}

std::size_t XmlTokens::drop() {
  const std::string_view read = page_.substr(0, pos_);
  dropped_lines_ += std::count(read.begin(), read.end(), '\n');
  std::string().swap(text_);  // it was as large as the largest text; an assignment keeps that
  return std::exchange(pos_, 0);
}

XmlTokens::Kind XmlTokens::next() {
  const std::size_t start = pos_;
  const bool end_follows = pending_end_;
  ran_out_ = false;
  const Kind kind = token();
  if (complete_ || (!ran_out_ && kind != Kind::kEnd)) return kind;
  // Whatever was made of a part of the token counts for nothing.
  pos_ = start;
  pending_end_ = end_follows;
  failed_ = false;
  return Kind::kMore;
}

XmlTokens::Kind XmlTokens::fail(std::string reason) {
  if (!failed_) error_ = std::move(reason);
  failed_ = true;
  return Kind::kError;
}

bool XmlTokens::get(char& c) {
  if (pos_ == page_.size()) {
    ran_out_ = true;
    fail("unexpected end of page");
    return false;
  }
  c = page_[pos_++];
  return true;
}

void XmlTokens::space() {
  while (pos_ < page_.size() && std::string_view(" \r\n\t").find(page_[pos_]) != page_.npos) ++pos_;
}

XmlTokens::Kind XmlTokens::token() {
  if (failed_) return Kind::kError;
  if (pending_end_) {
    pending_end_ = false;
    return Kind::kEndTag;
  }
  if (pos_ == page_.size()) return Kind::kEnd;
  if (page_[pos_] != '<') return text(0, false) ? Kind::kOther : Kind::kError;
  ++pos_;
  char c;
  if (!get(c)) return Kind::kError;
  switch (c) {
    case '/':
      return end_tag();
    case '?':
      return instruction();
    case '!':
      break;
    default:
      --pos_;
      return start_tag();
  }
  if (!get(c)) return Kind::kError;
  if (c == '-') return comment();
  if (c == '[') return cdata();
  return directive();
}

// Reads bytes that may belong to a name; false when there is none, or at the end of the page.
bool XmlTokens::read_name(std::string& out) {
  const std::size_t start = pos_;
  while (pos_ < page_.size() && is_name_byte(page_[pos_])) ++pos_;
  out.append(page_.substr(start, pos_ - start));
  if (pos_ == page_.size()) {
    ran_out_ = true;
    fail("unexpected end of page");
    return false;
  }
  return pos_ > start;
}

bool XmlTokens::tag_name(std::string& local, std::string_view where) {
  std::string name;
  if (!read_name(name)) {
    fail("expected " + std::string(where));
    return false;
  }
  if (!is_xml_name(name)) {
    fail("invalid name " + quoted(name, 40));
    return false;
  }
  const std::size_t colon = name.find(':');
  if (colon != name.npos && name.find(':', colon + 1) != name.npos) {
    fail("expected " + std::string(where));
    return false;
  }
  const bool spaced = colon != name.npos && colon > 0 && colon + 1 < name.size();
  local = spaced ? name.substr(colon + 1) : std::move(name);
  return true;
}

XmlTokens::Kind XmlTokens::end_tag() {
  if (!tag_name(name_, "element name after </")) return Kind::kError;
  space();
  char c;
  if (!get(c)) return Kind::kError;
  if (c != '>') {
    return fail(fmt::format("invalid characters between </{} and >", quoted(name_, 40)));
  }
  return Kind::kEndTag;
}

XmlTokens::Kind XmlTokens::start_tag() {
  attributes_.clear();
  if (!tag_name(name_, "element name after <")) return Kind::kError;
  for (;;) {
    space();
    char c;
    if (!get(c)) return Kind::kError;
    if (c == '>') return Kind::kStartTag;
    if (c == '/') {
      if (!get(c)) return Kind::kError;
      if (c != '>') return fail("expected /> in element");
      pending_end_ = true;
      return Kind::kStartTag;
    }
    --pos_;
    if (!attribute()) return Kind::kError;
  }
}

bool XmlTokens::attribute() {
  XmlAttribute a;
  if (!tag_name(a.name, "attribute name in element")) return false;
  space();
  char c;
  if (!get(c)) return false;
  if (c != '=') {
    --pos_;
    a.value = a.name;
  } else {
    space();
    if (!get(c)) return false;
    if (c == '"' || c == '\'') {
      if (!text(c, false)) return false;
      a.value = text_;
    } else {
      --pos_;
      if (!unquoted_value(a.value)) return false;
    }
  }
  const std::string name = to_lower(a.name);
  const bool first = std::none_of(attributes_.begin(), attributes_.end(),
                                  [&name](const XmlAttribute& b) { return b.name == name; });
  if (first && wanted_(to_lower(name_), name)) attributes_.push_back({name, std::move(a.value)});
  return true;
}

bool XmlTokens::unquoted_value(std::string& value) {
  char c;
  for (;;) {
    if (!get(c)) return false;
    if (!is_letter(c) && !is_digit(c) && c != '_' && c != ':' && c != '-') break;
    value.push_back(c);
  }
  --pos_;
  return true;
}

XmlTokens::Kind XmlTokens::instruction() {
  std::string target;
  if (!read_name(target)) return fail("expected target name after <?");
  if (!is_xml_name(target)) return fail("invalid name " + quoted(target, 40));
  space();
  const std::size_t end = page_.find("?>", pos_);
  if (end == page_.npos) {
    pos_ = page_.size();
    ran_out_ = true;
    return fail("unexpected end of page");
  }
  const std::string_view data = page_.substr(pos_, end - pos_);
  pos_ = end + 2;
  if (target != "xml") return Kind::kOther;
  const std::string_view version = declared(data, "version");
  if (!version.empty() && version != "1.0") {
    return fail("unsupported XML version " + quoted(version, 40));
  }
  const std::string encoding = to_lower(declared(data, "encoding"));
  if (!encoding.empty() && encoding != "utf-8" && encoding != "ascii") {
    return fail("cannot decode charset " + quoted(encoding, 40));
  }
  return Kind::kOther;
}

XmlTokens::Kind XmlTokens::comment() {
  char c;
  if (!get(c)) return Kind::kError;
  if (c != '-') return fail("invalid sequence <!- not part of <!--");
  const std::size_t dashes = page_.find("--", pos_);
  pos_ = dashes == page_.npos ? page_.size() : dashes + 2;
  if (!get(c)) return Kind::kError;
  if (c != '>') return fail("invalid sequence -- in comment");
  return Kind::kOther;
}

XmlTokens::Kind XmlTokens::cdata() {
  for (const char expected : std::string_view("CDATA[")) {
    char c;
    if (!get(c)) return Kind::kError;
    if (c != expected) return fail("invalid <![ sequence");
  }
  return text(0, true) ? Kind::kOther : Kind::kError;
}

// <!DOCTYPE ...> and the like: nested angle brackets balance, except in quotes and comments.
XmlTokens::Kind XmlTokens::directive() {
  char quote = 0;
  int depth = 0;
  char c;
  for (;;) {
    if (!get(c)) return Kind::kError;
    if (quote == 0 && c == '>' && depth == 0) return Kind::kOther;
    for (bool again = true; again;) {
      again = false;
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        --depth;
      } else if (c == '<') {
        std::size_t matched = 0;
        for (; matched < 3; ++matched) {
          if (!get(c)) return Kind::kError;
          if (c != "!--"[matched]) break;
        }
        if (matched < 3) {
          ++depth;
          again = true;  // the byte that is not part of "<!--" counts by itself
        } else {
          const std::size_t end = page_.find("-->", pos_);
          pos_ = end == page_.npos ? page_.size() : end + 3;
          ran_out_ = ran_out_ || end == page_.npos;
          if (end == page_.npos) return fail("unexpected end of page");
        }
      }
    }
  }
}

// Text up to `quote`, "<" or "]]>" into text_, with entities replaced.
bool XmlTokens::text(char quote, bool cdata) {
  char before2 = 0;
  char before1 = 0;
  text_.clear();
  while (pos_ < page_.size()) {
    if (const std::size_t plain = plain_size(page_.substr(pos_)); plain > 0) {
      text_.append(page_, pos_, plain);
      pos_ += plain;
      before2 = before1 = text_.back();
      continue;
    }
    const char c = page_[pos_++];
    if (quote == 0 && before2 == ']' && before1 == ']' && c == '>') {
      if (cdata) {
        text_.resize(text_.size() - 2);
        return check_text();
      }
      fail("unescaped ]]> not in CDATA section");
      return false;
    }
    if (c == '<' && !cdata) {
      if (quote != 0) {
        fail("unescaped < inside quoted string");
        return false;
      }
      --pos_;
      return check_text();
    }
    if (quote != 0 && c == quote) return check_text();
    if (c == '&' && !cdata) {
      if (!entity()) return false;
      before2 = before1 = 0;
      continue;
    }
    if (c == '\r') {
      text_.push_back('\n');
    } else if (before1 != '\r' || c != '\n') {
      text_.push_back(c);
    }
    before2 = std::exchange(before1, c);
  }
  ran_out_ = true;
  if (cdata) {
    fail("unexpected end of page in CDATA section");
    return false;
  }
  return check_text();
}

// After "&": appends what the entity stands for, or its own text when it is none.
bool XmlTokens::entity() {
  const std::size_t before = text_.size();
  text_.push_back('&');
  char c;
  if (!get(c)) return false;
  if (c == '#') {
    text_.push_back(c);
    return numeric_entity(before);
  }
  --pos_;
  read_name(text_);
  if (!get(c)) return false;
  if (c != ';') {
    --pos_;
    return true;
  }
  text_.push_back(';');
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&apos;", '\''}, {"&quot;", '"'}};
  for (auto [name, value] : kEntities) {
    if (std::string_view(text_).substr(before) != name) continue;
    text_.resize(before);
    text_.push_back(value);
    break;
  }
  return true;
}

bool XmlTokens::numeric_entity(std::size_t before) {
  char c;
  if (!get(c)) return false;
  std::uint32_t base = 10;
  if (c == 'x') {
    base = 16;
    text_.push_back(c);
    if (!get(c)) return false;
  }
  std::uint64_t value = 0;
  bool any = false;
  for (;;) {
    const char lower = to_lower(c);
    std::uint32_t digit;
    if (is_digit(c)) {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (base == 16 && lower >= 'a' && lower <= 'f') {
      digit = static_cast<std::uint32_t>(lower - 'a' + 10);
    } else {
      break;
    }
    any = true;
    value = std::min<std::uint64_t>(value * base + digit, 0x110000);  // beyond is as bad as far
    text_.push_back(c);
    if (!get(c)) return false;
  }
  if (c != ';') {
    --pos_;
    return true;
  }
  text_.push_back(';');
  if (any && value <= 0x10FFFF) {
    text_.resize(before);
    append_rune(text_, static_cast<std::uint32_t>(value));
  }
  return true;
}

// UTF-8 of characters that XML 1.0 allows (its production Char).
bool XmlTokens::check_text() {
  std::string_view rest = text_;
  for (;;) {
    rest.remove_prefix(plain_size(rest));
    if (rest.empty()) return true;
    const std::uint32_t rune = take_rune(rest);
    if (rune == kBadRune) {
      fail("invalid UTF-8");
      return false;
    }
    if (!is_xml_char(rune)) {
      fail("illegal character");
      return false;
    }
  }
}

}  // namespace gw::vanity
