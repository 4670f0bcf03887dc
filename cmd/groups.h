// Options that several commands share, so that they are spelled, checked and documented once.
//
//   auto v = std::make_shared<Values>();          // has a member LogSourceValues log
//   add_log_source(command, &v->log);
//
// The values are text that has been checked for form only; the library parses them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "frame/options.h"
#include "net/netrc.h"
#include "tlog/go_log.h"

namespace gw::cmd {

// Which transparency log, and where its files come from: --log-key, --source, --proxy, --ca-file.
// At most one of source and proxy is set; with neither, the log's own address is meant: https://
// and the name in the key.
struct LogSourceValues {
  std::string log_key{tlog::kGoLogKey};
  std::optional<std::string> source;   // http(s) URL, or a directory
  std::optional<std::string> proxy;    // URL of a Go module proxy
  std::optional<std::string> ca_file;  // trust anchors for https instead of the system's
};
void add_log_source(Command& command, LogSourceValues* out);
// The same without --proxy, for commands to which that says something else.
void add_log_place(Command& command, LogSourceValues* out);

// Which DNS server is asked, and whose signatures count: --resolver, --trust-anchor.
struct ResolverPlace {
  std::optional<std::string> resolver;      // ADDR[@PORT]; not set: the system's
  std::optional<std::string> trust_anchor;  // replaces the built-in anchors
};
void add_resolver_place(Command& command, ResolverPlace* out);

// How names are looked up: --resolver, --recurse, --trust-anchor, --timeout. What else each of them
// means to a command is said by the text behind its default.
struct ResolverValues : ResolverPlace {
  bool recurse = false;  // also past a resolver that was named
  std::chrono::milliseconds timeout{5000};

  // The root is asked past the system's resolver, which nobody chose for its signatures, and past
  // one that was named only when that was said.
  bool may_recurse() const { return recurse || !resolver; }
};
struct ResolverHelp {
  std::string resolver_more;
  std::string timeout = "give up after this time, in all";
  std::string timeout_more;
};
void add_resolver(Command& command, ResolverValues* out, const ResolverHelp& help);

// --ca-file: trust anchors for https instead of the system's.
// --netrc: names and passwords for servers; kUsage when the file cannot be read.
Result<net::Netrc> load_netrc(const std::string& file);
void add_ca_file(Command& command, std::optional<std::string>* out);

}  // namespace gw::cmd
