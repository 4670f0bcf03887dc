// gwtool gen: manual pages, completions and the sample configuration, made from the option tree.
//
// The results are committed (man/, completions/); a test makes them again and compares, so what the
// manual says is what the parser does. The command is hidden: it is for gwtool's own source tree.
#include <fmt/format.h>
#include <sys/stat.h>

#include <functional>
#include <optional>
#include <utility>

#include "frame/completions.h"
#include "frame/manual.h"
#include "frame/program.h"
#include "os/file.h"

namespace gw::cmd {

namespace {

constexpr std::size_t kMaxPage = std::size_t{1} << 20;
constexpr mode_t kFileMode = 0644;

Status save(const std::string& directory, const std::string& name, const std::string& text) {
  return os::write_file_atomic(fmt::format("{}/{}", directory, name), text, kFileMode);
}

// The date that a page has now.
std::string_view date_of(std::string_view page) {
  constexpr std::string_view kDate = "\n.Dd ";
  const std::size_t at = page.find(kDate);
  if (at == std::string_view::npos) return "";
  page.remove_prefix(at + kDate.size());
  return page.substr(0, page.find('\n'));
}

// A page's date is the day on which its text changed last: one that stays as it is keeps its own.
Status write_dated(const std::string& output, const std::string& file, WallTime today,
                   const std::function<Result<std::string>(std::string_view)>& format) {
  if (const auto old = os::read_file(fmt::format("{}/{}", output, file), kMaxPage)) {
    GW_TRY(const auto same, format(date_of(*old)));
    if (same == *old) return {};
  }
  GW_TRY(const auto page, format(manual_date(today)));
  return save(output, file, page);
}

// Nothing: there is no template.
Result<std::optional<std::string>> read_template(const std::string& sections,
                                                 std::string_view name) {
  auto text = os::read_file(fmt::format("{}/{}.mdoc", sections, name), kMaxPage);
  if (text) return std::optional(*std::move(text));
  if (text.error().kind == ErrorKind::kNotFound) return std::optional<std::string>();
  return std::move(text).error();
}

Status write_page(const CommandPath& path, const std::string& sections, const std::string& output,
                  WallTime today) {
  const std::string name = manual_name(path);
  GW_TRY(const auto text, read_template(sections, name));
  return write_dated(output, name + ".1", today, [&](std::string_view date) {
    return format_manual(path, text.value_or(""), date);
  });
}

Status write_guide(std::string_view name, const std::string& sections, const std::string& output,
                   WallTime today) {
  GW_TRY(const auto text, read_template(sections, name));
  if (!text) return {};
  return write_dated(output, fmt::format("{}.7", name), today, [&](std::string_view date) {
    return Result<std::string>(format_guide(name, *text, date));
  });
}

Status write_manual(const Command& root, const std::string& sections, const std::string& output,
                    WallTime today) {
  GW_CHECK(write_page({&root}, sections, output, today));
  for (const Command& c : root.subcommands) {
    if (!c.hidden) GW_CHECK(write_page({&root, &c}, sections, output, today));
  }
  for (const std::string_view name : kGuides) {
    GW_CHECK(write_guide(name, sections, output, today));
  }
  return {};
}

Status write_completions(const Command& root, const std::string& output) {
  GW_CHECK(save(output, "gwtool.bash", format_bash_completion(root)));
  GW_CHECK(save(output, "_gwtool", format_zsh_completion(root)));
  GW_CHECK(save(output, "gwtool.fish", format_fish_completion(root)));
  return {};
}

}  // namespace

Command gen_command() {
  struct Values {
    std::string sections = "man/sections";
    std::string man = "man";
    std::string completions = "completions";
  };
  auto v = std::make_shared<Values>();
  Command gen("gen", "make manual pages, completions and a sample configuration");
  gen.hidden = true;

  Command man("man", "write the manual pages");
  man.add(
      path_option("sections", "DIR", &v->sections, PathUse::kDirectory, "templates of the pages"));
  man.add(path_option("output", "DIR", &v->man, PathUse::kDirectory, "where the pages go"));
  man.run = [v](Context& ctx) -> Result<int> {
    GW_CHECK(write_manual(ctx.root, v->sections, v->man, ctx.clock.now()));
    return kExitDone;
  };
  gen.add(std::move(man));

  Command completions("completions", "write the completions of bash, zsh and fish");
  completions.add(
      path_option("output", "DIR", &v->completions, PathUse::kDirectory, "where the files go"));
  completions.run = [v](Context& ctx) -> Result<int> {
    GW_CHECK(write_completions(ctx.root, v->completions));
    return kExitDone;
  };
  gen.add(std::move(completions));

  Command config("config", "print a configuration file with every option commented out");
  config.run = [](Context& ctx) -> Result<int> {
    GW_TRY(auto settings, resolve_all(ctx.root, Invocation{{&ctx.root}, {}}, nullptr,
                                      [](const std::string&) { return std::nullopt; }));
    ctx.out.write(format_config(settings, true));
    return kExitDone;
  };
  gen.add(std::move(config));
  return gen;
}

}  // namespace gw::cmd
