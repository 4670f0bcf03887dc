#include "module/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace gw::mod {

namespace {

constexpr int kLevel = 6;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to say: with gzip's header
constexpr int kMemory = 8;
constexpr std::size_t kPiece = std::size_t{64} << 10U;

unsigned char* input(std::string_view bytes) {
  // zlib only reads it.
  return reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
}

unsigned portion(std::size_t size) {
  return static_cast<unsigned>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

}  // namespace

struct GzipWriter::Impl {
  Take take;
  z_stream stream{};
  bool ready = false;
};

GzipWriter::GzipWriter(Take take) : impl_(std::make_unique<Impl>()) {
  impl_->take = std::move(take);
  impl_->ready = deflateInit2(&impl_->stream, kLevel, Z_DEFLATED, kGzipWindow, kMemory,
                              Z_DEFAULT_STRATEGY) == Z_OK;
}

GzipWriter::~GzipWriter() {
  if (impl_->ready) deflateEnd(&impl_->stream);
}

Status GzipWriter::run(std::string_view bytes, bool last) {
  if (!impl_->ready) return internal_error("no memory to compress with");
  std::array<unsigned char, kPiece> out{};
  z_stream& z = impl_->stream;
  do {
    z.next_in = input(bytes);
    z.avail_in = portion(bytes.size());
    const std::string_view now = bytes.substr(0, z.avail_in);
    bytes.remove_prefix(now.size());
    const int flush = last && bytes.empty() ? Z_FINISH : Z_NO_FLUSH;
    do {
      z.next_out = out.data();
      z.avail_out = kPiece;
      if (deflate(&z, flush) == Z_STREAM_ERROR) return internal_error("compressing failed");
      const std::size_t made = kPiece - z.avail_out;
      if (made > 0) GW_CHECK(impl_->take({reinterpret_cast<const char*>(out.data()), made}));
    } while (z.avail_out == 0);
  } while (!bytes.empty());
  return {};
}

Status GzipWriter::add(std::string_view bytes) { return run(bytes, false); }

Status GzipWriter::finish() { return run({}, true); }

struct GzipReader::Impl {
  z_stream stream{};
  bool ready = false;
  bool between = true;  // members
  std::array<unsigned char, kPiece> out{};
};

GzipReader::GzipReader() : impl_(std::make_unique<Impl>()) {
  impl_->ready = inflateInit2(&impl_->stream, kGzipWindow) == Z_OK;
}

GzipReader::~GzipReader() {
  if (impl_->ready) inflateEnd(&impl_->stream);
}

bool GzipReader::complete() const { return impl_->between; }

Result<bool> GzipReader::add(std::string_view packed, const Take& take) {
  if (!impl_->ready) return internal_error("no memory to unpack with");
  z_stream& z = impl_->stream;
  while (!packed.empty()) {
    const std::string_view now = packed.substr(0, portion(packed.size()));
    packed.remove_prefix(now.size());
    z.next_in = input(now);
    z.avail_in = static_cast<unsigned>(now.size());
    do {
      if (impl_->between) {
        if (z.avail_in == 0) break;
        inflateReset(&z);
        impl_->between = false;
      }
      z.next_out = impl_->out.data();
      z.avail_out = kPiece;
      const int end = inflate(&z, Z_NO_FLUSH);
      const std::size_t made = kPiece - z.avail_out;
      if (made > 0 && !take({reinterpret_cast<const char*>(impl_->out.data()), made})) {
        return false;
      }
      impl_->between = end == Z_STREAM_END;
      if (end == Z_BUF_ERROR) break;  // no more without more input
      if (end != Z_OK && end != Z_STREAM_END) return untrusted_error("not gzip, or damaged");
    } while (z.avail_in > 0 || z.avail_out == 0);
  }
  return true;
}

std::string gzip(std::string_view bytes) {
  std::string out;
  GzipWriter writer([&](std::string_view piece) -> Status {
    out += piece;
    return {};
  });
  if (!writer.add(bytes) || !writer.finish()) return {};
  return out;
}

Result<std::string> gunzip(std::string_view packed, std::size_t max_bytes) {
  z_stream z{};
  if (inflateInit2(&z, kGzipWindow) != Z_OK) return internal_error("no memory to unpack with");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> owner(&z, inflateEnd);
  if (packed.size() > std::numeric_limits<int>::max()) return untrusted_error("too much gzip");
  z.next_in = input(packed);
  z.avail_in = static_cast<unsigned>(packed.size());
  std::string out;
  std::array<unsigned char, kPiece> piece{};
  int end = Z_OK;
  while (end == Z_OK) {
    z.next_out = piece.data();
    z.avail_out = kPiece;
    end = inflate(&z, Z_NO_FLUSH);
    if (end != Z_OK && end != Z_STREAM_END) return untrusted_error("not gzip, or cut short");
    const std::size_t made = kPiece - z.avail_out;
    if (made > max_bytes - out.size()) return untrusted_error("unpacks to more than it should");
    out.append(reinterpret_cast<const char*>(piece.data()), made);
  }
  if (z.avail_in != 0) return untrusted_error("bytes behind the gzip");
  return out;
}

}  // namespace gw::mod
