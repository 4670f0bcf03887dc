// The names and passwords of a netrc file, for servers that ask for them.
//
// The go command sends those of ~/.netrc to private hosts with every request. Here only a file that
// was named is read, and only over https with a certificate that was checked. Read as the go
// command reads it (cmd/go/internal/auth parseNetrc): machine, login and password in this file's
// order, no macros, nothing from "default" on.
//
// A value; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::net {

class Netrc {
 public:
  // Holds nobody.
  Netrc() = default;
  static Netrc parse(std::string_view text);

  // The value of the header Authorization for `host`, as it is written; "" when there is none.
  std::string authorization(std::string_view host) const;

 private:
  struct Entry {
    std::string machine;
    std::string login;
    std::string password;
  };
  std::vector<Entry> entries_;
};

}  // namespace gw::net
