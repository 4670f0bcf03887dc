#include "build/answer_audit.h"

#include <catch2/catch.hpp>

#include "support/build/fake_service.h"
#include "tlog/build_log.h"

using namespace gw;
using namespace gw::build;
using gw::testing::FakeService;

namespace {

const Key kAuditedKey{"a.b/c", "v1.0.0", "/", {"js", "wasm"}, "go1.26.8", false};

std::string audited_record(const std::string& bytes) {
  return tlog::format_build_record(
      {kAuditedKey.view(), bytes.size(), format_binary_sum(sha256(bytes))});
}

std::string take(AnswerAudit& audit, std::uint64_t number, const std::string& record) {
  const Status s = audit.take_record(number, record);
  return s ? "" : std::string(error_kind_name(s.error().kind)) + " " + s.error().message;
}

}  // namespace

TEST_CASE("answers: a record's key leads to it, and to no other", "[answer_audit]") {
  FakeService service("a.test");
  service.put(kAuditedKey, "good");
  AnswerAudit audit(service, {.lookups = true, .binaries = false, .progress = nullptr});
  CHECK(take(audit, 0, audited_record("good")).empty());
  CHECK(audit.lookups() == 1);
  CHECK(audit.binaries() == 0);
  // Of its number, with another record, and the same record at another number.
  const std::string other = "a lookup of " + format_key(kAuditedKey) + " gives record 0";
  CHECK(take(audit, 0, audited_record("evil")) == "untrusted record 0: " + other);
  CHECK(take(audit, 7, audited_record("good")) == "untrusted record 7: " + other);
  service.fail(kAuditedKey, not_found_error("no such build"));
  CHECK(take(audit, 0, audited_record("good")) == "not_found record 0: no such build");
  CHECK(audit.lookups() == 1);
}

TEST_CASE("answers: its binary is the one that it says, packed and not", "[answer_audit]") {
  FakeService service("a.test");
  service.put(kAuditedKey, "good");
  AnswerAudit audit(service, {.lookups = false, .binaries = true, .progress = nullptr});
  CHECK(take(audit, 3, audited_record("good")).empty());
  CHECK(service.asked == std::vector<std::string>{"fetch", "unpacked"});
  CHECK(audit.binaries() == 1);
  CHECK(audit.lookups() == 0);
  service.send_unpacked(untrusted_error("other bytes"));
  CHECK(take(audit, 3, audited_record("good")) == "untrusted record 3: other bytes");
  service.send(unavailable_error("no route"));
  CHECK(take(audit, 3, audited_record("good")) == "unavailable record 3: no route");
  CHECK(audit.binaries() == 1);
}

TEST_CASE("answers: nothing that was not asked for is looked at", "[answer_audit]") {
  FakeService service("a.test");
  AnswerAudit audit(service, {});
  CHECK(take(audit, 0, audited_record("good")).empty());
  CHECK(service.asked.empty());
}
