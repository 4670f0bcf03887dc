#include "frame/input.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace gw::cmd {

namespace {

constexpr std::size_t kMaxInput = std::size_t{16} << 20;

}  // namespace

Result<std::string> read_standard_input() {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading standard input", errno);
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxInput) return usage_error("standard input: more than 16 MB");
  }
}

Status check_one_dash(std::span<const std::string> arguments) {
  if (std::count(arguments.begin(), arguments.end(), "-") <= 1) return {};
  return usage_error("\"-\" is given twice", "standard input can be read once only");
}

}  // namespace gw::cmd
