// Where the binaries of a call go, decided before anything is built.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "build/key.h"

namespace gw::build {

struct Output {
  std::string directory;
  std::string name;
  // As a person would write it: the name alone in the working directory.
  std::string path() const;
};

// `to`: a file for one binary, a directory (it exists, or `to` ends in a slash: then it is made)
// for any number, or empty for the working directory. Names are binary_name()'s, with the target in
// them when there are several. In the order of the keys. kUsage: several binaries for one file, two
// of one name, a file in a directory that is not there, a name that a directory or a device has.
// kIo.
Result<std::vector<Output>> plan_outputs(const std::string& to, std::span<const Key> keys);
// The same, and no directory is made yet.
Result<std::vector<Output>> name_outputs(const std::string& to, std::span<const Key> keys);
// That `to` can be for so many. kUsage.
Status check_output(const std::string& to, std::size_t binaries);

// A new program: whole and on the disk, or not there at all. Its directory is made if need be.
// kUsage: the file exists.
Status write_output(const Output& output, std::string_view bytes);

}  // namespace gw::build
