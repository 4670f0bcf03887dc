#include "net/netrc.h"

#include <fmt/format.h>

#include <utility>

#include "base/bytes.h"
#include "base/text.h"

namespace gw::net {

Netrc Netrc::parse(std::string_view text) {
  Netrc out;
  Entry entry;
  bool macro = false;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (macro) {
      macro = !line.empty();  // an empty line ends it
      continue;
    }
    const auto words = split_words(line);
    std::size_t i = 0;
    for (; i + 1 < words.size(); i += 2) {
      const std::string_view value = words[i + 1];
      if (words[i] == "machine") entry = {std::string(value), {}, {}};
      if (words[i] == "login") entry.login = value;
      if (words[i] == "password") entry.password = value;
      macro = macro || words[i] == "macdef";
      if (entry.machine.empty() || entry.login.empty() || entry.password.empty()) continue;
      out.entries_.push_back(std::exchange(entry, {}));
    }
    if (i < words.size() && words[i] == "default") break;
  }
  return out;
}

std::string Netrc::authorization(std::string_view host) const {
  for (const Entry& e : entries_) {
    if (e.machine == host)
      return "Basic " + encode_base64(fmt::format("{}:{}", e.login, e.password));
  }
  return "";
}

}  // namespace gw::net
