#include "vanity_group.h"

#include <unistd.h>

#include <array>
#include <cerrno>

#include "net/resolver.h"
#include "vanity/report.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kMaxInput = std::size_t{16} << 20;

}  // namespace

Result<std::string> read_vanity_input() {
  std::string text;
  std::array<char, 65536> buffer;
  for (;;) {
    ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("reading standard input", errno);
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > kMaxInput) return usage_error("standard input: more than 16 MB");
  }
}

void add_vanity_network(Command& c, VanityNetwork* v) {
  c.add(text_option("resolver", "ADDR[@PORT]", &v->resolver,
                    "the DNS server to ask (default the system's)")
            .check([](std::string_view text) { return net::check_resolver_address(text); })
            .more("Also for the addresses of web servers. What it says about security is not "
                  "believed: signatures are checked here."));
  c.add(path_option("trust-anchor", "FILE", &v->trust_anchor, PathUse::kInput,
                    "DS or DNSKEY records to trust instead of the built-in root keys"));
  c.add(duration_option("timeout", &v->timeout, std::chrono::milliseconds(10),
                        std::chrono::hours(1),
                        "give up after this time: all DNS lookups together, and each page")
            .more("Of more than 256 domains, each 256 have this time for their lookups."));
  c.add(path_option("ca-file", "FILE", &v->ca_file, PathUse::kInput,
                    "certificates to trust for https (default the system's)")
            .environment("SSL_CERT_FILE"));
  c.add(list_option("connect-to", "HOST:PORT:ADDR:PORT", &v->connect_to,
                    "connect to ADDR:PORT for requests to HOST:PORT")
            .more("As curl does: name and certificate stay those of HOST."));
  c.add(
      flag_option("insecure", &v->insecure, "take records that are not signed, and pages over http")
          .more("Records whose signatures do not verify are taken too; each is marked. "
                "Certificates are not checked."));
  c.add(text_option("goinsecure", "PATTERNS", &v->goinsecure,
                    "patterns of import paths to treat as with --insecure")
            .environment("GOINSECURE")
            .more("Separated by commas, as the go command's GOINSECURE."));
}

int worse_vanity_exit(int a, int b) {
  auto rank = [](int code) { return code == kExitDone ? 0 : code; };
  return rank(a) >= rank(b) ? a : b;
}

Result<std::vector<std::string>> expand_vanity_paths(const std::vector<std::string>& given) {
  std::vector<std::string> paths;
  for (const std::string& path : given) {
    if (path != "-") {
      paths.push_back(path);
      continue;
    }
    GW_TRY(std::string text, read_vanity_input());
    for (std::string& line : vanity::parse_path_list(text)) paths.push_back(std::move(line));
  }
  return paths;
}

}  // namespace gw::cmd
