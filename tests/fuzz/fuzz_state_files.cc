// What programs of ours keep in files between their runs, as somebody else left it: a zone's serial
// number, the versions that check has reported, the head that it remembers, a supervisor's state.
// Each is refused, or is written again as what was read.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "check/reported.h"
#include "dns/cookie.h"
#include "dnsd/zone_serial.h"
#include "fuzz/require.h"
#include "os/file.h"
#include "supervise/state.h"
#include "tlog/remembered_head.h"

namespace fuzz_state_files {

using namespace gw;

namespace {

struct Place {
  std::string directory = "/tmp/gw-fuzz-state-XXXXXX";
  std::string file;
  Place() {
    require(::mkdtemp(directory.data()) != nullptr);
    file = directory + "/state";
  }
  ~Place() {
    for (const char* end : {"/state", "/state.lock"}) ::unlink((directory + end).c_str());
    ::rmdir(directory.c_str());
  }
  // Without the fsync of a file that is to stay.
  void put(std::string_view text) const {
    const os::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    require(fd && write_all(fd.get(), text) == 0);
  }
};

void check_serial(const Place& place) {
  auto serial = dnsd::ZoneSerial::load(place.file);
  if (!serial) return require(serial.error().kind == ErrorKind::kCorrupt);
  // Whatever was there, the next one is another one, and none is 0.
  const std::uint32_t before = serial->current();
  require(serial->advance(before, "other"));
  require(serial->current() != before && serial->known());
}

void check_reported(const Place& place) {
  auto reported = check::Reported::open(place.file, MonoTime::max());
  if (!reported) return require(reported.error().kind == ErrorKind::kCorrupt);
  require(!reported->knows("never.example/a", "v1.0.0-fuzz"));
  reported->add("never.example/a", "v1.0.0-fuzz");
  require(reported->knows("never.example/a", "v1.0.0-fuzz"));
}

void check_supervisor(std::string_view text) {
  auto state = supervise::parse_state(text);
  if (!state) {
    const ErrorKind kind = state.error().kind;
    return require(kind == ErrorKind::kCorrupt || kind == ErrorKind::kUsage);
  }
  const std::string written = supervise::format_state(*state);
  const auto again = supervise::parse_state(written);
  require(again && supervise::format_state(*again) == written);
  supervise::forget_future(*state, from_unix(1'800'000'000));
  (void)supervise::knowledge_of(*state);
  require(supervise::parse_state(supervise::format_state(*state)).has_value());
}

}  // namespace

FUZZ_TARGET(state_files)(const std::uint8_t* data, std::size_t size) {
  static const Place place;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  place.put(text);
  check_serial(place);
  check_reported(place);
  if (auto remembered = tlog::RememberedHead::open(place.file)) {
    require(remembered->note().has_value() && *remembered->note() == text);
  }
  check_supervisor(text);
  (void)dns::CookieSecrets::parse(text);
  return 0;
}

}  // namespace fuzz_state_files
