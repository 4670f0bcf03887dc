// Splits a page into tokens by the rules of Go's encoding/xml with Strict = false (see meta_tags.h,
// its only user): tags with the attributes that are asked for, and the rest without its content.
//
// A page that is still arriving is read as far as it goes: a token whose end is not there yet is
// kMore, and is read anew when there is more of it. What was read can be dropped, so that no more
// than one token is kept.
//
// The input may be any bytes. A view returned stays valid until the next call of next().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::vanity {

struct XmlAttribute {
  std::string name;  // in small letters, without its name space: "name" of "x:NAME"
  std::string value;
};

class XmlTokens {
 public:
  enum class Kind {
    kStartTag,  // name() and attributes()
    kEndTag,    // name(); also follows the start of an element closed by "/>"
    kOther,     // text, comment, CDATA, directive, processing instruction
    kMore,      // the next token is not complete; never once the page is
    kEnd,
    kError,  // error(); repeated by every further call
  };
  // Whether an attribute of that name, in small letters, of a tag is kept: the first one is.
  using Wanted = bool (*)(std::string_view tag, std::string_view attribute);

  explicit XmlTokens(Wanted wanted) : wanted_(wanted) {}

  // All that there is now of the page behind what was dropped; `complete`: there will be no more.
  void set_page(std::string_view page, bool complete) {
    page_ = page;
    complete_ = complete;
  }
  Kind next();
  const std::string& name() const { return name_; }
  const std::vector<XmlAttribute>& attributes() const { return attributes_; }
  // "line 3: unescaped < inside quoted string"
  std::string error() const;
  // How many bytes at the front of the page have been read, and are forgotten: the page that is set
  // next begins behind them.
  std::size_t drop();

 private:
  Kind token();
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

  Wanted wanted_;
  std::string_view page_;
  std::size_t pos_ = 0;
  std::ptrdiff_t dropped_lines_ = 0;
  bool complete_ = false;
  bool ran_out_ = false;  // the token goes on behind what is there
  std::string name_;
  std::vector<XmlAttribute> attributes_;
  std::string text_;
  std::string error_;
  bool failed_ = false;
  bool pending_end_ = false;
};

}  // namespace gw::vanity
