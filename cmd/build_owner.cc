// gwtool build genkey, sum: for those who run a build service, and those who look at binaries.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "build/builder.h"
#include "build/key.h"
#include "build_group.h"
#include "buildd/log_keys.h"
#include "dns/name.h"
#include "tlog/note.h"

namespace gw::cmd {

namespace {

// ---- genkey ----

struct GenkeyValues {
  std::string name;
  std::string key;
};

// Clients make the log's address of it, https://NAME/tlog.
Status check_name(std::string_view name) {
  constexpr std::uint64_t kMaxPort = 65535;
  const std::size_t colon = std::min(name.find(':'), name.size());
  const std::string_view host = name.substr(0, colon);
  const auto port = colon < name.size() ? parse_decimal(name.substr(colon + 1)) : 1;
  const bool good_host = dns::check_name_text(host, dns::NameUse::kDomain) &&
                         !host.starts_with('-') && !host.ends_with('.');
  if (tlog::is_key_name(name) && good_host && port && *port > 0 && *port <= kMaxPort) return {};
  return usage_error(quoted(name) + ": cannot be the name of a build service's key",
                     "use the service's host name, and its port where it has one of its own");
}

Result<int> run_genkey(Context& ctx, const GenkeyValues& v) {
  GW_TRY(const auto key, buildd::make_log_key(v.name, v.key));
  GW_TRY(const auto checkpoints, buildd::checkpoint_key(key));
  if (ctx.json) {
    ctx.out.json({{"key_file", v.key},
                  {"verifier_key", key.verifier().format()},
                  {"checkpoint_verifier_key", checkpoints.verifier().format()}});
    return kExitDone;
  }
  ctx.out.line(key.verifier().format());
  ctx.out.line(checkpoints.verifier().format());
  return kExitDone;
}

Command genkey_command() {
  auto v = std::make_shared<GenkeyValues>();
  Command c("genkey", "make the key of a build service's log");
  c.doc =
      "Writes the secret key to a file and prints the two verifier keys that belong to it: the one "
      "that clients take (`--log-key`), and the one of the tlog-tiles dialect, for monitors and "
      "witnesses.";
  c.add(positional("NAME", &v->name, "the service's host name: clients find the log by it")
            .check(check_name));
  c.add(path_option("key", "FILE", &v->key, PathUse::kState, "where to put the secret key")
            .more("Readable by its owner only. It must not exist.")
            .require());
  c.run = [v](Context& ctx) { return run_genkey(ctx, *v); };
  return c;
}

// ---- sum ----

Result<int> run_sum(Context& ctx, const std::vector<std::string>& files) {
  int code = kExitDone;
  for (const std::string& file : files) {
    const auto sum = build::sum_file(file);
    if (!sum) {
      ctx.out.error(sum.error());
      code = worse_exit(code, exit_code(sum.error().kind));
      continue;
    }
    const std::string text = build::format_binary_sum(sum->sha256);
    if (ctx.json) {
      ctx.out.json({{"file", file},
                    {"size", sum->size},
                    {"sum", text},
                    {"sha256", encode_hex(as_bytes(sum->sha256))}});
    } else {
      ctx.out.line(fmt::format("{} {} {}", text, sum->size, file));
    }
  }
  return code;
}

Command sum_command() {
  auto files = std::make_shared<std::vector<std::string>>();
  Command c("sum", "print the sums of files, as build services' logs have them");
  c.doc = "Prints `SUM SIZE FILE` for each file, as `gwtool build` does for what it made.";
  c.add(positionals("FILE", files.get(), true, "uncompressed binaries, or any other files"));
  c.run = [files](Context& ctx) { return run_sum(ctx, *files); };
  return c;
}

}  // namespace

void add_build_owner(Command& c) {
  c.add(genkey_command());
  c.add(sum_command());
}

}  // namespace gw::cmd
