#include "build/product.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "build/build_failure.h"
#include "module/buildinfo.h"
#include "module/goversion.h"

namespace gw::build {

namespace {

// From where it stands to its end; a pipe, too.
Result<Saved> read_all(int fd, const std::string& what,
                       const std::function<Status(std::string_view)>& take) {
  Saved saved;
  Sha256 hash;
  std::string buffer(std::size_t{1} << 20U, '\0');
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(what, errno);
    if (n == 0) break;
    const auto piece = std::string_view(buffer).substr(0, static_cast<std::size_t>(n));
    hash.update(piece);
    GW_CHECK(take(piece));
    saved.size += piece.size();
  }
  saved.sha256 = hash.finish();
  return saved;
}

}  // namespace

Result<Saved> Product::read(const std::function<Status(std::string_view)>& take) const {
  if (::lseek(file_.get(), 0, SEEK_SET) < 0) return errno_error("reading the binary", errno);
  return read_all(file_.get(), "reading the binary", take);
}

Result<Saved> sum_file(const std::string& path) {
  const os::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    Error error = errno_error(path, errno);
    if (errno == ENOENT) error.kind = ErrorKind::kNotFound;
    return error;
  }
  return read_all(fd.get(), path, [](std::string_view) { return Status(); });
}

Result<Saved> Product::save(const os::Dir& dir, const std::string& name) const {
  GW_TRY(os::NewFile out, dir.new_file(0755));
  GW_TRY(const Saved saved, read([&](std::string_view piece) { return out.write(piece); }));
  GW_CHECK(out.replace(name));
  return saved;
}

Result<Hash> Product::hash() const {
  GW_TRY(const Saved saved, read([](std::string_view) { return Status(); }));
  return saved.sha256;
}

Status check_binary(const mod::ByteSource& binary, const Key& key) {
  constexpr std::uint32_t kSettingsFrom = 18;
  if (key.target.goarch == "wasm") return {};
  auto info = mod::read_build_info(binary);
  if (!info) return internal_error("the binary: " + info.error().message);
  if (info->main && info->main->module.path != key.module && info->path == key.package()) {
    Error error = not_found_error(fmt::format("{} belongs to module {}, not to {}", key.package(),
                                              info->main->module.path, key.module),
                                  "build it as a package of that module");
    error.detail = std::make_shared<BuildFailure>(Reason::kUnknown, "");
    return error;
  }
  const auto setting = [&](std::string_view name) {
    const std::string* value = info->find_setting(name);
    return value == nullptr ? std::string() : *value;
  };
  std::vector<std::pair<std::string, std::string>> said = {
      {info->path, key.package()},
      {info->main ? info->main->module.path : "", key.module},
      {info->main ? info->main->module.version : "", key.version},
      {info->main && info->main->replace ? "replaced" : "", ""},
      {info->go_version, key.go_version}};
  const auto go = mod::parse_go_version(key.go_version);
  if (go && go->minor >= kSettingsFrom) {
    said.insert(said.end(), {{setting("GOOS"), key.target.goos},
                             {setting("GOARCH"), key.target.goarch},
                             {setting("CGO_ENABLED"), "0"}});
  }
  for (const auto& [is, wanted] : said) {
    if (is == wanted) continue;
    return internal_error(
        fmt::format("the binary says {} where {} was built", is.empty() ? "nothing" : is, wanted));
  }
  return {};
}

}  // namespace gw::build
