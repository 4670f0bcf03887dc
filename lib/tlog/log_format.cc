#include "tlog/log_format.h"

#include "tlog/build_log.h"
#include "tlog/go_log.h"

namespace gw::tlog {

const LogFormat* find_log_format(std::string_view name) {
  for (const LogFormat* format : {&kGoLog, &kBuildLog}) {
    if (format->name == name) return format;
  }
  return nullptr;
}

}  // namespace gw::tlog
