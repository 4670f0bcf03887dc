// By which names a server may be asked.
//
// Against DNS rebinding: a page of somebody else's site gets its own name to lead to this machine,
// and then reads our pages as if they were its site's. Its requests still have its name in Host. An
// address there is nobody's name, and localhost leads nowhere else.
//
// Source: RFC 9110 sections 7.2 and 15.5.20 (421).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gw::http {

// Whether a request's Host, with its port if it has one, is an IP address, localhost, or one of
// `names`, in any case. An empty one is of a client of HTTP/1.0, which no browser is.
bool may_be_asked_as(std::string_view host, const std::vector<std::string>& names);

}  // namespace gw::http
