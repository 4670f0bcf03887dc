#include "supervise/helper.h"

#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

#include "supervise/helper_parts.h"

using namespace gw;
using namespace gw::supervise;

TEST_CASE("versions newer than what runs, of a look and of those before", "[helper]") {
  Job job;
  job.key.version = "v0.1.9";
  job.known = {{"v0.1.10", ""}, {"v0.1.8", ""}, {"v0.2.0", "1.24"}, {"none", ""}};
  Discovered found;
  for (const char* version : {"v0.1.9", "v0.1.11", "v0.1.10", "v1.0.0-rc.1", "x"}) {
    found.versions[version] = {};
  }
  CHECK(newer_versions(job, found) ==
        std::vector<std::string>{"v0.1.10", "v0.1.11", "v0.2.0", "v1.0.0-rc.1"});
}

TEST_CASE("what went wrong is said once", "[helper]") {
  Discovered found;
  for (const char* text : {"no answer", "no proxy", "no answer"}) add_problem(found, text);
  CHECK(found.problem == "no answer; no proxy");
}

TEST_CASE("a list of calls that the kernel refuses is said to who listens", "[helper]") {
  using Kind = Job::Kind;
  for (const Kind kind : {Kind::kDiscover, Kind::kFetch, Kind::kProve, Kind::kReady, Kind::kTell}) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    Job job;
    job.kind = kind;
    CHECK(tell_refused(job, ends[1], unavailable_error("seccomp: no")));
    ::close(ends[1]);
    std::array<char, 64> buffer{};
    const ssize_t n = ::read(ends[0], buffer.data(), buffer.size());
    ::close(ends[0]);
    FrameReader reader;
    reader.add({buffer.data(), static_cast<std::size_t>(n)});
    const auto frame = *reader.next();
    CHECK(frame.has_value() == (kind != Kind::kReady && kind != Kind::kTell));
    if (!frame) continue;
    CHECK(frame->kind == FrameKind::kRefused);
    CHECK(frame->payload == "seccomp: no");
  }
}
