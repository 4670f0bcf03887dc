// What people see of text, so that a stranger's shows them nothing that is not there. Pure
// functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gw {

// Whether people see the character, where it stands and as it is: no blank, no control character
// (C1 and the soft hyphen, too), nothing without a width, nothing that turns text around.
bool is_visible_rune(std::uint32_t rune);

// `text` with everything that is not visible but for blanks as \xNN of its bytes, also what is not
// UTF-8: whatever a stranger sent, it stays one line, moves no cursor and reads as it stands.
std::string one_line(std::string_view text);

}  // namespace gw
