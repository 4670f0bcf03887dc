// The records of a zone on their way from a file into a StaticZone: millions of them in about a
// hundred bytes each, where a list of Rrsets would take a thousand.
//
// One thread at a time. Views are good until the next add().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dns/zone.h"

namespace gw::dns {

class RecordList {
 public:
  struct Record {
    std::uint32_t owner = 0;  // where it begins in the bytes
    std::uint32_t rdata = 0;  // likewise
    std::uint32_t rdata_size = 0;
    std::uint32_t ttl = 0;
    std::uint32_t number = 0;  // in the order of add()
    std::uint32_t line = 0;    // 0: the file's name says all
    std::uint16_t type = 0;
    std::uint16_t file = 0;
    std::uint8_t owner_size = 0;
  };

  // The file that the next records are in. kUsage: too many of them.
  Status set_file(std::string_view name);
  // `owner`: a lower-cased wire name. kUsage when the list would be too large.
  Status add(NameView owner, std::uint16_t type, std::uint32_t ttl, std::string_view rdata,
             std::uint32_t line);
  // All of a set.
  Status add(const Rrset& rrset);

  // By owner in canonical order, then by type, then as they came.
  void sort();

  std::size_t size() const { return records_.size(); }
  Record& operator[](std::size_t i) { return records_[i]; }
  const Record& operator[](std::size_t i) const { return records_[i]; }
  NameView owner(const Record& r) const { return view(r.owner, r.owner_size); }
  std::string_view rdata(const Record& r) const { return view(r.rdata, r.rdata_size); }
  // "example.zone:12"; empty: nowhere special.
  std::string where(const Record& r) const;

  // As sets, in the order in which they begin.
  std::vector<Rrset> rrsets() const;

 private:
  std::string_view view(std::uint32_t at, std::size_t size) const {
    return std::string_view(bytes_).substr(at, size);
  }
  bool before(const Record& a, const Record& b) const;
  Result<std::uint32_t> put(std::string_view bytes);

  std::string bytes_;
  std::vector<Record> records_;
  std::vector<std::string> files_;
};

}  // namespace gw::dns
