#include "tlog/lookup.h"

#include "base/bytes.h"
#include "module/path.h"
#include "tlog/record.h"

namespace gw::tlog {

Result<LookupReply> parse_lookup(std::string_view reply) {
  std::size_t end = reply.find('\n');
  if (end == std::string_view::npos) return untrusted_error("lookup reply: no record number");
  auto number = parse_decimal(reply.substr(0, end));
  if (!number) return untrusted_error("lookup reply: bad record number");
  std::string_view rest = reply.substr(end + 1);
  std::size_t blank = rest.find("\n\n");
  if (blank == std::string_view::npos) return untrusted_error("lookup reply: no signed head");
  LookupReply out{*number, rest.substr(0, blank + 1), rest.substr(blank + 2)};
  if (!is_record_text(out.record)) return untrusted_error("lookup reply: malformed record");
  return out;
}

std::string format_lookup(std::uint64_t number, std::string_view record, std::string_view note) {
  return std::to_string(number) + "\n" + std::string(record) + "\n" + std::string(note);
}

Result<LookupSums> find_sums(std::string_view record, std::string_view module,
                             std::string_view version) {
  LookupSums sums;
  std::string zip = std::string(module) + " " + std::string(version) + " ";
  std::string gomod = std::string(module) + " " + std::string(version) + "/go.mod ";
  while (!record.empty()) {
    std::size_t end = record.find('\n');
    if (end == std::string_view::npos) return untrusted_error("record does not end in a line feed");
    std::string_view line = record.substr(0, end);
    record.remove_prefix(end + 1);
    for (auto [prefix, sum] :
         {std::pair(&zip, &sums.zip_sum), std::pair(&gomod, &sums.gomod_sum)}) {
      if (!line.starts_with(*prefix)) continue;
      if (!sum->empty()) return untrusted_error("record has two lines for " + quoted(*prefix));
      *sum = line.substr(prefix->size());
      if (!parse_sum(*sum)) return untrusted_error("record has a malformed sum");
    }
  }
  if (sums.zip_sum.empty() || sums.gomod_sum.empty()) {
    return untrusted_error("record is not about " + std::string(module) + "@" +
                           std::string(version));
  }
  return sums;
}

Result<std::string> lookup_path(std::string_view module, std::string_view version) {
  GW_TRY(std::string path, mod::escape_path(module));
  GW_TRY(std::string escaped, mod::escape_version(version));
  return "lookup/" + path + "@" + escaped;
}

}  // namespace gw::tlog
