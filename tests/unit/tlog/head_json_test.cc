#include "tlog/head_json.h"

#include <catch2/catch.hpp>

#include "base/json.h"
#include "support/tlog/test_log.h"

using namespace gw;
using namespace gw::tlog;

TEST_CASE("a head as documents have it, in this order") {
  const Hash root = sha256("");
  const std::string members = R"({"size":7,"root":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",)";
  CHECK(format_json(head_json(7, root, "a\n")) == members + R"("note":"a\n"})");
  CHECK(format_json(head_json(7, root, "a\n", from_unix(1700000000))) ==
        members + R"("accepted":"2023-11-14T22:13:20Z","note":"a\n"})");
  const gw::testing::TestLog log;
  const Checkpoint head = log.head();
  CHECK(head_json(head) == head_json(0, root, head.note()));
}
