// What a resolver says by itself, where libunbound says only that there is no answer.
//
// libunbound makes SERVFAIL of everything that keeps it from an answer: a refusal, no route, no
// descriptor left. Who is to mend it must know which, so the question is sent once more as it is:
// without EDNS, and nothing is believed of the answer but its response code. Part of the resolver;
// nothing else includes this.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "net/resolver.h"
#include "os/address.h"

namespace gw::net {

// The servers that questions go to: `resolver`, or those of `resolv_conf`.
std::vector<os::SocketAddress> resolver_addresses(const ResolverOptions& options);

// "the resolver 192.0.2.1:53 answers REFUSED", "... cannot be reached: No route to host", "no
// socket to ask with: Too many open files"; "" when it tells nothing new within a second, or by the
// deadline.
std::string why_no_answer(const std::vector<os::SocketAddress>& servers, const Question& question,
                          MonoTime deadline);

// The same, but of what the network or the system says only.
std::string why_unreachable(const std::vector<os::SocketAddress>& servers, const Question& question,
                            MonoTime deadline);

// "SERVFAIL".
std::string rcode_text(int rcode);

// kUnavailable unless there are the descriptors and the thread that libunbound needs, and does not
// look for.
Status check_means();

}  // namespace gw::net
