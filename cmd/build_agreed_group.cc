#include "build_agreed_group.h"

#include "build/agreement.h"

namespace gw::cmd {

Result<build::Services> open_services(const BuildServiceValues& v, const Clock& clock,
                                      const os::Stop& stop) {
  std::vector<build::ServiceName> named{{v.log_key, v.source.value_or("")}};
  for (const std::string& text : v.verifiers) named.push_back(split_build_service(text));
  GW_CHECK(build::check_different(named));
  build::Services out;
  for (const build::ServiceName& name : named) {
    GW_TRY(auto service, open_build_service(v, name, clock, stop));
    out.all.push_back(std::move(service));
  }
  GW_TRY(out.wanted, wanted_servers(v, out.all.size()));
  return out;
}

build::Warn warn_in(Context& ctx) {
  return [&ctx](const std::string& message) { ctx.out.warn(message); };
}

}  // namespace gw::cmd
