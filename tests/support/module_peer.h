// Questions to golang.org/x/mod (tests/peers/module), asked from unit tests in one run of a
// program.
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace gw::test {

using Question = std::vector<std::string>;  // operation and arguments

// The answers, in the order of the questions. With `newer`, of the x/mod in a Go toolchain that
// lies beside the checkout: nothing when there is none (tests/support/module_peer.py says where).
inline std::vector<std::string> ask_module_peer(const std::vector<Question>& questions,
                                                bool newer = false) {
  const std::string dir = "module_peer";
  const std::string build = std::string("python3 ") + GW_TESTS_DIR + "/support/module_peer.py " +
                            dir + (newer ? " new" : "");
  REQUIRE(std::system(build.c_str()) == 0);  // NOLINT(cert-env33-c): fixed words
  const std::string program = dir + (newer ? "/peer-new" : "/peer");
  if (newer && ::access(program.c_str(), X_OK) != 0) {
    WARN("no Go toolchain beside the checkout: not compared with its x/mod");
    return {};
  }
  const std::string file = dir + "/" + std::to_string(::getpid());
  {
    std::ofstream in(file + ".in");
    for (const Question& q : questions) {
      in << q[0];
      for (std::size_t i = 1; i < q.size(); ++i) in << ' ' << encode_hex(q[i]);
      in << '\n';
    }
  }
  const std::string run = program + " <" + file + ".in >" + file + ".out";
  REQUIRE(std::system(run.c_str()) == 0);  // NOLINT(cert-env33-c)
  std::vector<std::string> answers;
  std::ifstream out(file + ".out");
  for (std::string line; std::getline(out, line);) answers.push_back(decode_hex(line).value());
  REQUIRE(answers.size() == questions.size());
  for (const char* end : {".in", ".out"}) std::remove((file + end).c_str());
  return answers;
}

}  // namespace gw::test
