// What a helper may say to its supervisor: frames of any bytes, and the documents in them. Nothing
// of it is a proven build, as the log's key is not the helper's.
#include <cstdint>

#include "fuzz/require.h"
#include "supervise/messages.h"
#include "supervise/proof.h"
#include "supervise/state.h"

namespace fuzz_supervise_helper {

using namespace gw;
using namespace gw::supervise;

namespace {

constexpr const char* kKey = "gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF";
const build::Key kBuild{"example.test/hello", "v0.1.0", "/", {"linux", "amd64"}, "go1.26.9", false};

void read(const Frame& frame) {
  switch (frame.kind) {
    case FrameKind::kAnswer:
      if (const auto found = parse_discovered(frame.payload)) {
        require(format_discovered(*parse_discovered(format_discovered(*found))) ==
                format_discovered(*found));
      }
      return;
    case FrameKind::kProof:
      if (auto files = parse_proof(frame.payload)) {
        require(*parse_proof(format_proof(*files)) == *files);
        require(!verify_proof(*std::move(files), kKey, kBuild, std::nullopt));
      }
      return;
    case FrameKind::kError:
      (void)parse_error(frame.payload);
      return;
    case FrameKind::kRefused:  // a text for the log and the status, which escape it
    case FrameKind::kService:
      return;
    case FrameKind::kData:
      require(frame.payload.size() <= kMaxData);
      return;
  }
}

}  // namespace

FUZZ_TARGET(supervise_helper)(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  FrameReader reader;
  // In two pieces.
  reader.add(text.substr(0, size / 2));
  bool more = true;
  for (int i = 0; i < 2; ++i) {
    for (;;) {
      const auto frame = reader.next();
      if (!frame) return 0;
      if (!*frame) break;
      read(**frame);
    }
    if (more) reader.add(text.substr(size / 2));
    more = false;
  }
  (void)parse_job(text);
  if (const auto state = parse_state(text)) {
    require(format_state(*parse_state(format_state(*state))) == format_state(*state));
  }
  return 0;
}

}  // namespace fuzz_supervise_helper
