#include "follow/net_exchange.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "net/http_url.h"
#include "os/file.h"
#include "tlog/note.h"

namespace gw::follow {
namespace {

bool is_url(std::string_view where) { return where.find("://") != std::string_view::npos; }

// Nothing that could keep us waiting, as a pipe without a writer does.
Result<std::string> read_note(const std::string& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (!failed && status.type() == std::filesystem::file_type::fifo) {
    return unavailable_error(path + ": a pipe, not a file");
  }
  return os::read_file(path, tlog::kMaxNoteBytes);
}

class NetExchange : public HeadExchange {
 public:
  explicit NetExchange(net::HttpClient client) : client_(std::move(client)) {}

  Result<std::string> fetch(const std::string& from) override {
    if (!is_url(from)) return read_note(from);
    net::HttpRequest request;
    request.url = from;
    request.max_body = tlog::kMaxNoteBytes;
    return net::require_ok(client_.fetch_one(request), request);
  }

  Status post(const std::string& url, const std::string& note) override {
    net::HttpRequest request;
    request.url = url;
    request.method = "POST";
    request.headers.push_back({"content-type", "text/plain; charset=utf-8"});
    request.body = note;
    GW_TRY(const net::HttpResponse response, client_.fetch_one(request));
    if (response.status >= 200 && response.status < 300) return {};
    return unavailable_error(fmt::format("{}: status {}", net::redact_url(url), response.status));
  }

 private:
  net::HttpClient client_;
};

}  // namespace

Result<std::unique_ptr<HeadExchange>> make_exchange(net::HttpOptions options) {
  GW_TRY(net::HttpClient client, net::HttpClient::create(std::move(options)));
  return std::unique_ptr<HeadExchange>(std::make_unique<NetExchange>(std::move(client)));
}

}  // namespace gw::follow
