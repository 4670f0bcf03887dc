// What the page answers: to everybody, to who has the password, to webhooks.
//
// Made from what the supervisor says, which is asked for each request and looks at passwords
// itself. Any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "http/form.h"
#include "http/router.h"
#include "supervise/web.h"

namespace gw::supervise {

class Web {
 public:
  Web(WebOptions options, const Clock& clock, std::string token)
      : options_(std::move(options)),
        clock_(clock),
        passwords_(clock),
        tokens_(clock),
        token_(std::move(token)),
        form_token_(options_.form_token.empty() ? make_form_token() : options_.form_token) {}

  void add_open(http::Router& router);
  void add_admin(http::Router& router);

 private:
  Result<Json> ask(const std::string& command) const;
  std::optional<http::Response> refuse(const http::Request& request);
  http::Response guarded(const http::Request& request,
                         const std::function<http::Response()>& answer);
  http::Response page(const http::Request& request, const std::string& problem, int status) const;
  Result<Json> ask_as_admin(const http::Request& request, const std::string& command) const;
  http::Response act(const http::Request& request, const std::string& verb);
  Result<std::string> command_of(const http::Form& form, const std::string& verb) const;
  http::Response webhook(const http::Request& request);
  void slow_get(http::Router& router, const std::string& path,
                std::function<http::Response(const http::Request&)> answer);
  void slow_post(http::Router& router, const std::string& path,
                 std::function<http::Response(const http::Request&)> answer);

  const WebOptions options_;
  const Clock& clock_;
  Throttle passwords_, tokens_;  // who guesses at one is not kept from the other
  const std::string token_;
  const std::string form_token_;
};

}  // namespace gw::supervise
