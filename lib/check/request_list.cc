// The lines of a list: what somebody wrote down, and what `go list -m all` and `go version -m`
// print, told apart by their form.
#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "check/request.h"

namespace gw::check {
namespace {

using Words = std::vector<std::string_view>;

// "FILE: go1.26.8", the first line that `go version` prints of a program.
bool names_program(std::string_view line) {
  const std::size_t colon = line.rfind(": ");
  if (colon == std::string_view::npos) return false;
  const std::string_view version = line.substr(colon + 2);
  if (version.starts_with("devel ")) return true;
  return version.size() > 2 && version.starts_with("go") && is_digit(version[2]);
}

// A line of a go.mod or go.sum file, which are read by commands of their own.
std::string file_hint(const Words& words) {
  for (const std::string_view verb : {"module", "go", "toolchain", "require", "replace", "exclude",
                                      "retract", "tool", "godebug", ")"}) {
    if (words[0] == verb) return "a go.mod file is read by gwtool check gomod FILE";
  }
  if (words.size() == 3 && words[2].starts_with("h1:")) {
    return "a go.sum file is read by gwtool check gosum FILE";
  }
  return "write PATH@VERSION, or give what `go list -m all` or `go version -m` prints";
}

ModuleRequest problem_of(std::string_view line, const Words& words) {
  ModuleRequest request;
  request.path = line;
  request.problem = usage_error("not a module and its version: " + quoted(line), file_hint(words));
  return request;
}

// Differs where anything that is asked or noted of them does.
std::string key_of(const ModuleRequest& request) {
  std::string key = fmt::format("{}@{}", request.path, request.known.value_or(""));
  for (const std::string& note : request.notes) key += "\n" + note;
  return key;
}

// Up to a comment: after #, or, as a line of go.mod has it, after // behind a blank.
std::string_view without_comment(std::string_view line) {
  line = line.substr(0, line.find('#'));
  for (std::size_t at = line.find("//"); at != line.npos; at = line.find("//", at + 1)) {
    if (at == 0 || line[at - 1] == ' ' || line[at - 1] == '\t') return line.substr(0, at);
  }
  return line;
}

// What `go list -m` adds to a line: "[v1.3.0", "(retracted)]", "(deprecated)".
bool is_remark(std::string_view word) { return word[0] == '[' || word[0] == '('; }

class ListReader {
 public:
  void add(std::string_view line, std::size_t number);
  RequestList finish();
  std::size_t size() const { return list_.requests.size() + bare_.size(); }

 private:
  void keep(ModuleRequest request, std::size_t number);
  void keep_used();
  void add_program_line(const Words& words, std::size_t number);
  void add_bare(std::string_view path, std::size_t number);
  void add_listed(std::string_view line, const Words& words, std::size_t number);

  struct Bare {
    std::string_view path;
    std::size_t number;
    std::size_t before;  // which of the requests it comes before
  };
  RequestList list_;
  std::set<std::string> seen_;  // what was kept: several programs' lists have much in common
  std::vector<Bare> bare_;      // paths without a version: main modules, if there are listed ones
  bool has_listed_ = false;     // a line as `go list -m` has them
  // Of the last `dep` or `mod` line, which a `=>` line may be about.
  struct Used {
    std::string_view path, version;
    std::size_t number;
  };
  std::optional<Used> used_;
};

void ListReader::keep(ModuleRequest request, std::size_t number) {
  if (request.problem) {
    request.problem = std::move(*request.problem).in(fmt::format("line {}", number));
  } else if (!seen_.insert(key_of(request)).second) {
    return;
  }
  list_.requests.push_back(std::move(request));
}

// The fields of `go version -m`, or of format_build_info().
void ListReader::add_program_line(const Words& words, std::size_t number) {
  const std::string_view version = words.size() > 2 ? words[2] : "";
  if (words[0] == "=>") {
    const auto used = std::exchange(used_, std::nullopt);
    if (!used) return;
    for (auto& request : replaced_requests(used->path, used->version, words[1], version)) {
      keep(std::move(request), number);
    }
    return;
  }
  keep_used();
  if (words[0] == "mod" || words[0] == "dep") used_ = {words[1], version, number};
}

void ListReader::keep_used() {
  const auto used = std::exchange(used_, std::nullopt);
  if (used) keep(module_request(used->path, used->version), used->number);
}

// PATH VERSION [[NEWER]] [(deprecated)] [=> PATH [VERSION]]
void ListReader::add_listed(std::string_view line, const Words& words, std::size_t number) {
  std::size_t arrow = 1;
  while (arrow < words.size() && words[arrow] != "=>") ++arrow;
  for (std::size_t i = 2; i < arrow; ++i) {
    if (!is_remark(words[i])) return keep(problem_of(line, words), number);
  }
  if (arrow == words.size()) {
    if (words[1] == "(deprecated)") {  // the main module is
      has_listed_ = true;
      return add_bare(words[0], number);
    }
    if (words[1][0] != 'v') return keep(problem_of(line, words), number);
    has_listed_ = true;
    return keep(module_request(words[0], words[1]), number);
  }
  if (arrow + 1 == words.size()) return keep(problem_of(line, words), number);
  has_listed_ = true;
  const bool with_directory = arrow + 2 == words.size() || is_remark(words[arrow + 2]);
  const std::string_view with_version = with_directory ? "" : words[arrow + 2];
  for (auto& request :
       replaced_requests(words[0], arrow > 1 ? words[1] : "", words[arrow + 1], with_version)) {
    keep(std::move(request), number);
  }
}

void ListReader::add_bare(std::string_view path, std::size_t number) {
  if (!seen_.emplace(path).second) return;
  bare_.push_back({path, number, list_.requests.size()});
}

void ListReader::add(std::string_view line, std::size_t number) {
  if (names_program(trim(line))) return;
  line = trim(without_comment(line));
  const Words words = split_words(line);
  if (words.empty()) return;
  const bool of_program = words[0] == "path" || words[0] == "mod" || words[0] == "dep" ||
                          words[0] == "=>" || words[0] == "build";
  if (of_program && words.size() > 1) return add_program_line(words, number);
  keep_used();
  if (words.size() > 1) return add_listed(line, words, number);
  if (words[0].find('@') == std::string_view::npos) {
    return add_bare(words[0], number);
  }
  keep(parse_module_request(words[0]), number);
}

RequestList ListReader::finish() {
  keep_used();
  if (has_listed_) {
    list_.main_modules = bare_.size();
    return std::move(list_);
  }
  // In the order of the lines.
  std::vector<ModuleRequest> others = std::exchange(list_.requests, {});
  std::size_t next = 0;
  for (const Bare& bare : bare_) {
    for (; next < bare.before; ++next) list_.requests.push_back(std::move(others[next]));
    keep(parse_module_request(bare.path), bare.number);
  }
  for (; next < others.size(); ++next) list_.requests.push_back(std::move(others[next]));
  return std::move(list_);
}

}  // namespace

Error too_many_modules() {
  return usage_error(fmt::format("more than {} modules in one call", kMostModules));
}

Result<RequestList> parse_request_list(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  ListReader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    reader.add(take_line(text), number);
    if (reader.size() > kMostModules) return too_many_modules();
  }
  return reader.finish();
}

std::string list_summary(const RequestList& list) {
  std::string out = fmt::format("standard input: {} module{}", list.requests.size(),
                                list.requests.size() == 1 ? "" : "s");
  if (list.main_modules > 0) {
    out += fmt::format(", {} main module{} left out", list.main_modules,
                       list.main_modules == 1 ? "" : "s");
  }
  return out;
}

}  // namespace gw::check
