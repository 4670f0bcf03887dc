#include "vanity_group.h"

#include "frame/input.h"
#include "net/http.h"
#include "vanity/report.h"

namespace gw::cmd {

void add_vanity_network(Command& c, VanityNetwork* v) {
  add_resolver(c, v,
               {.resolver_more = "Also for the addresses of web servers. What it says about "
                                 "security is not believed: signatures are checked here.",
                .timeout = "give up after this time: all DNS lookups together, and each page",
                .timeout_more = "Of more than 256 domains, each 256 have this time for their "
                                "lookups."});
  add_ca_file(c, &v->ca_file);
  c.add(list_option("connect-to", "HOST:PORT:ADDR:PORT", &v->connect_to,
                    "connect to ADDR:PORT for requests to HOST:PORT")
            .check([](std::string_view entry) { return net::check_connect_to(entry); })
            .more("As curl does: name and certificate stay those of HOST."));
  c.add(
      flag_option("insecure", &v->insecure, "take records that are not signed, and pages over http")
          .more("Records whose signatures do not verify are taken too; each is marked. "
                "Certificates are not checked."));
  c.add(path_option("netrc", "FILE", &v->netrc, PathUse::kSecret,
                    "names and passwords for the hosts of pages, as in ~/.netrc")
            .more("The go command reads that file by itself; this one must be named. They are sent "
                  "over https only, and not to where a host redirects."));
  c.add(text_option("goinsecure", "PATTERNS", &v->goinsecure,
                    "patterns of import paths to treat as with --insecure")
            .environment("GOINSECURE")
            .more("Separated by commas, as the go command's GOINSECURE."));
}

Result<std::vector<std::string>> expand_vanity_paths(const std::vector<std::string>& given) {
  GW_CHECK(check_one_dash(given));
  std::vector<std::string> paths;
  for (const std::string& path : given) {
    if (path != "-") {
      paths.push_back(path);
      continue;
    }
    GW_TRY(const std::string text, read_standard_input());
    for (std::string& line : vanity::parse_path_list(text)) paths.push_back(std::move(line));
  }
  return paths;
}

}  // namespace gw::cmd
