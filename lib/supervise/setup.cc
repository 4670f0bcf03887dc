#include "supervise/setup.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/text.h"
#include "os/dir.h"

namespace gw::supervise {
namespace {

constexpr std::size_t kSetupPassword = 15;  // bytes
constexpr std::size_t kMaxPassword = 1024;  // it has to fit into a question to the supervisor
constexpr mode_t kOwn = 0700;
constexpr mode_t kSecret = 0600;

struct Split {
  std::string parent;
  std::string name;
};
Split split_last(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Status write_file(const os::Dir& dir, const std::string& name, std::string_view text) {
  GW_TRY(os::NewFile file, dir.new_file(kSecret));
  GW_CHECK(file.write(text));
  return file.publish(name);
}

Status write_all_files(const os::Dir& dir, const SetupFiles& files) {
  GW_CHECK(write_file(dir, "password", files.password + "\n"));
  if (files.state) GW_CHECK(write_file(dir, "state.json", *files.state));
  if (files.head) GW_CHECK(write_file(dir, "head", *files.head));
  return write_file(dir, "supervise.toml", files.config);
}

// A word of a unit's command: quoted, and no specifier. Its first one, the program, is no place for
// variables, and what would be one is itself.
std::string unit_word(std::string_view word, bool program) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%' || (c == '$' && !program)) out += c;
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string make_password_text() { return encode_base64(random_bytes(kSetupPassword)); }

std::string_view password_fault(std::string_view password) {
  if (trim(password).empty()) return "is empty";
  if (trim(password) != password) return "begins or ends with a space";
  if (password.size() > kMaxPassword) return "is longer than 1024 bytes";
  if (std::any_of(password.begin(), password.end(), is_control)) return "has a control character";
  return "";
}

Status make_directory(const std::string& path, const SetupFiles& files) {
  const Split at = split_last(path);
  if (at.name.empty() || at.name == "." || at.name == ".." || at.name == "/") {
    return usage_error(path + " exists already", "name another one with --dir");
  }
  auto parent = os::Dir::open(at.parent);
  if (!parent) return std::move(parent).error().in(path);
  GW_TRY(const auto there, parent->find(at.name));
  if (there) return usage_error(path + " exists already", "name another one with --dir");
  auto dir = parent->make_dir(at.name, kOwn);
  if (!dir) return std::move(dir).error().in(path);
  auto written = write_all_files(*dir, files);
  if (written) return parent->sync();
  (void)parent->remove_tree(at.name);
  return std::move(written).error().in(path);
}

Result<Installed> set_up(const std::string& path, SetupFiles files, const std::string& directory,
                         const std::function<Result<Installed>()>& install) {
  GW_TRY(Installed done, install());
  if (!done.head.empty()) files.head = done.head;
  if (auto made = make_directory(path, files); !made) {
    GW_TRY(const os::Dir dir, os::Dir::open(directory));
    (void)dir.unlink(done.link);
    (void)dir.unlink(done.file);
    return std::move(made).error();
  }
  return done;
}

std::string format_unit(const std::string& name, const std::string& directory,
                        const std::vector<std::string>& words) {
  std::string command;
  for (const std::string& word : words) {
    command += (command.empty() ? "" : " ") + unit_word(word, command.empty());
  }
  std::string path;
  for (const char c : directory) path += c == '%' ? "%%" : std::string(1, c);
  return fmt::format(
      "[Unit]\n"
      "Description={}, kept current by gwtool\n"
      "Wants=network-online.target\n"
      "After=network-online.target\n\n"
      "[Service]\n"
      "# notify, if the service says READY=1 to systemd\n"
      "Type=exec\n"
      "WorkingDirectory={}\n"
      "ExecStart={}\n"
      "# the service is ended by the supervisor, which knows how long it may take\n"
      "KillMode=mixed\n"
      "TimeoutStopSec=100\n"
      "Restart=on-failure\n\n"
      "[Install]\n"
      "WantedBy=multi-user.target\n",
      name, path, command);
}

}  // namespace gw::supervise
