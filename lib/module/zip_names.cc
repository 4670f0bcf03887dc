#include "module/zip_names.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "module/fold.h"

namespace gw::mod {

Status ZipNames::add(std::string_view name, bool directory) {
  std::uint32_t parent = 0;
  for (;;) {
    const std::size_t slash = name.find('/');
    const std::string_view element = name.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    const bool is_directory = !last || directory;
    const auto id = static_cast<std::uint32_t>(nodes_.size() + 1);
    const auto [it, added] = nodes_.try_emplace({parent, fold_case(element)},
                                                Node{std::string(element), is_directory, id});
    const Node& node = it->second;
    if (!added) {
      if (node.spelling != element) {
        return untrusted_error(
            fmt::format("{} and {} differ only in case", quoted(node.spelling), quoted(element)));
      }
      if (node.directory != is_directory) {
        return untrusted_error(quoted(element) + " is both a file and a directory");
      }
      if (!is_directory) return untrusted_error("there twice");
    }
    if (nodes_.size() > max_) return untrusted_error("too many files and directories");
    if (last) return {};
    parent = node.id;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace gw::mod
