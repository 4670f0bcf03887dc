#include "build/answer_audit.h"

#include <fmt/format.h>

#include "build/key.h"
#include "tlog/build_log.h"

namespace gw::build {

Status AnswerAudit::take_record(std::uint64_t number, const std::string& text) {
  Status s = options_.lookups ? check_lookup(number, text) : Status();
  if (s && options_.binaries) s = check_binaries(number, text);
  return s ? s : std::move(s).error().in(fmt::format("record {}", number));
}

void AnswerAudit::say(std::string_view what, std::uint64_t number) const {
  if (options_.progress) options_.progress(fmt::format("{} of record {}", what, number));
}

Status AnswerAudit::check_lookup(std::uint64_t number, const std::string& text) {
  say("lookup", number);
  const auto record = tlog::parse_build_record(text);
  if (!record) return {};
  GW_TRY(const auto found, service_.find(key_of_record(*record)));
  if (found.number() != number || found.record() != text) {
    return untrusted_error(fmt::format("a lookup of {} gives record {}",
                                       tlog::format_build_key(record->target), found.number()));
  }
  ++lookups_;
  return {};
}

Status AnswerAudit::check_binaries(std::uint64_t number, const std::string& text) {
  say("binary", number);
  GW_TRY([[maybe_unused]] const std::string bytes, service_.fetch_record(text));
  GW_CHECK(service_.check_unpacked(text));
  ++binaries_;
  return {};
}

}  // namespace gw::build
