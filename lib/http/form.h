// Names and values as HTML forms send them, in a query or in a body
// (application/x-www-form-urlencoded, WHATWG URL section 5.1).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/request.h"

namespace gw::http {

class Form {
 public:
  static constexpr std::size_t kMaxFields = 256;

  // "a=1&b=x+y%21". kUsage, naming what is wrong: a bad escape, a NUL, more than kMaxFields.
  static Result<Form> parse(std::string_view text);

  // The body of a request whose Content-Type says that it is a form; kUsage when it does not.
  static Result<Form> of_body(const Request& request);

  // The first field of that name, or nullptr.
  const std::string* find(std::string_view name) const;
  // The same; "" when there is none.
  std::string_view get(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;  // in their order
};

}  // namespace gw::http
