#include "dnsd/user_access.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "os/file.h"
#include "support/dnsd/temp_dir.h"

namespace gw::dnsd {
namespace {

// Permissions say nothing to root: as nobody in particular, while this lives.
class NotRoot {
 public:
  NotRoot() {
    if (::geteuid() == 0) changed_ = ::seteuid(65534) == 0;
  }
  ~NotRoot() {
    if (changed_) (void)!::seteuid(0);
  }

 private:
  bool changed_ = false;
};

TEST_CASE("what the user may not use is told, with what to do") {
  const TempDir dir;
  REQUIRE(::chmod(dir.path.c_str(), 0755) == 0);
  const struct {
    const char* name;
    mode_t mode;  // 0: no such file
    int asked;
    const char* fault;  // "" when it is allowed
  } rows[] = {
      {"open", 0666, R_OK, ""},
      {"open-to-write", 0666, W_OK, ""},
      {"secret", 0001, R_OK, "user dns may not read"},
      {"fixed", 0444, W_OK, "user dns may not write to"},
      {"closed/new", 0, R_OK, "user dns may not write to"},  // judged by its directory
      {"shared/new", 0, W_OK, ""},
  };
  REQUIRE(::mkdir(dir.file("closed").c_str(), 0700) == 0);
  REQUIRE(::chmod(dir.file("closed").c_str(), 0555) == 0);
  REQUIRE(::mkdir(dir.file("shared").c_str(), 0700) == 0);
  REQUIRE(::chmod(dir.file("shared").c_str(), 0777) == 0);
  for (const auto& row : rows) {
    if (row.mode == 0) continue;
    REQUIRE(os::write_file_atomic(dir.file(row.name), "x", 0600));
    REQUIRE(::chmod(dir.file(row.name).c_str(), row.mode) == 0);
  }
  for (const auto& row : rows) {
    CAPTURE(row.name);
    Status status;
    {
      const NotRoot user;
      status = require_access(dir.file(row.name), row.asked, "dns", "the zone's signing key");
    }
    CHECK(status.has_value() == std::string_view(row.fault).empty());
    if (status) continue;
    CHECK(status.error().kind == ErrorKind::kUsage);
    CHECK(status.error().message.starts_with(row.fault));
    CHECK(status.error().message.ends_with(", the zone's signing key"));
    CHECK(status.error().hint.starts_with("chown dns "));
  }
}

}  // namespace
}  // namespace gw::dnsd
