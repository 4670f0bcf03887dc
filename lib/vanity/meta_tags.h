// The go-import meta tags of a page, as the go command sees them.
//
// Problem: the go command does not read HTML but runs Go's encoding/xml, not strict, over the page,
// and what that refuses or overlooks is part of the protocol: an unquoted value ends at the first
// byte that is not a letter, digit, "_", ":" or "-", and a page that is no such XML has only the
// tags before the error. An HTML 5 parser (libgumbo) would find tags that the go command does not,
// so this is a tokenizer of its own with those rules: of `encoding/xml` Decoder.RawToken and of
// cmd/go parseMetaGoImports, Go 1.25.
//
// Reading ends as soon as nothing more can come of the page, so that neither its size nor how it
// goes on matters: the go command stops there, too.
//
// Costs: one pass, no recursion; memory for one token, and none once it has ended. No threads.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "vanity/go_import.h"
#include "vanity/xml_tokens.h"

namespace gw::vanity {

// Reads a page that arrives in pieces. Its state is a value.
class MetaTagReader {
 public:
  // Whether a tag is kept: a page of 8 MB can have a hundred thousand that nobody asked for.
  using Keep = std::function<bool(const GoImport&)>;

  // most: bytes of one token that are kept, a tag with its attributes, or the text between two.
  explicit MetaTagReader(std::size_t most, Keep keep = {});

  // The next piece; false when no more is wanted: at <body>, </head>, the first syntax error, or
  // where a token is larger than `most`.
  bool add(std::string_view bytes);
  // There is no more of the page, whether it is all or the rest did not come.
  void finish();

  bool ended() const { return ended_; }          // by itself, as above, or by finish()
  bool too_large() const { return too_large_; }  // ended by a token that is larger than `most`
  std::size_t size() const { return size_; }     // bytes of all pieces

  // Meta tags named go-import with 3 or 4 fields that were kept, in page order. kNotFound with the
  // line and reason when there was an error before the first tag. The entries are as found: see
  // match_tags and check_import.
  Result<std::vector<GoImport>> tags() const;

 private:
  void read(bool complete);
  void end();
  void take_tag();

  std::size_t most_;
  Keep keep_;
  std::size_t size_ = 0;
  std::string page_;       // from the token on that is not complete
  std::size_t tried_ = 0;  // of them, when it was last tried to read on
  XmlTokens tokens_;
  std::vector<GoImport> tags_;
  std::string error_;
  bool ended_ = false;
  bool too_large_ = false;
};

}  // namespace gw::vanity
