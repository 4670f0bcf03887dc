// Manual pages and completions of a small tree: what is in them, and that text stays text.
#include <catch2/catch.hpp>
#include <memory>

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
  CommandPath path{&t.root, &t.root.subcommands[0]};
  std::string page = format_manual(
      path,
      "# EXIT STATUS\nIntro with gwtool(1).\n\n- 0: done\n- 1: failed, over\n  two lines\n\n"
      "# EXAMPLES\nOne:\n\n    gwtool run-it 'x' \\ y\n    .second\n\nTwo `a\nb` end.\n");
  for (const char* part :
       {".Dt GWTOOL-RUN-IT 1\n", ".Nd run 'it'\n", ".Nm \"\\&gwtool run-it\"\n.Op Ar OPTION ...\n",
        ".Ar \"\\&WORD\" ...\n",
        "First.\nSecond with \\fB\\-\\-file X\\fR and a \\e backslash.\n.Pp\n",
        ".It Fl -file Ar \"\\&FILE\"\n", "Default: \\fB.hidden\\edefault\\fR.\n",
        ".It Ev GW_FILE\n", ".It Cm \"\\&a\"\nThis.\n",
        ".Sh EXIT STATUS\nIntro with gwtool(1).\n.Bl -tag",
        ".It \"\\&1\"\nfailed, over two lines\n.El\n",
        ".Bd -literal -offset indent\ngwtool run-it 'x' \\e y\n\\&.second\n.Ed\n",
        "Two \\fBa b\\fR end.\n", ".Xr gwtool 1 ,\n.Xr gwtool-group 1\n"}) {
    INFO(part);
    INFO(page);
    CHECK(contains(page, part));
  }
  CHECK_FALSE(contains(page, "secret"));
  std::string first = format_manual({&t.root}, "");
  CHECK(contains(first, ".It Xr gwtool-run-it 1\nRun 'it'.\n"));
  CHECK(contains(first, ".It Fl q , Fl -quiet\n"));
  CHECK_FALSE(contains(first, "secret"));
  CHECK(contains(format_manual({&t.root, &t.root.subcommands[1]}, ""),
                 ".Ss \"\\&gwtool group sub\"\n"));
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
  CHECK(contains(zsh, "'run-it:run it'"));
  std::string fish = format_fish_completion(t.root);
  CHECK(contains(fish, "-n '__gwtool_at \"gwtool run-it\"' -l mode -x -a 'a b' -d 'how'\n"));
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
