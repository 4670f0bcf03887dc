// Splits a page into tokens by the rules of Go's encoding/xml with Strict = false (see meta_tags.h,
// its only user): tags with their attributes, and the rest without its content.
//
// The input may be any bytes. A view returned stays valid until the next call of next().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gw::vanity {

struct XmlAttribute {
  std::string name;  // without its name space: "name" of "x:name"
  std::string value;
};

class XmlTokens {
 public:
  enum class Kind {
    kStartTag,  // name() and attributes()
    kEndTag,    // name(); also follows the start of an element closed by "/>"
    kOther,     // text, comment, CDATA, directive, processing instruction
    kEnd,
    kError,  // error(); repeated by every further call
  };

  explicit XmlTokens(std::string_view page) : page_(page) {}

  Kind next();
  const std::string& name() const { return name_; }
  const std::vector<XmlAttribute>& attributes() const { return attributes_; }
  // "line 3: unescaped < inside quoted string"
  std::string error() const;

 private:
  Kind fail(std::string reason);
  Kind start_tag();
  Kind end_tag();
  Kind instruction();
  Kind comment();
  Kind cdata();
  Kind directive();

  // The functions below return false after setting error_.
  bool get(char& c);
  bool tag_name(std::string& local, std::string_view where);
  bool attribute();
  bool unquoted_value(std::string& value);
  bool text(char quote, bool cdata);
  bool entity();
  bool numeric_entity(std::size_t before);
  bool check_text();
  void space();
  bool read_name(std::string& out);

  std::string_view page_;
  std::size_t pos_ = 0;
  std::string name_;
  std::vector<XmlAttribute> attributes_;
  std::string text_;
  std::string error_;
  bool failed_ = false;
  bool pending_end_ = false;
};

}  // namespace gw::vanity
