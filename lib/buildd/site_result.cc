// What there is of a build that has a result: its page, its files, its documents.
#include <fmt/format.h>

#include "base/bytes.h"
#include "base/text.h"
#include "buildd/json_pages.h"
#include "buildd/provenance.h"
#include "buildd/site.h"
#include "buildd/site_answers.h"
#include "module/buildinfo.h"
#include "module/byte_source.h"
#include "module/gzip.h"
#include "os/file.h"
#include "tlog/build_log.h"
#include "tlog/tlog_proof.h"
#include "tlog/tree.h"

namespace gw::buildd {

namespace {

constexpr std::string_view kProof = ".tlog-proof";
constexpr std::chrono::minutes kRenderedFor{1};
constexpr std::size_t kMaxRendered = 2000;

std::optional<std::uint64_t> checkpoint_size(std::string_view note) {
  (void)take_line(note);
  return parse_decimal(take_line(note));
}

}  // namespace

void Site::serve_result(const Visit& visit, const BuildPath& path) {
  const auto found = find_built(build::format_key(path.key));
  if (!found) return send_error(visit, found.error());
  if (!*found) {
    if (wants_html(visit.request) && path.page.empty()) {
      return send(visit, render(unknown_sum_page(facts_, path.key, path.sum)));
    }
    return send_error(visit, not_found_error("it is not built yet",
                                             "build it and compare: " + build_page(path.key)));
  }
  const Built& built = **found;
  const auto record = tlog::parse_build_record(built.record);
  if (!record || record->sum != path.sum) {
    return send_error(visit, not_found_error(fmt::format("its sum is {}, not {}",
                                                         record ? record->sum : "", path.sum)));
  }
  if (path.page.empty() && wants_json(visit.request)) {
    Around near;  // of what the page has beside it nothing is told
    near.remark = parts_.catalog.remark(path.key.module).text;
    add_vulnerabilities(near, path.key, &built);
    Json document = built_json(built);
    add_marks(document, near.findings, near.remark);
    return send(visit, json_page(200, document));
  }
  if (path.page.empty()) return serve_result_page(visit, path, built);
  if (path.page == "log") {
    const auto log = parts_.ledger.build_log(built.number);
    if (!log) return send_error(visit, log.error());
    return send(visit, text_page(mod::gunzip(*log, kMaxShownLog).value_or("")));
  }
  if (path.page == "record") return send(visit, text_page(built.record));
  if (path.page == "dl") {
    BuildPath file = path;
    file.page = build::binary_name(path.key);
    return send(visit, redirect_to(format_build_path(file)));
  }
  if (path.page == "events") {
    const http::Stream stream = visit.reply.stream(event_stream());
    BuildUpdate success;
    success.kind = BuildUpdate::Kind::kSuccess;
    success.sum = path.sum;
    (void)stream.send_event("update", event_data(success));
    return stream.end();
  }
  if (path.page == "retry") return send_error(visit, not_found_error("it is built already"));
  if (path.page == "provenance") return serve_provenance(visit, built);
  if (path.page == "modules") return serve_modules(visit, path, built);
  if (path.page.ends_with(kProof)) return serve_proof(visit, built);
  serve_file(visit, path, built);
}

// For those who have no network later: in the newest checkpoint that covers it, with witnesses'
// signatures where there are.
void Site::serve_proof(const Visit& visit, const Built& built) {
  const auto head = parts_.log.head();
  tlog::TlogProof proof;
  proof.extra = built.record;
  proof.index = built.number;
  proof.checkpoint = head->checkpoint;
  std::uint64_t size = head->size;
  const std::string witnessed = parts_.log.checkpoint();
  if (const auto other = checkpoint_size(witnessed); other && *other > built.number) {
    proof.checkpoint = witnessed;
    size = *other;
  }
  tlog::StoreNodes nodes(parts_.ledger);
  auto path = tlog::inclusion_proof(built.number, size, nodes);
  if (!path) return send_error(visit, path.error());
  proof.path = *std::move(path);
  send(visit, text_page(tlog::format_tlog_proof(proof)));
}

// Signed, for tools that check where binaries come from.
void Site::serve_provenance(const Visit& visit, const Built& built) {
  if (!parts_.sign_envelope) return send_error(visit, not_found_error("nothing is signed here"));
  const std::string statement = provenance_statement(built, facts_.base_url, facts_.name);
  const auto signature = parts_.sign_envelope(envelope_text(statement));
  if (!signature) return send_error(visit, signature.error());
  const auto key = tlog::VerifierKey::parse(facts_.verifier_key);
  if (!key) return send_error(visit, key.error());
  send(visit, json_text(format_envelope(statement, *key, *signature)));
}

// What the binary is made of, as far as it says so itself.
void Site::serve_modules(const Visit& visit, const BuildPath& path, const Built& built) {
  const auto file = parts_.binaries.use(path.sum, false, parts_.clock.now());
  if (!file && file.error().kind == ErrorKind::kNotFound) {
    return build_again(visit, path);
  }
  if (!file) return send_error(visit, file.error());
  const auto fd = os::open_regular_file(*file);
  if (!fd) return send_error(visit, fd.error());
  const auto source = mod::FdSource::of(fd->get());
  if (!source) return send_error(visit, source.error());
  const auto info = mod::read_build_info(*source);
  if (!info && info.error().kind != ErrorKind::kNotFound) return send_error(visit, info.error());
  send(visit, json_text(module_list(built, info ? &*info : nullptr)));
}

void Site::serve_result_page(const Visit& visit, const BuildPath& path, const Built& built) {
  const MonoTime now = parts_.clock.mono();
  std::shared_ptr<const Page> page;
  {
    const MutexLock lock(mutex_);
    const auto found = rendered_.find(visit.request.path);
    if (found != rendered_.end() && now - found->second.at < kRenderedFor)
      page = found->second.page;
  }
  if (page) return send(visit, render(*page));
  const Around near = around(path.key, &built);
  page = std::make_shared<const Page>(result_page(facts_, path.key, near, built));
  send(visit, render(*page));
  if (!near.unanswered) {
    const MutexLock lock(mutex_);
    if (rendered_.size() >= kMaxRendered) rendered_.clear();
    rendered_.insert_or_assign(visit.request.path, Rendered{now, page});
  }
  // After the answer, for the next one: what is new of the module.
  (void)parts_.catalog.versions(path.key.module);
}

void Site::serve_file(const Visit& visit, const BuildPath& path, const Built& built) {
  const bool packed = path.page.ends_with(".gz");
  const auto file = parts_.binaries.use(path.sum, packed, parts_.clock.now());
  if (file) {
    return send(visit, binary_response(visit.request, *file, path.page,
                                       packed ? built.packed_sha256 : built.sha256));
  }
  if (file.error().kind != ErrorKind::kNotFound) return send_error(visit, file.error());
  build_again(visit, path);
}

// Its files made room for others: built again, it must be what it was. Then the same address is
// good.
void Site::build_again(const Visit& visit, const BuildPath& path) {
  if (!parts_.queue.find(build::format_key(path.key))) {
    if (const Status s = admit_again(visit, path.key); !s) return send_error(visit, s.error());
  }
  build_then_go(visit, path);
}

}  // namespace gw::buildd
