// The main of every unit test: the same first calls as the real program's.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "base/crypto.h"

int main(int argc, char** argv) {
  if (auto s = gw::init_crypto(); !s) return 1;
  return Catch::Session().run(argc, argv);
}
