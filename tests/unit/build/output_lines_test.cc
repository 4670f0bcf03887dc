#include "build/output_lines.h"

#include <catch2/catch.hpp>
#include <string>

using namespace gw::build;

TEST_CASE("lines of an output: the first that holds both, in their order") {
  const std::string output = "a then b\nb then a\nb, a, b\n";
  CHECK(find_line(output, "b").value() == "a then b");
  CHECK(find_line(output, "b", "a").value() == "b then a");
  CHECK(find_line(output, "a", "b").value() == "a then b");
  CHECK_FALSE(find_line(output, "c"));
  CHECK_FALSE(find_line("a\nb", "a", "b"));  // not in one line
  CHECK_FALSE(find_line("", "a"));
}

TEST_CASE("lines of an output: of a source's line and column, and the last") {
  CHECK(find_source_line("# p\nx.go:3:12: bad\n").value() == "x.go:3:12: bad");
  CHECK(find_source_line("m@v1.0.0/x.go:3:12: bad").value() == "m@v1.0.0/x.go:3:12: bad");
  CHECK_FALSE(find_source_line("two words.go:3:12: bad\n"));
  CHECK_FALSE(find_source_line("x.go:3: bad\nx.go:3:12:\n:3:12: bad\n"));
  CHECK(last_line("a\nb\n \r\n") == "b");
  CHECK(last_line("\n\n").empty());
}

TEST_CASE("lines of an output: a sentence of several lines is one") {
  const std::string output = "go: a@v1.0.0 requires\n\tb@v1.0.0: gone\nnext\n";
  const std::string said = sentence_at(output, find_line(output, "gone").value());
  CHECK(said.starts_with("go: a@v1.0.0 requires"));
  CHECK(said.ends_with("b@v1.0.0: gone"));
  CHECK(said.find('\n') == std::string::npos);
  const std::string ours = "reading http://127.0.0.1:4711/a/@v/v1.0.0.zip: gone";
  CHECK(sentence_at(ours, ours) == "reading a/@v/v1.0.0.zip: gone");
  const std::string large = "x.go:1:1: " + std::string(1000, 'y');
  CHECK(sentence_at(large, large).size() <= 400);
}
