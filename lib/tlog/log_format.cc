#include "tlog/log_format.h"

#include "base/bytes.h"

namespace gw::tlog {

Error another_record_error(std::string_view key) {
  return untrusted_error("record is not about " + quoted(key));
}

}  // namespace gw::tlog
