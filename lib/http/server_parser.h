// One request after another out of a connection's bytes (RFC 9112), parsed strictly.
//
// Boost.Beast parses the head and its lengths; what it lets through and must not is refused here:
// lines that are folded, two Content-Lengths (equal ones too), any Transfer-Encoding, hosts that
// are missing, double or not one, targets in other than origin or absolute form, bad escapes. A
// body has a Content-Length: chunks get 411. The fuzz target of the server feeds this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/head_scanner.h"
#include "http/request.h"

namespace gw::http {

struct ParserLimits {
  HeadLimits head = {};
  std::size_t max_body = 64 << 10;  // bytes, more get 413
};

class RequestParser {
 public:
  explicit RequestParser(const ParserLimits& limits) : limits_(limits), scanner_(limits.head) {}

  enum class State {
    kIncomplete,  // all was taken, more is needed
    kComplete,    // take() has the request; the bytes left over are the next one's
    kRefused,     // answer status() and close: where the next request begins is not known
  };
  // Takes from the front of `bytes` what belongs to the request. Called again only after
  // kIncomplete, or take().
  State feed(std::string_view& bytes);

  int status() const { return status_; }  // kRefused
  // Of the request that is refused, as far as is known.
  bool is_head() const { return request_.method == "HEAD"; }

  bool begun() const { return scanner_.begun(); }  // a byte of a request was seen
  bool in_body() const { return in_body_; }        // its head is complete
  // The client waits for "100 Continue"; tells it once.
  bool take_expectation();

  struct Taken {
    Request request;
    bool keep_alive = false;  // the connection may go on after it
    bool http10 = false;
  };
  Taken take();  // kComplete; begins anew

 private:
  State refuse(int status);
  int parse_head();

  ParserLimits limits_;
  HeadScanner scanner_;
  std::string head_;
  Request request_;
  std::uint64_t body_left_ = 0;
  int status_ = 0;
  bool in_body_ = false;
  bool expects_ = false;
  bool keep_alive_ = false;
  bool http10_ = false;
};

}  // namespace gw::http
