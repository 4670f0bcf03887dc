#include "buildd/now_and_then.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "os/file.h"

namespace gw::buildd {

NowAndThen::NowAndThen(std::string file, std::chrono::seconds every, const Clock& clock,
                       const Logger& logger)
    : file_(std::move(file)), every_(every), clock_(clock), logger_(logger) {
  constexpr std::size_t kMaxText = 100;
  const auto text = os::read_file(file_, kMaxText);
  const auto last = text ? parse_decimal(trim(*text)) : std::nullopt;
  const std::int64_t now = to_unix(clock_.now());
  // A time that is still to come is a clock's mistake.
  if (last && *last <= static_cast<std::uint64_t>(now)) {
    left_ = every_ - std::min(every_, std::chrono::seconds(now - static_cast<std::int64_t>(*last)));
  } else {
    done();
  }
}

void NowAndThen::done() {
  left_ = every_;
  const std::string text = fmt::format("{}\n", to_unix(clock_.now()));
  const Status kept = os::write_file_atomic(file_, text, 0644);
  if (!kept) logger_.error("keeping " + file_, kept.error());
}

}  // namespace gw::buildd
