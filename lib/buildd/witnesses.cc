#include "buildd/witnesses.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "net/http_url.h"
#include "tlog/tree.h"

namespace gw::buildd {

namespace {

constexpr std::size_t kMaxWitnessAnswer = std::size_t{64} << 10U;
constexpr std::chrono::seconds kWitnessPatience{30};
constexpr int kConflict = 409;

}  // namespace

Result<Witness> Witness::parse(std::string_view text) {
  const std::size_t at = text.find("=http");
  if (at == std::string_view::npos) {
    return usage_error(quoted(text) + ": not a witness", "VKEY=URL");
  }
  GW_TRY(auto key, tlog::CosignerKey::parse(text.substr(0, at)));
  GW_TRY(std::string url, net::base_url(text.substr(at + 1)));
  return Witness{std::move(key), std::move(url)};
}

Result<std::string> format_add_checkpoint(std::uint64_t old, std::uint64_t size,
                                          std::string_view checkpoint, tlog::NodeSource& nodes) {
  std::string out = fmt::format("old {}\n", old);
  if (old > 0) {
    GW_TRY(const auto proof, tlog::consistency_proof(old, size, nodes));
    for (const Hash& hash : proof) out += encode_base64(as_bytes(hash)) + "\n";
  }
  out += '\n';
  out += checkpoint;
  return out;
}

Witnesses::Witnesses(std::vector<Witness> witnesses, std::size_t quorum, Post post)
    : quorum_(quorum), post_(std::move(post)) {
  for (Witness& w : witnesses) witnesses_.push_back({std::move(w), 0});
}

// The signature lines of one.
Result<std::string> Witnesses::ask(std::size_t n, std::uint64_t size, const std::string& checkpoint,
                                   tlog::NodeSource& nodes) {
  Known& known = witnesses_[n];
  // The second time from where the witness says that it is.
  for (int tries = 0; tries < 2; ++tries) {
    net::HttpRequest request;
    request.url = known.witness.url + "/add-checkpoint";
    request.method = "POST";
    request.max_body = kMaxWitnessAnswer;
    request.timeout = kWitnessPatience;
    GW_TRY(request.body, format_add_checkpoint(known.signed_size, size, checkpoint, nodes));
    auto answer = post_(request);
    if (answer && answer->status == kConflict && tries == 0) {
      const auto its = parse_decimal(trim(answer->body));
      if (!its) return untrusted_error(request.url + ": 409 without a size");
      if (*its > size) {
        return untrusted_error(
            fmt::format("{}: it has seen {} records of this log, which has {}", request.url, *its,
                        size),
            "was the database restored from an old copy, or does another service use the key?");
      }
      known.signed_size = *its;
      continue;
    }
    GW_TRY(std::string lines, net::require_ok(std::move(answer), request));
    known.signed_size = size;
    return lines;
  }
  return unavailable_error(known.witness.url + ": it keeps changing its mind");
}

Result<Witnesses::Round> Witnesses::round(tlog::LogStore& store, tlog::LogWriter& log) {
  const auto head = log.head();
  Round out;
  if (head->size == 0 || head->checkpoint.empty()) return out;
  if (head->size == witnessed_) {
    out.size = witnessed_;
    return out;
  }
  tlog::StoreNodes nodes(store);
  std::string note = head->checkpoint;
  std::size_t count = 0;
  for (std::size_t n = 0; n < witnesses_.size(); ++n) {
    const tlog::CosignerKey& key = witnesses_[n].witness.key;
    auto lines = ask(n, head->size, head->checkpoint, nodes);
    if (!lines) {
      out.errors.push_back(std::move(lines).error().in(key.name()));
      continue;
    }
    auto signed_by_it = tlog::add_cosignatures(note, *lines, {&key, 1});
    if (signed_by_it) {
      const auto at = tlog::verify_cosignature(*signed_by_it, key);
      if (!at) {
        out.errors.push_back(Error(at.error()).in(key.name()));
        continue;
      }
      note = *std::move(signed_by_it);
      ++count;
    } else {
      out.errors.push_back(std::move(signed_by_it).error().in(key.name()));
    }
  }
  if (count < quorum_) return out;
  GW_CHECK(log.publish_witnessed(note));
  witnessed_ = head->size;
  out.size = witnessed_;
  return out;
}

}  // namespace gw::buildd
