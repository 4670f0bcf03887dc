#include "support/module/zip_builder.h"

#include <zlib.h>

namespace gw::test {

namespace {

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

std::string deflated(const std::string& content) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, content.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  z.avail_in = static_cast<uInt>(content.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

struct Written {
  std::string packed;
  std::uint64_t offset = 0;
};

void put_common(std::string& out, const ZipEntry& e, const Written& w) {
  const auto crc = static_cast<std::uint32_t>(crc32(
      0, reinterpret_cast<const Bytef*>(e.content.data()), static_cast<uInt>(e.content.size())));
  put(out, e.flags, 2);
  put(out, e.method.value_or(e.deflate ? 8 : 0), 2);
  put(out, 0, 4);  // time and date
  put(out, e.crc.value_or(crc), 4);
  put(out, e.packed_size.value_or(static_cast<std::uint32_t>(w.packed.size())), 4);
  put(out, e.size.value_or(static_cast<std::uint32_t>(e.content.size())), 4);
}

}  // namespace

std::string zip64_extra(const std::vector<std::uint64_t>& values) {
  std::string out;
  put(out, 1, 2);
  put(out, values.size() * 8, 2);
  for (const std::uint64_t v : values) put(out, v, 8);
  return out;
}

std::string make_zip(const std::vector<ZipEntry>& entries, const ZipEnd& end) {
  std::string out = end.before;
  const std::size_t base = out.size();
  std::vector<Written> written;
  for (const ZipEntry& e : entries) {
    Written w{(e.deflate ? deflated(e.content) : e.content) + e.packed_tail, out.size() - base};
    const std::string& name = e.local_name ? *e.local_name : e.name;
    put(out, 0x04034b50, 4);
    put(out, 20, 2);
    put_common(out, e, w);
    put(out, name.size(), 2);
    put(out, 0, 2);
    out += name + w.packed;
    written.push_back(std::move(w));
  }
  const std::size_t directory = out.size();
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ZipEntry& e = entries[i];
    put(out, 0x02014b50, 4);
    put(out, e.made_by, 2);
    put(out, 20, 2);
    put_common(out, e, written[i]);
    put(out, e.name.size(), 2);
    put(out, e.extra.size(), 2);
    put(out, 0, 2);  // comment
    put(out, 0, 2);  // disk
    put(out, 0, 2);
    put(out, e.attributes, 4);
    put(out, e.offset.value_or(static_cast<std::uint32_t>(written[i].offset)), 4);
    out += e.name + e.extra;
  }
  const std::size_t directory_end = out.size();
  const std::uint64_t count = entries.size();
  if (end.zip64) {
    put(out, 0x06064b50, 4);
    put(out, 44, 8);
    put(out, 45, 2);
    put(out, 45, 2);
    put(out, 0, 8);  // disks
    put(out, count + end.count64_more, 8);
    put(out, count + end.count64_more, 8);
    put(out, directory_end - directory, 8);
    put(out, directory - base, 8);
    put(out, 0x07064b50, 4);
    put(out, 0, 4);
    put(out, directory_end - base, 8);
    put(out, 1, 4);
  }
  put(out, 0x06054b50, 4);
  put(out, 0, 4);  // disks
  for (int i = 0; i < 2; ++i) put(out, end.zip64 ? 0xffff : end.count.value_or(count), 2);
  put(out, end.zip64 ? 0xffffffff : directory_end - directory, 4);
  put(out, end.zip64 ? 0xffffffff : directory - base, 4);
  put(out, end.comment.size(), 2);
  return out + end.comment + end.after;
}

}  // namespace gw::test
