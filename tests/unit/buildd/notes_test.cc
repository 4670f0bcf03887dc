#include "buildd/notes.h"

#include <catch2/catch.hpp>

#include "support/temp_dir.h"

using namespace gw;
using namespace gw::buildd;

TEST_CASE("the operator's notes are the option's, or what was said since, also over restarts") {
  const testing::TempDir dir;
  Notes notes(dir.file("notes"), "given");
  CHECK(notes.text() == "given");
  CHECK(notes.set("  closed on Friday\n"));
  CHECK(notes.text() == "closed on Friday");
  CHECK(Notes(dir.file("notes"), "other").text() == "closed on Friday");
  CHECK(notes.set(std::string(Notes::kMaxBytes + 1, 'x')).error().kind == ErrorKind::kUsage);
  CHECK(notes.set(" "));
  CHECK(notes.text() == "given");
  CHECK(Notes(dir.file("notes"), "other").text() == "other");
  Notes nowhere(dir.file("none/notes"), "given");
  CHECK_FALSE(nowhere.set("x"));
  CHECK(nowhere.text() == "given");
}
