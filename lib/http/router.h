// Which handler answers which path.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/reply.h"
#include "http/request.h"

namespace gw::http {

// Answers now or keeps the reply for later.
using Handler = std::function<void(const Request&, Reply)>;
// Answers now.
using SimpleHandler = std::function<Response(const Request&)>;

struct Route {
  // "/metrics" is this path alone; "/tlog/*" all that begin with "/tlog/", the longest first.
  std::string pattern;
  bool post = false;  // POST; otherwise GET and HEAD
  Handler handler;
  // A thread of the pool calls it, so that it may block; otherwise the server's thread does, and
  // every other client waits for it to return.
  bool slow = false;
};

// Filled before the server starts, and read by it afterwards.
class Router {
 public:
  void add(Route route);
  void get(std::string pattern, SimpleHandler handler);
  void post(std::string pattern, SimpleHandler handler);

  struct Match {
    const Route* route = nullptr;
    std::string allow;  // no route: the methods that the path has, "" for 404
  };
  Match find(std::string_view method, std::string_view path) const;
  bool has_slow() const;

 private:
  std::vector<Route> routes_;
};

Handler simple(SimpleHandler handler);

}  // namespace gw::http
