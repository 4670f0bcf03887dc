#include "http/router.h"

#include <algorithm>
#include <utility>

namespace gw::http {

namespace {

// How many bytes of the path the pattern names; 0 when it is not its.
std::size_t match_length(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with('*')) return pattern == path ? pattern.size() + 1 : 0;
  pattern.remove_suffix(1);
  return path.starts_with(pattern) ? pattern.size() : 0;
}

}  // namespace

Handler simple(SimpleHandler handler) {
  return [handler = std::move(handler)](const Request& request, const Reply& reply) {
    reply.send(handler(request));
  };
}

void Router::add(Route route) { routes_.push_back(std::move(route)); }

void Router::get(std::string pattern, SimpleHandler handler) {
  add({.pattern = std::move(pattern), .handler = simple(std::move(handler))});
}

void Router::post(std::string pattern, SimpleHandler handler) {
  add({.pattern = std::move(pattern), .post = true, .handler = simple(std::move(handler))});
}

bool Router::has_slow() const {
  return std::any_of(routes_.begin(), routes_.end(), [](const Route& r) { return r.slow; });
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  const Route* best[2] = {};  // GET, POST
  std::size_t lengths[2] = {};
  for (const Route& route : routes_) {
    const std::size_t i = route.post ? 1 : 0;
    const std::size_t length = match_length(route.pattern, path);
    if (length > lengths[i]) {
      lengths[i] = length;
      best[i] = &route;
    }
  }
  const bool post = method == "POST";
  Match match;
  match.route = best[post ? 1 : 0];
  if (match.route != nullptr) return match;
  if (best[0] != nullptr) match.allow = "GET, HEAD";
  if (best[1] != nullptr) match.allow = "POST";
  return match;
}

}  // namespace gw::http
