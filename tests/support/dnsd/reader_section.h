// A reader section for as long as it lives.
#pragma once

#include "dnsd/epochs.h"

namespace gw::dnsd {

class ReaderSection {
 public:
  explicit ReaderSection(Epochs::Reader& reader) : reader_(reader) { reader_.enter(); }
  ~ReaderSection() { reader_.leave(); }
  ReaderSection(const ReaderSection&) = delete;
  ReaderSection& operator=(const ReaderSection&) = delete;

 private:
  Epochs::Reader& reader_;
};

}  // namespace gw::dnsd
