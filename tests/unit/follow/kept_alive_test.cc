#include "follow/kept_alive.h"

#include <catch2/catch.hpp>

#include "support/tlog/test_log.h"

using namespace gw;
using namespace gw::follow;

namespace {

class Echo : public HeadExchange {
 public:
  Result<std::string> fetch(const std::string& from) override { return "from " + from; }
  Status post(const std::string& url, const std::string& note) override {
    return unavailable_error(url + ": " + note);
  }
};

}  // namespace

TEST_CASE("what is kept alive says what it said before") {
  const os::Notifier nobody;
  os::Heartbeat heart(nobody, std::chrono::minutes(1));
  auto log = std::make_unique<gw::testing::TestLog>();
  log->add_synthetic(3);
  const std::string head = log->head_note(3);
  const auto source = kept_alive(std::unique_ptr<tlog::TileSource>(std::move(log)), heart);
  CHECK(source->describe() == "test log");
  const std::vector<tlog::FetchRequest> requests = {{"latest", 1000}, {"none", 1000}};
  const auto replies = source->fetch(requests);
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].value() == head);
  CHECK(replies[1].error().kind == ErrorKind::kNotFound);

  const auto exchange = kept_alive(std::unique_ptr<HeadExchange>(std::make_unique<Echo>()), heart);
  CHECK(exchange->fetch("peer").value() == "from peer");
  CHECK(exchange->post("url", "note").error().message == "url: note");
}
