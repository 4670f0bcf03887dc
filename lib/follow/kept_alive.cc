#include "follow/kept_alive.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gw::follow {
namespace {

class LiveSource : public tlog::TileSource {
 public:
  LiveSource(std::unique_ptr<tlog::TileSource> source, os::Heartbeat& heart)
      : source_(std::move(source)), heart_(heart) {}
  std::vector<Result<std::string>> fetch(std::span<const tlog::FetchRequest> requests) override {
    heart_.alive();
    auto replies = source_->fetch(requests);
    heart_.alive();
    return replies;
  }
  std::string describe() const override { return source_->describe(); }
  bool is_log() const override { return source_->is_log(); }
  bool try_next() override { return source_->try_next(); }

 private:
  std::unique_ptr<tlog::TileSource> source_;
  os::Heartbeat& heart_;
};

class LiveExchange : public HeadExchange {
 public:
  LiveExchange(std::unique_ptr<HeadExchange> exchange, os::Heartbeat& heart)
      : exchange_(std::move(exchange)), heart_(heart) {}
  Result<std::string> fetch(const std::string& from) override {
    heart_.alive();
    return exchange_->fetch(from);
  }
  Status post(const std::string& url, const std::string& note) override {
    heart_.alive();
    return exchange_->post(url, note);
  }

 private:
  std::unique_ptr<HeadExchange> exchange_;
  os::Heartbeat& heart_;
};

}  // namespace

std::unique_ptr<tlog::TileSource> kept_alive(std::unique_ptr<tlog::TileSource> source,
                                             os::Heartbeat& heart) {
  return std::make_unique<LiveSource>(std::move(source), heart);
}

std::unique_ptr<HeadExchange> kept_alive(std::unique_ptr<HeadExchange> exchange,
                                         os::Heartbeat& heart) {
  return std::make_unique<LiveExchange>(std::move(exchange), heart);
}

}  // namespace gw::follow
