#include "module/zip.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "module/path.h"
#include "module/semver.h"
#include "module/zip_names.h"

namespace gw::mod {

Status check_module_version(std::string_view module, std::string_view version) {
  GW_CHECK(check_path(module));
  if (!parse_semver(version)) {
    return usage_error(fmt::format("version {} is not canonical", quoted(version)));
  }
  const auto split = split_path_version(module);
  if (!split || !major_matches(version, split->major)) {
    return usage_error(fmt::format("{}@{}: the major version is not the path's", module, version));
  }
  return {};
}

Result<ModuleZip> ModuleZip::open(const ByteSource& source, std::string_view module,
                                  std::string_view version) {
  GW_CHECK(check_module_version(module, version));
  if (source.size() > kMaxZipBytes) return untrusted_error("zip is larger than 500 MiB");
  GW_TRY(ZipArchive archive, ZipArchive::open(source, kMaxModuleFiles));
  ModuleZip zip(std::move(archive));
  GW_CHECK(zip.check(fmt::format("{}@{}/", module, version)));
  return zip;
}

// From here on every name is a relative path that means the same on every file system.
Status ModuleZip::check(std::string_view prefix) {
  ZipNames names;
  const std::vector<ArchiveEntry>& entries = archive_.entries();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ArchiveEntry& entry = entries[i];
    const auto refuse = [&](Error error) { return std::move(error).in(quoted(entry.name)); };
    std::string_view name = entry.name;
    if (!name.starts_with(prefix)) {
      return refuse(untrusted_error("does not begin with " + quoted(prefix)));
    }
    name.remove_prefix(prefix.size());
    const bool directory = name.empty() || name.ends_with('/');
    if (entry.irregular) return refuse(untrusted_error("neither a regular file nor a directory"));
    if (entry.directory_mode && !directory) {
      return refuse(untrusted_error("a directory without a slash at its end"));
    }
    if (directory && entry.size != 0) return refuse(untrusted_error("a directory with content"));
    if (name.empty()) continue;
    if (directory) name.remove_suffix(1);
    if (auto s = check_file_path(name); !s) return refuse(untrusted_error(s.error().message));
    if (auto s = names.add(name, directory); !s) return refuse(std::move(s).error());
    if (directory) continue;
    if (auto s = check_file(entry, name); !s) return refuse(std::move(s).error());
    files_.push_back({name, entry.size, i});
  }
  return {};
}

Status ModuleZip::check_file(const ArchiveEntry& entry, std::string_view name) {
  if (const auto base = last_element(name); to_lower(base) == "go.mod") {
    if (base.size() != name.size()) return untrusted_error("go.mod below the root");
    if (name != "go.mod") return untrusted_error("go.mod in upper case");
  }
  if (entry.size > kMaxZipBytes - total_) return untrusted_error("content is larger than 500 MiB");
  total_ += entry.size;
  if ((name == "go.mod" || name == "LICENSE") && entry.size > kMaxSpecialFileBytes) {
    return untrusted_error("larger than 16 MiB");
  }
  return {};
}

namespace {

Status read_entry_of(ZipArchive& archive, const ArchiveEntry& entry, const ZipArchive::Take& take) {
  auto status = archive.read(entry, take);
  if (!status) return std::move(status).error().in(quoted(entry.name));
  return {};
}

Result<std::string> hash_archive(ZipArchive& archive) {
  Hash1 all;
  // Entries of directories count as empty files, as in dirhash.HashZip.
  for (const ArchiveEntry& entry : archive.entries()) {
    Sha256 content;
    GW_CHECK(read_entry_of(archive, entry, [&](std::string_view bytes) {
      content.update(bytes);
      return Status();
    }));
    GW_CHECK(all.add(entry.name, content.finish()));
  }
  return all.finish();
}

}  // namespace

Status ModuleZip::read_entry(const ArchiveEntry& entry, const ZipArchive::Take& take) {
  return read_entry_of(archive_, entry, take);
}

Result<std::string> ModuleZip::hash() { return hash_archive(archive_); }

Result<std::string> hash_zip(const ByteSource& source) {
  if (source.size() > kMaxZipBytes) return untrusted_error("zip is larger than 500 MiB");
  GW_TRY(ZipArchive archive, ZipArchive::open(source, kMaxModuleFiles));
  std::uint64_t total = 0;
  for (const ArchiveEntry& entry : archive.entries()) {
    if (entry.size > kMaxZipBytes - total) {
      return untrusted_error("content is larger than 500 MiB");
    }
    total += entry.size;
  }
  return hash_archive(archive);
}

Result<std::string> ModuleZip::read(std::string_view name, std::uint64_t max_bytes) {
  const auto file =
      std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.name == name; });
  if (file == files_.end()) return not_found_error(fmt::format("no {} in the zip", quoted(name)));
  if (file->size > max_bytes) return untrusted_error(quoted(name) + " is too large");
  std::string out;
  GW_CHECK(read_entry(archive_.entries()[file->entry], [&](std::string_view bytes) {
    out += bytes;
    return Status();
  }));
  return out;
}

}  // namespace gw::mod
