#include "net/source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/bytes.h"
#include "base/text.h"
#include "net/http_url.h"
#include "net/source_http.h"
#include "os/file.h"

namespace gw::net {

bool is_source_path(std::string_view path) {
  constexpr std::string_view kPunctuation = "-._~!@+=$,:;&'()*";
  constexpr std::string_view kLookup = "lookup/";
  if (path.empty() || path.size() > 4096) return false;
  if (path.starts_with(kLookup) && path != kLookup && path.ends_with('/')) path.remove_suffix(1);
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= path.size(); ++i) {
    if (i < path.size() && path[i] != '/') {
      const char c = path[i];
      if (!is_alnum(c) && kPunctuation.find(c) == std::string_view::npos) return false;
      continue;
    }
    const std::string_view element = path.substr(begin, i - begin);
    if (element.empty() || element == "." || element == "..") return false;
    begin = i + 1;
  }
  return true;
}

namespace {

constexpr std::string_view kFileScheme = "file://";

// The files below a directory. It is opened anew for each fetch, so that a directory that was
// swapped for another one (a symbolic link that moves on) is followed.
class DirectorySource : public tlog::TileSource {
 public:
  explicit DirectorySource(std::string directory) : directory_(std::move(directory)) {}

  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override;
  std::string describe() const override { return "directory " + directory_; }
  bool is_log() const override { return false; }

 private:
  Result<std::string> read_one(int dir, const tlog::FetchRequest& request) const;
  std::string directory_;
};

Result<std::string> DirectorySource::read_one(int dir, const tlog::FetchRequest& request) const {
  const auto where = [&] { return fmt::format("{}/{}", directory_, request.path); };
  if (!is_source_path(request.path)) return usage_error("bad log path " + quoted(request.path));
  // O_NONBLOCK: opening a FIFO must not wait for its other end.
  // A build's lookup ends in a slash, as its page does; where files are served it is that page's.
  const std::string path = request.path.ends_with('/') ? request.path + "index.html" : request.path;
  const os::Fd fd(::openat(dir, path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) {
      return not_found_error(where() + ": no such file");
    }
    return errno_error("opening " + where(), errno);
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return errno_error("reading " + where(), errno);
  if (!S_ISREG(st.st_mode)) return not_found_error(where() + ": not a file");
  const auto size = static_cast<std::size_t>(st.st_size);
  if (size > request.max_bytes) {
    return untrusted_error(fmt::format("{}: larger than {} bytes", where(), request.max_bytes));
  }
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t n = ::read(fd.get(), out.data() + have, size - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading " + where(), errno);
    if (n == 0) return unavailable_error(where() + ": became shorter while it was read");
    have += static_cast<std::size_t>(n);
  }
  return out;
}

std::vector<Result<std::string>> DirectorySource::fetch(
    std::span<const tlog::FetchRequest> requests) {
  std::vector<Result<std::string>> out;
  out.reserve(requests.size());
  const os::Fd dir(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!dir) {
    out.assign(requests.size(), errno_error("opening " + directory_, errno));
    return out;
  }
  for (const tlog::FetchRequest& request : requests) out.push_back(read_one(dir.get(), request));
  return out;
}

// One address.
class UrlSource : public tlog::TileSource {
 public:
  UrlSource(std::string base, HttpFiles files, bool is_log)
      : base_(std::move(base)), files_(std::move(files)), is_log_(is_log) {}

  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    return files_.fetch(base_, requests);
  }
  std::string describe() const override { return redact_url(base_); }
  bool is_log() const override { return is_log_; }

 private:
  std::string base_;
  HttpFiles files_;
  bool is_log_;
};

Result<std::unique_ptr<tlog::TileSource>> make_directory(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) {
    Error error = errno_error("log source " + path, errno);
    return usage_error(std::move(error.message), "name a directory, or a URL with https://");
  }
  if (!S_ISDIR(st.st_mode)) return usage_error(fmt::format("log source {}: not a directory", path));
  // Its own name in it is found by who may look there.
  if (!os::Fd(::open((path + "/.").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))) {
    return usage_error(errno_error("log source " + path, errno).message);
  }
  return std::unique_ptr<tlog::TileSource>(std::make_unique<DirectorySource>(path));
}

Result<std::unique_ptr<tlog::TileSource>> make_direct(const SourceOptions& options) {
  const std::string source =
      options.source.empty() ? "https://" + options.log_name : options.source;
  GW_CHECK(check_source(source));
  if (source.starts_with(kFileScheme)) return make_directory(source.substr(kFileScheme.size()));
  if (source.find("://") == std::string::npos) return make_directory(source);
  GW_TRY(std::string base, base_url(source));
  GW_TRY(HttpFiles files,
         HttpFiles::create(options.http, {options.timeout, options.pause, options.patience},
                           options.headers));
  // A log's name is its address, of which a key's name may have a path.
  const std::string own = "https://" + options.log_name;
  const bool is_log = base == own || base.starts_with(own + "/");
  return std::unique_ptr<tlog::TileSource>(
      std::make_unique<UrlSource>(std::move(base), std::move(files), is_log));
}

}  // namespace

Status check_source(std::string_view source) {
  if (source.find("://") == std::string_view::npos) return {};
  if (source.starts_with(kFileScheme)) {
    if (source.substr(kFileScheme.size()).starts_with('/')) return {};
    return usage_error(fmt::format("bad URL {}: a file has no host", quoted(source)),
                       "write file:///DIRECTORY");
  }
  GW_TRY([[maybe_unused]] const std::string base, base_url(source));
  return {};
}

Status check_proxy_list(std::string_view list) {
  GW_TRY([[maybe_unused]] const auto entries, parse_proxy_list(list));
  return {};
}

Result<std::unique_ptr<tlog::TileSource>> make_source(const SourceOptions& options) {
  if (!is_source_path(options.log_name)) {
    return usage_error(
        fmt::format("log name {} cannot be part of a URL", quoted(options.log_name)));
  }
  if (options.proxy.empty()) return make_direct(options);
  auto parsed = parse_proxy_list(options.proxy);
  if (!parsed) return std::move(parsed).error().in("module proxy list");
  std::vector<mod::ProxyEntry> list = *std::move(parsed);
  const bool ends_off = !list.empty() && list.back().kind == mod::ProxyEntry::Kind::kOff;
  std::unique_ptr<tlog::TileSource> direct;
  if (!ends_off) {
    GW_TRY(direct, make_direct(options));
  }
  GW_TRY(HttpFiles files,
         HttpFiles::create(options.http, {options.timeout, options.pause, options.patience},
                           options.headers));
  return make_proxy_source(std::move(list), options.log_name, std::move(files), std::move(direct));
}

}  // namespace gw::net
