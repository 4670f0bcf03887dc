// A zone of what the module zone has not, as a master file: aliases of both kinds, in circles and
// out of the zone, wildcards, delegations with glue and without.
#pragma once

#include <string_view>

namespace gw::dns::test {

inline constexpr std::string_view kAliasZone = R"($TTL 300
@       SOA ns h 9 1 1 1 60
        NS ns
ns      A 192.0.2.1
mail    A 192.0.2.25
www     CNAME mail
two     CNAME www
ext     CNAME www.example.com.
gone    CNAME nothere
nodata  CNAME ns
loop1   CNAME loop2
loop2   CNAME loop1
self    CNAME self
down    CNAME x.cut
old     DNAME new
www.new A 192.0.2.77
round   DNAME a.round2
round2  DNAME round
long    DNAME aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.new
cut     NS ns.cut
ns.cut  A 192.0.2.53
ns.cut  AAAA 2001:db8::53
sib     NS ns.cut
sig     NS ns.example.net.
sig     DS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
*.w     TXT any
*.w     A 192.0.2.9
*.cw    CNAME mail
)";

}  // namespace gw::dns::test
