#include "build/module_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "build/build_failure.h"
#include "build/cache_trim.h"
#include "module/zip.h"
#include "os/dir.h"

namespace gw::build {

namespace {

using Kind = mod::ProxyRequest::Kind;

std::string title(const mod::ProxyRequest& request) {
  return fmt::format("{}@{}", request.module, request.version);
}

// Where a file is: its directory, made if need be, and its name there.
struct Place {
  os::Dir dir;
  std::string name;
};
Result<Place> make_place(const std::string& root, const mod::ProxyRequest& request) {
  GW_TRY(const std::string path, mod::format_proxy_path(request));
  GW_TRY(os::Dir dir, os::Dir::open(root));
  std::string_view rest = path;
  for (auto slash = rest.find('/'); slash != std::string_view::npos; slash = rest.find('/')) {
    GW_TRY(os::Dir next, dir.make_dir(std::string(rest.substr(0, slash)), 0755));
    dir = std::move(next);
    rest.remove_prefix(slash + 1);
  }
  return Place{std::move(dir), std::string(rest)};
}

Result<os::Fd> open_kept(const std::string& root, const mod::ProxyRequest& request) {
  GW_TRY(const std::string path, mod::format_proxy_path(request));
  GW_TRY(const os::Dir dir, os::Dir::open(root));
  return dir.open_file(path, O_RDONLY);
}

// Of a sum that nobody but us knows: whoever reads that it is another one must know whose it is.
Error with_remark(Error error, const SumRemark& remark) {
  if (!remark.text.empty()) error.message += fmt::format(" ({})", remark.text);
  return error;
}

// One that breaks the rules for zips may be forged, or be what its author published: then nobody
// can build it.
Error refused_zip(const mod::ByteSource& source, const mod::ProxyRequest& request,
                  const std::string& sum, Error error) {
  if (error.kind != ErrorKind::kUntrusted) return error;
  const auto own = mod::hash_zip(source);
  if (!own || *own != sum) return error;
  return failure({Reason::kBadZip, fmt::format("unzip {}: {}", title(request), error.message)});
}

Status verify_zip(const mod::ByteSource& source, const mod::ProxyRequest& request,
                  const std::string& sum) {
  auto zip = mod::ModuleZip::open(source, request.module, request.version);
  if (!zip) return refused_zip(source, request, sum, std::move(zip).error());
  GW_TRY(const std::string own, zip->hash());
  if (own == sum) return {};
  return untrusted_error(fmt::format("the zip has the sum {}, not {}", own, sum));
}

// The log's "no such record" is no reason to look elsewhere: what a proxy has cannot be trusted.
Error without_record(Error error) {
  if (error.kind != ErrorKind::kNotFound) return error;
  error.message = "the checksum database has no record of it: " + error.message;
  return error;
}

// Of what the cache has: the user must know that somebody edited it.
Error edited(Error error, const std::string& root) {
  if (error.kind != ErrorKind::kUntrusted) return error;
  return untrusted_error(
      fmt::format("{}: was changed since it was verified: {}", root, error.message),
      "remove it, to fetch it anew");
}

Status write_module_file(const std::string& root, const mod::ProxyRequest& request,
                         std::string_view bytes) {
  GW_TRY(const Place place, make_place(root, request));
  GW_TRY(os::NewFile file, place.dir.new_file(0644));
  GW_CHECK(file.write(bytes));
  return file.replace(place.name);
}

Status keep(const std::string& root, const mod::ProxyRequest& request, std::string_view bytes) {
  Status done = write_module_file(root, request, bytes);
  return done ? done
              : std::move(done).error().in(fmt::format("{}: keeping {}", title(request), root));
}

}  // namespace

ModuleStore::ModuleStore(std::string directory, ProxyFiles& proxy, SumSource& sums,
                         OnFetched on_fetched)
    : directory_(std::move(directory)),
      proxy_(proxy),
      sums_(sums),
      on_fetched_(std::move(on_fetched)) {}

Result<std::string> ModuleStore::fetch(const mod::ProxyRequest& request) {
  auto body = proxy_.fetch(request);
  if (body && on_fetched_) on_fetched_(request, body->size());
  return body;
}

// The sum that these bytes must have.
Result<std::string> ModuleStore::sum_of(const mod::ProxyRequest& request,
                                        const mod::ByteSource& bytes) {
  GW_CHECK(sums_.offer(request, bytes));
  return request.kind == Kind::kZip ? sums_.zip_sum(request.module, request.version)
                                    : sums_.gomod_sum(request.module, request.version);
}

Result<std::string> ModuleStore::gomod(const std::string& module, const std::string& version) {
  const mod::ProxyRequest request{Kind::kMod, module, version};
  GW_TRY(const std::string path, mod::format_proxy_path(request));
  GW_TRY(const os::Dir dir, os::Dir::open(directory_));
  auto text = dir.read_file(path, mod::max_answer_bytes(Kind::kMod));
  const bool kept = text.has_value();
  if (!kept) text = fetch(request);
  if (!text) return std::move(text).error().in(title(request));
  auto sum = sum_of(request, mod::MemorySource(*text));
  if (!sum) return without_record(std::move(sum).error()).in(title(request));
  if (auto same = mod::verify_gomod(*text, *sum); !same) {
    return (kept ? edited(std::move(same).error(), fmt::format("{}/{}", directory_, path))
                 : with_remark(std::move(same).error(), sums_.remark(module)))
        .in(title(request));
  }
  if (!kept) GW_CHECK(keep(directory_, request, *text));
  if (kept) {
    const auto fd = dir.open_file(path, O_RDONLY);
    if (fd) touch_used(fd->get());
  }
  return text;
}

Result<os::Fd> ModuleStore::zip(const std::string& module, const std::string& version) {
  const mod::ProxyRequest request{Kind::kZip, module, version};
  if (auto fd = open_kept(directory_, request)) {
    GW_TRY(const auto source, mod::FdSource::of(fd->get()));
    auto sum = sum_of(request, source);
    if (!sum) return without_record(std::move(sum).error()).in(title(request));
    if (auto same = verify_zip(source, request, *sum); !same) {
      GW_TRY(const std::string path, mod::format_proxy_path(request));
      return edited(std::move(same).error(), fmt::format("{}/{}", directory_, path))
          .in(title(request));
    }
    touch_used(fd->get());
    return fd;
  }
  auto body = fetch(request);
  if (!body) return std::move(body).error().in(title(request));
  const mod::MemorySource source(*body);
  auto sum = sum_of(request, source);
  if (!sum) return without_record(std::move(sum).error()).in(title(request));
  if (auto same = verify_zip(source, request, *sum); !same) {
    if (is_failure(same.error())) return std::move(same).error();
    return with_remark(std::move(same).error(), sums_.remark(module)).in(title(request));
  }
  GW_CHECK(keep(directory_, request, *body));
  return open_kept(directory_, request);
}

Result<mod::VersionInfo> ModuleStore::info(const std::string& module, const std::string& query) {
  const mod::ProxyRequest request{Kind::kInfo, module, query};
  GW_TRY(const std::string body, fetch(request));
  return mod::parse_version_info(request, body);
}

Result<mod::VersionInfo> ModuleStore::latest(const std::string& module) {
  const mod::ProxyRequest request{Kind::kLatest, module, {}};
  GW_TRY(const std::string body, fetch(request));
  return mod::parse_version_info(request, body);
}

Result<std::string> ModuleStore::list(const std::string& module) {
  return fetch({Kind::kList, module, {}});
}

}  // namespace gw::build
