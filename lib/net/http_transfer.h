// One request on its way: what curl is told about it, what came back, and what went wrong.
// Part of the HTTP client; nothing else includes this.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>
#include <vector>

#include "module/gzip.h"
#include "net/http.h"
#include "net/http_certificate.h"
#include "net/http_proxy.h"
#include "net/stream_window.h"

namespace gw::net {

// Lives at one address from prepare() until curl has let go of `easy`: curl writes into it.
struct Transfer {
  const HttpRequest* request = nullptr;
  std::size_t place = 0;  // the request's, among those of its call
  CURL* easy = nullptr;
  std::vector<std::size_t>* satisfied = nullptr;  // gets `place` when no more is wanted
  // Set before prepare(): whether others come over the same connection, so that a pause in this one
  // is no stall of its own; and how many of the same server were complete when this one began.
  bool shares_connection = false;
  std::uint64_t completed_before = 0;
  MonoTime started{};
  MonoTime* moved = nullptr;  // gets the time of each part of the response that comes

  // Sets `easy` up anew. `cas` has no file when no certificate will be checked, and stays
  // until curl has let go of `easy`. kUsage for a method or header that cannot be sent.
  Status prepare(const HttpOptions& options, TrustedCas& cas, Duration timeout,
                 const ProxySettings& proxies);

  // What came of it, once curl is done with `code`.
  Result<HttpResponse> finish(CURLcode code, const HttpOptions& options);
  StreamWindow::Took took() const;
  // Whether there was a connection that a request could be sent over.
  bool connected() const;
  // What went wrong, without the URL.
  Error describe(CURLcode code, const HttpOptions& options) const;

 private:
  static std::size_t on_header(char* data, std::size_t one, std::size_t size, void* self);
  static std::size_t on_body(char* data, std::size_t one, std::size_t size, void* self);
  bool take_header(std::string_view line);
  bool take_body(std::string_view chunk);
  bool keep_body(std::string_view chunk);
  Status set_headers(const HttpOptions& options);
  void set_method();
  void set_tls(TrustedCas& cas);
  void set_proxy(const ProxySettings& proxies);
  Error describe_certificate(const std::string& detail) const;
  std::string describe_timeout(const HttpOptions& options) const;

  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };
  std::unique_ptr<curl_slist, FreeList> header_list_, connect_list_;
  HttpResponse response_;
  std::size_t header_bytes_ = 0;
  std::uint64_t received_ = 0;  // of the body, unpacked, whoever takes it
  Duration timeout_{};
  TrustedCas* cas_ = nullptr;
  bool headers_complete_ = false;
  bool headers_too_large_ = false;
  bool body_too_large_ = false;
  bool body_cut_ = false;   // the rest of an error page was not wanted
  bool satisfied_ = false;  // request->take wants no more
  std::unique_ptr<mod::GzipReader> unpacker_;
  bool damaged_ = false;  // what should be gzip is not
  char error_text_[CURL_ERROR_SIZE] = "";
};

}  // namespace gw::net
