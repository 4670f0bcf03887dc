#include "buildd/feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "buildd/site_answers.h"
#include "http/form.h"

namespace gw::buildd {

namespace {

constexpr std::uint64_t kAtOnce = 1000;

}  // namespace

void Feed::follow(const http::Request& request, const http::Reply& reply) {
  // Locked before the size is read: who is told of a larger one must be among the readers.
  const MutexLock lock(mutex_);
  const std::uint64_t size = log_.head()->size;
  std::uint64_t next = size;
  const auto form = http::Form::parse(request.query);
  if (form && form->find("from") != nullptr) {
    next = parse_decimal(form->get("from")).value_or(next);
  }
  if (const std::string* last = request.header("last-event-id")) {
    if (const auto number = parse_decimal(*last); number && *number < size) next = *number + 1;
  }
  Reader reader{reply.stream(event_stream()), std::min(next, size)};
  (void)reader.stream.send(": keepalive\n\n");
  if (send_to(reader, size)) readers_.push_back(std::move(reader));
}

bool Feed::send_to(Reader& reader, std::uint64_t size) const {
  if (reader.stream.gone()) return false;
  const std::uint64_t end = std::min(size, reader.next + kAtOnce);
  if (reader.next < end) {
    const auto records =
        ledger_.read_records(reader.next, static_cast<std::uint32_t>(end - reader.next));
    if (!records) return false;
    for (const std::string& record : *records) {
      const std::string event = fmt::format("id: {}\nevent: record\ndata: {}\n\n", reader.next,
                                            std::string_view(record).substr(0, record.size() - 1));
      if (!reader.stream.send(event)) return false;
      ++reader.next;
    }
  }
  if (reader.next >= size) return true;
  reader.stream.end();
  return false;
}

void Feed::published() {
  const MutexLock lock(mutex_);
  const std::uint64_t size = log_.head()->size;
  std::erase_if(readers_, [&](Reader& reader) { return !send_to(reader, size); });
}

}  // namespace gw::buildd
