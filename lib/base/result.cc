#include "base/result.h"

#include <fmt/format.h>

#include <system_error>

namespace gw {

std::string_view error_kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return "usage";
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kCorrupt:
      return "corrupt";
    case ErrorKind::kUntrusted:
      return "untrusted";
    case ErrorKind::kIo:
      return "io";
    case ErrorKind::kInternal:
      return "internal";
  }
  return "internal";
}

Error Error::in(std::string_view context) && {
  message.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

Error Error::in(std::string_view context) const& { return Error(*this).in(context); }

Error errno_error(std::string_view what, int err) {
  return io_error(fmt::format("{}: {}", what, std::generic_category().message(err)));
}

}  // namespace gw
