#include "module/zip_archive.h"

#include <fmt/format.h>
#include <minizip/unzip.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/bytes.h"

namespace gw::mod {

namespace {

constexpr std::uint64_t kMaxNameBytes = 64UL << 20U;
constexpr std::size_t kWindowBytes = 16UL << 10U;
constexpr std::size_t kInflatedAtOnce = 64UL << 10U;

// General purpose flags (APPNOTE 4.4.4): encrypted, strongly encrypted, masked headers.
constexpr unsigned long kEncrypted = 1U | (1U << 6U) | (1U << 13U);

// What minizip reads through. It asks byte by byte, in turns from the directory and from the local
// headers: two windows turn that into few reads.
class Stream {
 public:
  explicit Stream(const ByteSource& source) : source_(source) {}

  zlib_filefunc64_def functions() {
    zlib_filefunc64_def f{};
    f.opaque = this;
    f.zopen64_file = [](voidpf self, const void*, int) { return self; };
    f.zread_file = [](voidpf, voidpf self, void* out, uLong n) {
      return static_cast<uLong>(static_cast<Stream*>(self)->read(static_cast<char*>(out), n));
    };
    f.zwrite_file = [](voidpf, voidpf, const void*, uLong) { return uLong{0}; };
    f.ztell64_file = [](voidpf, voidpf self) {
      return static_cast<ZPOS64_T>(static_cast<Stream*>(self)->position_);
    };
    f.zseek64_file = [](voidpf, voidpf self, ZPOS64_T offset, int origin) {
      return static_cast<Stream*>(self)->seek(offset, origin);
    };
    f.zclose_file = [](voidpf, voidpf) { return 0; };
    f.zerror_file = [](voidpf, voidpf self) { return static_cast<Stream*>(self)->error_ ? 1 : 0; };
    return f;
  }

  const ByteSource& source() const { return source_; }
  // The first failure of the source, or that it ended before what minizip wanted.
  const std::optional<Error>& error() const { return error_; }

 private:
  struct Window {
    std::uint64_t start = 0;
    std::size_t size = 0;
    std::array<char, kWindowBytes> bytes{};
    bool holds(std::uint64_t at) const { return at >= start && at - start < size; }
  };

  std::size_t read(char* out, std::size_t n) {
    std::size_t done = 0;
    while (done < n && !error_) {
      const Window* window = window_at(position_);
      if (window == nullptr) break;
      const std::size_t skip = position_ - window->start;
      const std::size_t count = std::min(n - done, window->size - skip);
      std::copy_n(window->bytes.data() + skip, count, out + done);
      done += count;
      position_ += count;
    }
    // minizip takes what is missing for zeros: remembered here, nothing is believed after that.
    if (done < n && !error_) error_ = untrusted_error("ends too early");
    return done;
  }

  const Window* window_at(std::uint64_t at) {
    for (std::size_t i = 0; i < windows_.size(); ++i) {
      if (!windows_[i].holds(at)) continue;
      last_used_ = i;
      return &windows_[i];
    }
    last_used_ = 1 - last_used_;
    Window& window = windows_[last_used_];
    window.start = at;
    auto got = source_.read_at(at, window.bytes.data(), window.bytes.size());
    window.size = got ? *got : 0;
    if (!got) error_ = std::move(got).error();
    return window.size == 0 ? nullptr : &window;
  }

  long seek(std::uint64_t offset, int origin) {
    std::uint64_t base = 0;
    if (origin == ZLIB_FILEFUNC_SEEK_CUR) base = position_;
    if (origin == ZLIB_FILEFUNC_SEEK_END) base = source_.size();
    if (offset > source_.size() || base > source_.size() - offset) return -1;
    position_ = base + offset;
    return 0;
  }

  const ByteSource& source_;
  std::uint64_t position_ = 0;
  std::array<Window, 2> windows_;
  std::size_t last_used_ = 0;
  std::optional<Error> error_;
};

class Inflater {
 public:
  // The object must stay where it is: zlib points back at it.
  Inflater() { ready_ = inflateInit2(&z_, -MAX_WBITS) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&z_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Ready for a new stream; null when zlib is not.
  z_stream* start() { return ready_ && inflateReset(&z_) == Z_OK ? &z_ : nullptr; }

 private:
  z_stream z_{};
  bool ready_ = false;
};

// Kept from entry to entry: clearing them would cost more than many a file.
struct Workspace {
  Inflater inflater;
  std::string in = std::string(kInflatedAtOnce, '\0');
  std::string out = std::string(kInflatedAtOnce, '\0');
};

// One entry's content on its way from the source to `take`, counted and summed up.
class Content {
 public:
  Content(const ByteSource& source, Workspace& work, std::uint64_t offset,
          const ArchiveEntry& entry, const ZipArchive::Take& take)
      : source_(source),
        work_(work),
        offset_(offset),
        left_(entry.packed_size),
        entry_(entry),
        take_(take) {}

  Status run() {
    GW_CHECK(entry_.deflated ? inflate_all() : copy_all());
    if (given_ != entry_.size) return untrusted_error("shorter than its declared size");
    if (crc_ != entry_.crc) return untrusted_error("wrong checksum");
    return {};
  }

 private:
  // The next packed bytes; none at the end.
  Result<std::string_view> next_packed() {
    const std::size_t want = std::min<std::uint64_t>(left_, work_.in.size());
    if (want == 0) return std::string_view();
    GW_TRY(const std::size_t got, source_.read_at(offset_, work_.in.data(), want));
    if (got != want) return untrusted_error("the archive ends too early");
    offset_ += got;
    left_ -= got;
    return std::string_view(work_.in.data(), got);
  }

  Status give(std::string_view bytes) {
    if (bytes.size() > entry_.size - given_)
      return untrusted_error("larger than its declared size");
    given_ += bytes.size();
    crc_ =
        crc32(crc_, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
    return bytes.empty() ? Status() : take_(bytes);
  }

  Status copy_all() {
    for (;;) {
      GW_TRY(const std::string_view bytes, next_packed());
      if (bytes.empty()) return {};
      GW_CHECK(give(bytes));
    }
  }

  Status inflate_all() {
    z_stream* const stream = work_.inflater.start();
    if (stream == nullptr) return internal_error("zlib does not start");
    z_stream& z = *stream;
    z.avail_in = 0;
    for (;;) {
      if (z.avail_in == 0) {
        GW_TRY(const std::string_view bytes, next_packed());
        if (bytes.empty()) return untrusted_error("its packed bytes end too early");
        z.next_in = reinterpret_cast<Bytef*>(work_.in.data());
        z.avail_in = static_cast<uInt>(bytes.size());
      }
      z.next_out = reinterpret_cast<Bytef*>(work_.out.data());
      z.avail_out = static_cast<uInt>(work_.out.size());
      const int code = inflate(&z, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END) return untrusted_error("malformed deflate stream");
      GW_CHECK(give(std::string_view(work_.out.data(), work_.out.size() - z.avail_out)));
      if (code == Z_STREAM_END) {
        if (left_ != 0 || z.avail_in != 0) return untrusted_error("bytes after its deflate stream");
        return {};
      }
    }
  }

  const ByteSource& source_;
  Workspace& work_;
  std::uint64_t offset_;
  std::uint64_t left_;
  const ArchiveEntry& entry_;
  const ZipArchive::Take& take_;
  std::uint64_t given_ = 0;
  uLong crc_ = crc32(0, nullptr, 0);
};

// The Unix mode's type where the archive was made on Unix (APPNOTE 4.4.2, 4.4.15).
void judge_mode(const unz_file_info64& info, ArchiveEntry& entry) {
  constexpr unsigned long kUnix = 3;
  constexpr unsigned long kMac = 19;
  const unsigned long system = info.version >> 8U;
  if (system != kUnix && system != kMac) return;
  const unsigned long type = (info.external_fa >> 28U) & 0xfU;
  entry.directory_mode = type == 04;
  entry.irregular = type != 0 && type != 04 && type != 010;
}

Status check_packing(const unz_file_info64& info) {
  if ((info.flag & kEncrypted) != 0) return untrusted_error("encrypted");
  if (info.compression_method != 0 && info.compression_method != Z_DEFLATED) {
    return untrusted_error(fmt::format("compression method {}", info.compression_method));
  }
  if (info.compression_method == 0 && info.compressed_size != info.uncompressed_size) {
    return untrusted_error("stored with two sizes");
  }
  if (info.disk_num_start != 0) return untrusted_error("on another disk");
  return {};
}

}  // namespace

struct ZipArchive::Impl {
  explicit Impl(const ByteSource& source) : stream(source) {}
  ~Impl() {
    if (file != nullptr) unzClose(file);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Error failure(std::string_view what) const {
    if (stream.error()) return stream.error()->in(what);
    return untrusted_error(std::string(what));
  }

  Stream stream;
  Workspace work;
  unzFile file = nullptr;
};

ZipArchive::ZipArchive(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ZipArchive::ZipArchive(ZipArchive&&) noexcept = default;
ZipArchive& ZipArchive::operator=(ZipArchive&&) noexcept = default;
ZipArchive::~ZipArchive() = default;

Result<ZipArchive> ZipArchive::open(const ByteSource& source, std::uint64_t max_entries) {
  auto impl = std::make_unique<Impl>(source);
  zlib_filefunc64_def functions = impl->stream.functions();
  impl->file = unzOpen2_64("", &functions);
  if (impl->file == nullptr || impl->stream.error()) return impl->failure("not a zip archive");
  ZipArchive archive(std::move(impl));
  GW_CHECK(archive.list(max_entries));
  return archive;
}

Status ZipArchive::list(std::uint64_t max_entries) {
  unz_global_info64 global{};
  if (unzGetGlobalInfo64(impl_->file, &global) != UNZ_OK)
    return impl_->failure("not a zip archive");
  if (global.number_entry == 0) return untrusted_error("no entries");
  if (global.number_entry > max_entries) {
    return untrusted_error(fmt::format("{} entries: too many", global.number_entry));
  }
  std::string name(1UL << 16U, '\0');
  std::uint64_t name_bytes = 0;
  std::uint64_t packed_left = impl_->stream.source().size();
  for (std::uint64_t i = 0; i < global.number_entry; ++i) {
    const int moved = i == 0 ? unzGoToFirstFile(impl_->file) : unzGoToNextFile(impl_->file);
    unz_file_info64 info{};
    unz64_file_pos position{};
    if (moved != UNZ_OK ||
        unzGetCurrentFileInfo64(impl_->file, &info, name.data(), name.size(), nullptr, 0, nullptr,
                                0) != UNZ_OK ||
        unzGetFilePos64(impl_->file, &position) != UNZ_OK || impl_->stream.error()) {
      return impl_->failure("malformed directory");
    }
    ArchiveEntry entry;
    entry.name = name.substr(0, std::min<std::size_t>(info.size_filename, name.size()));
    name_bytes += entry.name.size();
    if (name_bytes > kMaxNameBytes) return untrusted_error("names too long");
    if (auto s = check_packing(info); !s) return std::move(s).error().in(quoted(entry.name));
    // Else the same bytes could be inflated once for each entry, for days.
    if (info.compressed_size > packed_left)
      return untrusted_error("more packed bytes than the archive has");
    packed_left -= info.compressed_size;
    entry.size = info.uncompressed_size;
    entry.packed_size = info.compressed_size;
    entry.crc = static_cast<std::uint32_t>(info.crc);
    entry.deflated = info.compression_method == Z_DEFLATED;
    entry.position = position.pos_in_zip_directory;
    entry.number = position.num_of_file;
    judge_mode(info, entry);
    entries_.push_back(std::move(entry));
  }
  return {};
}

Status ZipArchive::read(const ArchiveEntry& entry, const Take& take) {
  const unz64_file_pos position{entry.position, entry.number};
  int method = 0;
  // Raw: minizip checks the local header and tells where the packed bytes begin.
  if (unzGoToFilePos64(impl_->file, &position) != UNZ_OK ||
      unzOpenCurrentFile2(impl_->file, &method, nullptr, 1) != UNZ_OK || impl_->stream.error()) {
    return impl_->failure("malformed header");
  }
  const std::uint64_t offset = unzGetCurrentFileZStreamPos64(impl_->file);
  unzCloseCurrentFile(impl_->file);
  const std::uint64_t bytes = impl_->stream.source().size();
  if (offset > bytes || entry.packed_size > bytes - offset) {
    return untrusted_error("reaches beyond the archive");
  }
  return Content(impl_->stream.source(), impl_->work, offset, entry, take).run();
}

}  // namespace gw::mod
