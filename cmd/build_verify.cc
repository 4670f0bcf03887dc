// gwtool build verify, verify-proof: binaries, and what the logs of build services say of them.
#include <fmt/format.h>

#include <memory>

#include "base/bytes.h"
#include "build/binary_claim.h"
#include "build/binary_proof.h"
#include "build/resolve.h"
#include "build_agreed_group.h"
#include "build_group.h"
#include "build_service_group.h"
#include "buildd/build_path.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/stop.h"
#include "tlog/note.h"

namespace gw::cmd {

namespace {

struct VerifyValues : BuildServiceValues {
  std::vector<std::string> what;
};

Result<build::BinaryClaim> claim_of(const std::string& text) {
  if (text.find('@') == std::string::npos || os::is_regular_file(text))
    return build::claim_of_file(text);
  GW_TRY(const buildd::BuildPath path, buildd::parse_build_path("/" + text));
  if (path.kind != buildd::BuildPath::Kind::kBuild || build::is_version_query(path.key.version) ||
      build::is_go_query(path.key.go_version)) {
    return usage_error(gw::quoted(text) + ": neither a file nor a build's key",
                       "MODULE@VERSION/[DIR/]GOOS-GOARCH-GOVERSION[-stripped]/");
  }
  // Perhaps a sum that was cut: nothing would be compared.
  if (!path.page.empty()) return usage_error(gw::quoted(path.page) + ": no binary's sum");
  return build::BinaryClaim{path.key, std::nullopt, path.sum};
}

Status verify_one(Context& ctx, const build::Services& services, const std::string& text) {
  GW_TRY(const build::BinaryClaim claim, claim_of(text));
  GW_TRY(const build::Agreed agreed, build::verify_claim(services, claim, warn_in(ctx)));
  const build::ProvenBuild& found = agreed.build;
  if (ctx.json) {
    ctx.out.json({{"what", text},
                  {"key", build::format_key(found.key())},
                  {"size", found.size()},
                  {"sum", found.sum()},
                  {"logs", agreed.by.size()}});
  } else {
    ctx.out.line(fmt::format("{} {} {}", found.sum(), found.size(), text));
  }
  return ctx.out.flush();
}

Result<int> run_verify(Context& ctx, const VerifyValues& v) {
  os::Stop stop;
  GW_TRY(const auto signals, os::SignalThread::start(stop, {}));
  GW_TRY(const build::Services services, open_services(v, ctx.clock, stop));
  int code = kExitDone;
  for (const std::string& text : v.what) {
    const Status done = verify_one(ctx, services, text);
    if (done) continue;
    if (stop.requested()) break;
    code = worse_exit(code, exit_code(done.error().kind));
    ctx.out.error(done.error().in(text));
    if (ctx.out.told_failure()) break;
  }
  return signals->stopped_by() != 0 && code != kExitUntrusted ? kExitInterrupted : code;
}

Command verify_command() {
  auto v = std::make_shared<VerifyValues>();
  Command c("verify", "compare binaries, or records, with what services' logs say");
  c.doc =
      "A file is compared with the record of the build that it says it is; a build's key stands "
      "for its record. Prints `SUM SIZE WHAT` for each that all logs agree on, exit code 4 when "
      "one does not.";
  c.add(positionals("FILE|KEY", &v->what, true, "a binary, or a build's key in the log")
            .more("A key is MODULE@VERSION/[DIR/]GOOS-GOARCH-GOVERSION[-stripped]/, and may have "
                  "a sum behind it."));
  add_build_services(c, v.get());
  c.run = [v](Context& ctx) { return run_verify(ctx, *v); };
  return c;
}

// ---- verify-proof ----

struct ProofValues {
  std::string binary;
  std::string proof;
  std::string key;
};

Result<int> run_verify_proof(Context& ctx, const ProofValues& v) {
  GW_TRY(const auto key, tlog::VerifierKey::parse(v.key));
  GW_TRY(const build::ProvenFile proven, build::verify_proof_files(v.binary, v.proof, key));
  if (ctx.json) {
    ctx.out.json({{"file", v.binary},
                  {"key", proven.key},
                  {"sum", proven.sum},
                  {"log_size", proven.log_size}});
  } else {
    ctx.out.line(fmt::format("{} {} {}", proven.sum, v.binary, proven.key));
  }
  return kExitDone;
}

Command verify_proof_command() {
  auto v = std::make_shared<ProofValues>();
  Command c("verify-proof", "compare a binary with its proof, without a network");
  c.doc =
      "The proof is what a service has beside the binary, with `.tlog-proof` behind its name. It "
      "shows that the log has the record of exactly these bytes. Prints `SUM FILE KEY`, with the "
      "build's key in the log.";
  c.add(positional("FILE", &v->binary, "the binary, uncompressed"));
  c.add(positional("PROOF", &v->proof, "its proof, as in c2sp.org/tlog-proof"));
  c.add(text_option("checkpoint-key", "VKEY", &v->key,
                    "the log's second verifier key, NAME/tlog, of its first page")
            .check(check_checkpoint_key)
            .require());
  c.run = [v](Context& ctx) { return run_verify_proof(ctx, *v); };
  return c;
}

}  // namespace

void add_build_verify(Command& c) {
  c.add(verify_command());
  c.add(verify_proof_command());
}

}  // namespace gw::cmd
