#include "tlog/record.h"

#include "base/text.h"

namespace gw::tlog {

bool is_record_text(std::string_view text) {
  if (text.empty() || text.front() == '\n' || text.back() != '\n') return false;
  char before = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || (c == '\n' && before == '\n')) {
      return false;
    }
    before = c;
  }
  return is_utf8(text);
}

}  // namespace gw::tlog
