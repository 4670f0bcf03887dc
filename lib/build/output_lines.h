// Lines and sentences of what the go command prints, for reasons (build/reason.h) to be found in.
//
// Pure functions; the output is a stranger's text, of any bytes. Views are into it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gw::build {

// The first line that holds `a` and, behind it, `b`.
std::optional<std::string_view> find_line(std::string_view output, std::string_view a,
                                          std::string_view b = {});
// The first of the form "F:LINE:COLUMN: ...", F of one word.
std::optional<std::string_view> find_source_line(std::string_view output);
// The last that is not empty.
std::string_view last_line(std::string_view output);

// All that is said with a line of the output, as one line of 400 bytes at most. The go command sets
// the further lines of a sentence in, and what is quoted in one behind a colon: then that is what
// tells. Of a long one, the last of what is before the line.
std::string sentence_at(std::string_view output, std::string_view line);

}  // namespace gw::build
