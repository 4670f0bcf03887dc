#include "dns/record_list.h"

#include <algorithm>
#include <limits>
#include <map>
#include <type_traits>
#include <utility>

#include "base/text.h"
#include "dns/name.h"

namespace gw::dns {

namespace {

Error too_many_records() { return usage_error("more records than a zone can have"); }

}  // namespace

Status RecordList::set_file(std::string_view name) {
  if (!files_.empty() && files_.back() == name) return {};
  if (files_.size() > std::numeric_limits<std::uint16_t>::max()) return too_many_records();
  files_.emplace_back(name);
  return {};
}

Result<std::uint32_t> RecordList::put(std::string_view bytes) {
  if (bytes.size() > std::numeric_limits<std::uint32_t>::max() - bytes_.size()) {
    return too_many_records();
  }
  const auto at = static_cast<std::uint32_t>(bytes_.size());
  bytes_.append(bytes);
  return at;
}

Status RecordList::add(NameView owner, std::uint16_t type, std::uint32_t ttl,
                       std::string_view rdata, std::uint32_t line) {
  Record record;
  if (files_.empty()) GW_CHECK(set_file(""));
  if (records_.size() == std::numeric_limits<std::uint32_t>::max()) return too_many_records();
  // Records of one owner mostly stand together.
  if (!records_.empty() && this->owner(records_.back()) == owner) {
    record.owner = records_.back().owner;
  } else {
    GW_TRY(record.owner, put(owner));
  }
  GW_TRY(record.rdata, put(rdata));
  record.owner_size = static_cast<std::uint8_t>(owner.size());
  record.rdata_size = static_cast<std::uint32_t>(rdata.size());
  record.ttl = ttl;
  record.number = static_cast<std::uint32_t>(records_.size());
  record.line = line;
  record.type = type;
  record.file = static_cast<std::uint16_t>(files_.size() - 1);
  records_.push_back(record);
  return {};
}

Status RecordList::add(const Rrset& rrset) {
  GW_CHECK(set_file(rrset.where));
  const std::string owner = lower_name(rrset.owner);
  for (const std::string& rdata : rrset.rdatas) {
    GW_CHECK(add(owner, rrset.type, rrset.ttl, rdata, 0));
  }
  return {};
}

bool RecordList::before(const Record& a, const Record& b) const {
  if (a.owner != b.owner) {
    if (const int order = compare_names(owner(a), owner(b)); order != 0) return order < 0;
  }
  return std::pair(a.type, a.number) < std::pair(b.type, b.number);
}

void RecordList::sort() {
  const auto less = [this](const Record& a, const Record& b) { return before(a, b); };
  // Most zone files are in order, or were until something was added.
  const auto rest = std::is_sorted_until(records_.begin(), records_.end(), less);
  std::sort(rest, records_.end(), less);
  std::inplace_merge(records_.begin(), rest, records_.end(), less);
}

std::string RecordList::where(const Record& r) const {
  const std::string& file = files_[r.file];
  return r.line == 0 ? file : at_line(file, r.line);
}

std::vector<Rrset> RecordList::rrsets() const {
  std::vector<Record> records = records_;
  std::sort(records.begin(), records.end(),
            [](const Record& a, const Record& b) { return a.number < b.number; });
  std::vector<Rrset> out;
  std::map<std::pair<NameView, std::uint16_t>, std::size_t> known;
  for (const Record& r : records) {
    const auto [at, fresh] = known.try_emplace({owner(r), r.type}, out.size());
    if (fresh) {
      out.push_back(Rrset::make(owner(r), r.type, r.ttl, {}));
      out.back().where = where(r);
    }
    out[at->second].rdatas.emplace_back(rdata(r));
  }
  return out;
}

}  // namespace gw::dns
