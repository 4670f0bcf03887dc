// Manual pages and completions of a small tree: what is in them, and that text stays text.
#include <array>
#include <catch2/catch.hpp>
#include <chrono>

#include "frame/completions.h"
#include "frame/help.h"
#include "frame/manual.h"

namespace gw::cmd {
namespace {

enum class Mode { kA, kB };

struct Tree {
  bool flag = false;
  std::string file = ".hidden\\default";
  std::vector<std::string> urls;
  std::vector<std::string> words;
  Mode mode = Mode::kA;
  Command root{"gwtool", "do things"};

  Tree() {
    root.add(flag_option("quiet", &flag, "say less").short_name('q'));
    Command run("run-it", "run 'it'");
    run.doc = "First. Second with `--file X` and a \\ backslash.\n\nAnother paragraph.";
    run.add(path_option("file", "FILE", &file, PathUse::kInput, "a file: [really]")
                .environment("GW_FILE"));
    run.add(list_option("url", "URL", &urls, "an address"));
    run.add(choice_option<Mode>("mode", "MODE", &mode,
                                {{"a", Mode::kA, "this"}, {"b", Mode::kB, ""}}, "how"));
    run.add(positionals("WORD", &words, true, "a word"));
    run.run = [](Context&) -> Result<int> { return 0; };
    Command group("group", "a group");
    Command sub("sub", "a command in it");
    sub.run = run.run;
    group.add(std::move(sub));
    Command hidden("secret", "not shown");
    hidden.hidden = true;
    hidden.run = run.run;
    root.add(std::move(run)).add(std::move(group)).add(std::move(hidden));
  }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a manual page has everything of its command") {
  Tree t;
  t.root.subcommands[0].exits = {{kExitDone, "done, with `it`"},
                                 {kExitNewer, "newer"},
                                 {kExitUntrusted, "forged"},
                                 {kExitFailed, "failed"}};
  t.root.subcommands[0].files = {{"FILE.lock", "held by `run-it`"}};
  const CommandPath path{&t.root, &t.root.subcommands[0]};
  const auto made = format_manual(path, "", "November 22, 2026");
  REQUIRE(made);
  const std::string& page = *made;
  for (const char* part :
       {".Dd November 22, 2026\n.Dt GWTOOL-RUN-IT 1\n", ".Nd run 'it'\n",
        ".Sh SYNOPSIS\n.Nm \"\\&gwtool run-it\"\n.Op Ar OPTION ...\n", ".Ar \"\\&WORD\" ...\n",
        "First.\nSecond with \\fB\\-\\-file X\\fR and a \\e backslash.\n.Pp\n",
        ".It Fl -file Ar \"\\&FILE\"\n", "Default: \\fB.hidden\\edefault\\fR.\n",
        ".It Ev GW_FILE\n", ".It Cm \"\\&a\"\nThis.\n",
        ".It 0\ndone, with \\fBit\\fR\n.It 100\nnewer\n.It 4\nforged\n",
        "Of several the gravest is reported: 4 before 1, 1 before 100.\n",
        ".Sh FILES\n.Bl -tag -width Ds\n.It \"\\&FILE.lock\"\nheld by \\fBrun\\-it\\fR\n",
        ".Sh SEE ALSO\n.Xr gwtool 1 ,\n.Xr gwtool-group 1\n"}) {
    INFO(part);
    INFO(page);
    CHECK(contains(page, part));
  }
  CHECK_FALSE(contains(page, "secret"));
  const std::string first = format_manual({&t.root}, "", "").value();
  CHECK(contains(first, ".It Xr gwtool-run-it 1\nRun 'it'.\n"));
  CHECK(contains(first, ".It Fl q , Fl -quiet\n"));
  CHECK(contains(first, ".Sh EXIT STATUS\nAs in\n.Xr gwtool 1 .\n"));
  CHECK_FALSE(contains(first, "secret"));
  CHECK(contains(format_manual({&t.root, &t.root.subcommands[1]}, "", "").value(),
                 ".Ss \"\\&gwtool group sub\"\n"));
}

TEST_CASE("a template is filled in, and may leave out nothing") {
  Tree t;
  const CommandPath path{&t.root, &t.root.subcommands[1]};
  const std::string all =
      ".\\\" A comment.\n@head@\n.Sh SYNOPSIS\n@synopsis@\n.Sh DESCRIPTION\n@description@\nMore.\n"
      "@commands@\n@exit-status@\n@see-also@\n";
  const auto page = format_manual(path, all, "June 1, 2026");
  REQUIRE(page);
  CHECK(page->starts_with(
      ".\\\" Made by gwtool gen man from the option tree and man/sections/gwtool-group.mdoc.\n"
      ".Dd June 1, 2026\n.Dt GWTOOL-GROUP 1\n"));
  CHECK(contains(*page, "\nA group.\nMore.\n.Ss \"\\&gwtool group sub\"\n"));
  CHECK_FALSE(contains(*page, "A comment"));
  CHECK_FALSE(contains(*page, "@"));
  // Metrics only where they are wanted.
  CHECK(contains(format_manual(path, all + "@metrics@\n", "").value(), "gwtool_follow_"));
  for (const auto& [part, wrong, error] : std::vector<std::array<std::string, 3>>{
           {"@commands@\n", "", "the template of gwtool-group(1) leaves out @commands@"},
           {"@head@\n", "", "the template of gwtool-group(1) leaves out @head@"},
           {"@head@\n", "@heads@\n",
            "the template of gwtool-group(1) has @heads@, which means nothing"}}) {
    std::string text = all;
    text.replace(text.find(part), part.size(), wrong);
    const auto refused = format_manual(path, text, "");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == error);
  }
}

TEST_CASE("a manual page's date") {
  using namespace std::chrono;
  CHECK(manual_date(WallTime(sys_days(2026y / 2 / 28) + 23h + 59min)) == "February 28, 2026");
  CHECK(manual_date(WallTime(sys_days(1970y / 12 / 1))) == "December 1, 1970");
}

TEST_CASE("completions know commands, options and choices") {
  Tree t;
  std::string bash = format_bash_completion(t.root);
  CHECK(contains(bash, "'gwtool run-it --mode') mapfile -t COMPREPLY < <(compgen -W 'a b'"));
  CHECK(contains(bash, "'gwtool') words='run-it group --quiet'"));
  CHECK(contains(bash, "'gwtool group sub') words='--quiet'"));
  std::string zsh = format_zsh_completion(t.root);
  CHECK(contains(zsh, "'--file=[a file\\: \\[really\\]]:FILE:_files'"));
  CHECK(contains(zsh, "'*--url=[an address]:URL: '"));
  CHECK(contains(zsh, R"('run-it:run '\''it'\''')"));
  std::string fish = format_fish_completion(t.root);
  CHECK(contains(fish, "-n '__gwtool_at \"gwtool run-it\"' -l mode -x -a 'a b' -d 'how'\n"));
  CHECK(contains(fish, R"(-a run-it -d 'run \'it\'')"));
  CHECK(contains(fish, "-l quiet -s q -d 'say less'\n"));
  for (const std::string& text : {bash, zsh, fish}) CHECK_FALSE(contains(text, "secret"));
}

TEST_CASE("text is wrapped at 80 columns") {
  CHECK(wrap("a b c", 0) == "a b c");
  std::string word(30, 'x');
  CHECK(wrap(word + " " + word + " " + word, 10) == word + " " + word + "\n          " + word);
  std::string long_word(100, 'y');
  CHECK(wrap("a " + long_word + " b", 4) == "a\n    " + long_word + "\n    b");
  CHECK(wrap("  two   spaces ", 0) == "two spaces");
}

}  // namespace
}  // namespace gw::cmd
