// Members of a JSON object by name and type: what is missing or of another type is nothing.
//
// State files are edited by people, and a helper's messages are a stranger's. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"

namespace gw::supervise {

// Null when there is none.
const Json* find_member(const Json& object, std::string_view name);
// Empty when there is none.
std::string text_member(const Json& object, std::string_view name);
bool flag_member(const Json& object, std::string_view name);
// Whole numbers of 0 and more.
std::optional<std::uint64_t> number_member(const Json& object, std::string_view name);
// RFC 3339.
std::optional<WallTime> time_member(const Json& object, std::string_view name);
// The elements of an array that are texts.
std::vector<std::string> texts_member(const Json& object, std::string_view name);
// An array or object, or else an empty array.
const Json& list_member(const Json& object, std::string_view name);

}  // namespace gw::supervise
