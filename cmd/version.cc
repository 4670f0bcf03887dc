// gwtool version: what this binary is made of.
//
// The libraries are linked statically, so that a fix in one of them is in no binary that was built
// before: who asks whether it is in theirs finds the answer here. Each library is asked itself, for
// the one that is linked counts; one that is headers only is named by them.
#include <stdbool.h>  // before ldns, which would define bool, true and false itself
//
#include <curl/curl.h>
#include <event2/event.h>
#include <fmt/format.h>
#include <gmp.h>
#include <gnu/libc-version.h>
#include <ldns/util.h>
#include <nettle/version.h>
#include <openssl/crypto.h>
#include <seccomp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <sys/capability.h>
#include <toml++/impl/version.h>
#include <unbound.h>
#include <yaml.h>
#include <zlib.h>

#include <CLI/Version.hpp>
#include <boost/version.hpp>

#include "base/json.h"
#include "commands.h"

namespace gw::cmd {
namespace {

struct Library {
  std::string name;
  std::string version;
};

std::string seccomp_text() {
  const scmp_version* v = seccomp_version();
  return v == nullptr ? "" : fmt::format("{}.{}.{}", v->major, v->minor, v->micro);
}

std::vector<Library> libraries() {
  const curl_version_info_data* curl = curl_version_info(CURLVERSION_NOW);
  auto text = [](const char* version) { return std::string(version != nullptr ? version : ""); };
  return {
      {"Boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000,
                            BOOST_VERSION % 100)},
      {"c-ares", text(curl->ares)},
      {"CLI11", CLI11_VERSION},
      {"curl", text(curl->version)},
      {"fmt",
       fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"glibc", gnu_get_libc_version()},
      {"gmp", text(gmp_version)},
      {"json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                           NLOHMANN_JSON_VERSION_PATCH)},
      {"ldns", ldns_version()},
      {"libcap", fmt::format("{}.{}", LIBCAP_MAJOR, LIBCAP_MINOR)},
      {"libevent", event_get_version()},
      {"libseccomp", seccomp_text()},
      {"libsodium", sodium_version_string()},
      {"libyaml", yaml_get_version_string()},
      {"minizip", GW_MINIZIP_VERSION},  // says it nowhere itself: its package's word
      {"nettle", fmt::format("{}.{}", nettle_version_major(), nettle_version_minor())},
      {"nghttp2", text(curl->nghttp2_version)},
      {"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)},
      {"SQLite", sqlite3_libversion()},
      {"toml++", fmt::format("{}.{}.{}", TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH)},
      {"unbound", ub_version()},
      {"zlib", zlibVersion()},
  };
}

#ifdef __clang__
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "gcc " __VERSION__;
#endif

}  // namespace

Command version_command() {
  Command c("version", "print what this binary is made of");
  c.doc =
      "The version, the compiler and the kind of build, the platform that it is for, and every "
      "library in it: they are linked statically, so that an update of the system's does not reach "
      "them.";
  c.run = [](Context& ctx) -> Result<int> {
    const std::vector<Library> all = libraries();
    if (ctx.json) {
      Json versions = Json::array();
      for (const Library& l : all) versions.push_back({{"name", l.name}, {"version", l.version}});
      ctx.out.json({{"version", GW_VERSION},
                    {"compiler", kCompiler},
                    {"build", GW_BUILD_TYPE},
                    {"platform", GW_PLATFORM},
                    {"libraries", std::move(versions)}});
      return kExitDone;
    }
    auto row = [&](std::string_view name, std::string_view value) {
      ctx.out.line(fmt::format("{:<12}{}", name, value));
    };
    ctx.out.line("gwtool " GW_VERSION);
    row("compiler", kCompiler);
    row("build", GW_BUILD_TYPE);
    row("platform", GW_PLATFORM);
    for (const Library& l : all) row(l.name, l.version);
    return kExitDone;
  };
  return c;
}

}  // namespace gw::cmd
