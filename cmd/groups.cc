#include "groups.h"

#include <fmt/format.h>

#include "base/result.h"
#include "net/resolver.h"
#include "net/source.h"
#include "os/file.h"
#include "tlog/note.h"

namespace gw::cmd {

namespace {

Status check_log_key(std::string_view text) {
  const auto key = tlog::VerifierKey::parse(text);
  if (key) return {};
  // People have it in a file, and the option takes what is in there.
  const bool file = text.find('/') != text.npos || text.ends_with(".pub") || text.ends_with(".txt");
  Error error = key.error();
  if (file && text.find('+') == text.npos) {
    error.hint = fmt::format("it takes the key, not its file: --log-key \"$(cat {})\"", text);
  }
  return error;
}

void add_log_key(Command& command, LogSourceValues* out) {
  command.add(text_option("log-key", "VKEY", &out->log_key, "the log's verifier key")
                  .check(check_log_key)
                  .more("NAME+HASH+KEY, as signed notes have it. The default is the Go checksum "
                        "database's, sum.golang.org."));
  command.add(text_option("source", "URL|DIR", &out->source,
                          "where the log's files are (default https:// and the key's name)")
                  .check(net::check_source)
                  .more("A directory holds the same files under the same names. Nothing that comes "
                        "from a source is believed before it is verified with the key."));
}

Option resolver_option(ResolverPlace* out) {
  return text_option("resolver", "ADDR[@PORT]", &out->resolver,
                     "the DNS server to ask (default the system's)")
      .check(net::check_resolver_address);
}

Option trust_anchor_option(ResolverPlace* out) {
  return path_option("trust-anchor", "FILE", &out->trust_anchor, PathUse::kInput,
                     "DS or DNSKEY records to trust instead of the built-in root keys");
}

}  // namespace

void add_log_place(Command& command, LogSourceValues* out) {
  add_log_key(command, out);
  add_ca_file(command, &out->ca_file);
}

void add_log_source(Command& command, LogSourceValues* out) {
  add_log_key(command, out);
  command.add(text_option("proxy", "URL", &out->proxy,
                          "get the log's files from this Go module proxy instead")
                  .check(net::check_proxy_list)
                  .more("Uses the proxy's /sumdb/ protocol, as the go command does. Several as in "
                        "GOPROXY: after a comma the next one is asked when one does not carry the "
                        "log, after a | also when it fails; then the log itself, unless the list "
                        "ends in off."));
  add_ca_file(command, &out->ca_file);
  command.rules.push_back([out]() -> Status {
    if (out->source && out->proxy) {
      return usage_error("--source and --proxy exclude each other",
                         "both say where the log's files come from: give one");
    }
    return {};
  });
}

void add_resolver_place(Command& command, ResolverPlace* out) {
  command.add(resolver_option(out));
  command.add(trust_anchor_option(out));
}

void add_resolver(Command& command, ResolverValues* out, const ResolverHelp& help) {
  command.add(resolver_option(out).more(help.resolver_more));
  command.add(flag_option("recurse", &out->recurse,
                          "ask from the root on when --resolver gives no DNSSEC signatures")
                  .more("Without --resolver that is done anyway: the system's resolver may be one "
                        "that strips them."));
  command.add(trust_anchor_option(out));
  command.add(duration_option("timeout", &out->timeout, std::chrono::milliseconds(10),
                              std::chrono::hours(1), help.timeout)
                  .more(help.timeout_more));
}

Result<net::Netrc> load_netrc(const std::string& file) {
  constexpr std::size_t kMostNetrc = std::size_t{1} << 20;
  auto text = os::read_file(file, kMostNetrc);
  if (text) return net::Netrc::parse(*text);
  Error error = std::move(text).error();
  error.kind = ErrorKind::kUsage;
  return error;
}

void add_ca_file(Command& command, std::optional<std::string>* out) {
  command.add(path_option("ca-file", "FILE", out, PathUse::kInput,
                          "certificates to trust for https (default the system's)")
                  .environment("SSL_CERT_FILE"));
}

}  // namespace gw::cmd
