#include "tlog/log_format.h"

#include "base/bytes.h"
#include "tlog/build_log.h"
#include "tlog/go_log.h"

namespace gw::tlog {

Error another_record_error(std::string_view key) {
  return untrusted_error("record is not about " + quoted(key));
}

const LogFormat* find_log_format(std::string_view name) {
  for (const LogFormat* format : {&kGoLog, &kBuildLog}) {
    if (format->name == name) return format;
  }
  return nullptr;
}

}  // namespace gw::tlog
