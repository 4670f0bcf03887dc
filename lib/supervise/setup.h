// The first day of a supervised service: its directory, its first binary, its unit.
//
// What `supervise init` fetches is proven like an update. All that comes from the network comes
// first; the directory is there as a whole or not at all, and what exists is never touched. One
// thread; contacts the module proxy, DNS and the build service itself, as the person who calls it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "os/user.h"
#include "supervise/local_build.h"
#include "supervise/messages.h"

namespace gw::supervise {

// What is written to DIR.
struct SetupFiles {
  std::string config;
  std::string password;  // without its line's end
  std::optional<std::string> state;
  std::optional<std::string> head;  // of the build service's log
};
// DIR of these files. kUsage: it exists; kNotFound: what it is to be in does not. Nothing is left
// of it on an error.
Status make_directory(const std::string& path, const SetupFiles& files);
std::string make_password_text();
// Why nobody gets into the page with this password, as a file has it; empty: one does.
std::string_view password_fault(std::string_view password);

// `MODULE[/DIR][@VERSION]`, VERSION being one or latest, to a build; the module is the longest part
// of the path that is one. Its Go is `go_version`, or the newest release when that is empty.
Result<build::Key> find_build(std::string_view package, const std::string& go_version,
                              const Sources& sources, const Clock& clock);

struct Installed {
  std::string file;
  std::string link;  // leads to it
  std::string sum;
  std::string head;  // the log's note; empty: it was built here
};
// The binary, proven, in `directory`, and a link NAME to it. kUsage: NAME is there already.
Result<Installed> install_first(const build::Key& key, const Sources& sources,
                                const std::string& directory);
// The same, built by `gwtool build`, from modules that the Go checksum database proves, in a new
// directory there that goes again. Root builds nothing itself: then it is `builder`, or nobody
// else's user, who builds; kUsage when there is none.
Result<Installed> install_built(const build::Key& key, const LocalBuilds& builds,
                                const std::string& ca_file, const std::string& directory,
                                std::optional<os::User> builder);

// What `install` puts into `directory`, which is one of the two above or a test's, and then DIR of
// `files`, with the log's head that came with it. Where DIR cannot be made, what was installed goes
// again: as if nothing had been begun.
Result<Installed> set_up(const std::string& path, SetupFiles files, const std::string& directory,
                         const std::function<Result<Installed>()>& install);

// A systemd unit: `words` is the command.
std::string format_unit(const std::string& name, const std::string& directory,
                        const std::vector<std::string>& words);

}  // namespace gw::supervise
