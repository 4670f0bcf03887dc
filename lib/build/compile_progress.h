// How far a go command is that compiles, from what it prints meanwhile, for people who wait.
//
// With -v it names each package when its compilation begins, on a line of its own; with -x commands
// stand between, and the link is one of them. With -n it names all that it would compile under
// headings, so that it is known before how many there will be (std_cache.h reads them, too).
//
// A value for one command; one thread.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gw::build {

class CompileProgress {
 public:
  using Tell = std::function<void(std::string_view text)>;
  // `what`: "a.b/c for linux/amd64". `packages`: how many there are to compile; 0: nobody knows.
  CompileProgress(std::string what, std::size_t packages, Tell how);

  // The next piece of the output, cut anywhere. Tells at each package and at the link.
  void take(std::string_view output);
  // Tells the same again, for whoever shows a time beside it.
  void tell() const { tell_(text_); }

 private:
  void take_line(std::string_view line);

  const std::string what_;
  const std::size_t packages_;
  const Tell tell_;
  std::size_t begun_ = 0;
  std::string text_;
  std::string line_;      // that has no end yet
  std::string here_end_;  // the line that ends a file which the output shows; empty: none
};

// What the go command would compile, of what it prints with -n: each package once, in its order.
std::vector<std::string> planned_packages(std::string_view output);

}  // namespace gw::build
