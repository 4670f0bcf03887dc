#include "tlog/lookup.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "tlog/record.h"

namespace gw::tlog {

Result<LookupReply> parse_lookup(std::string_view reply) {
  const std::size_t end = reply.find('\n');
  if (end == std::string_view::npos) return untrusted_error("lookup reply: no record number");
  auto number = parse_decimal(reply.substr(0, end));
  if (!number) return untrusted_error("lookup reply: bad record number");
  const std::string_view rest = reply.substr(end + 1);
  const std::size_t blank = rest.find("\n\n");
  if (blank == std::string_view::npos) return untrusted_error("lookup reply: no signed head");
  LookupReply out{*number, rest.substr(0, blank + 1), rest.substr(blank + 2)};
  if (!is_record_text(out.record)) return untrusted_error("lookup reply: malformed record");
  return out;
}

std::string format_lookup(std::uint64_t number, std::string_view record, std::string_view note) {
  return fmt::format("{}\n{}\n{}", number, record, note);
}

}  // namespace gw::tlog
