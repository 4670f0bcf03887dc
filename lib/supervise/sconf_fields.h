// What a value of an sconf tree is to be: a struct whose members have names of a list, a text, a
// list.
//
// Each member is read by its own function, and a key that has none stops it, as a missing required
// one does. Errors: kUsage, "FILE:LINE: what is wrong". Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "supervise/sconf.h"

namespace gw::supervise {

class SconfFields {
 public:
  using Reader = std::function<Status(const Sconf&)>;
  struct Field {
    std::string_view name;
    Reader read;
    bool required = false;
  };

  // `file` is for messages, and outlives this.
  explicit SconfFields(std::string_view file) : file_(file) {}

  // The empty text is a struct of nothing; `what` is for messages.
  Status members(const Sconf& value, std::string_view what, const std::vector<Field>& fields) const;
  // Without control characters.
  Result<std::string> text(const Sconf& value) const;
  // The empty text is a list of nothing.
  Result<std::vector<Sconf>> list(const Sconf& value) const;
  Error wrong(const Sconf& value, std::string_view what) const {
    return sconf_error(file_, value.line, what);
  }

 private:
  const std::string_view file_;
};

}  // namespace gw::supervise
