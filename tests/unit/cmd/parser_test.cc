// Splitting the command line, over a tree with every shape that a command may have: a group, a
// command that runs and has commands, and one that takes arguments besides.
#include "frame/parser.h"

#include <catch2/catch.hpp>

namespace gw::cmd {
namespace {

using Words = std::vector<std::string>;

struct ParserTree {
  bool flag = false;
  std::string text;
  std::vector<std::string> list;
  std::vector<std::string> words;
  std::optional<std::string> first;
  std::optional<std::string> second;
  Command root{"tool", "a tool"};

  ParserTree() {
    auto nothing = [](Context&) -> Result<int> { return kExitDone; };
    root.add(flag_option("quiet", &flag, "say less").short_name('q'));
    root.add(flag_option("json", &flag, "JSON").short_name('j'));
    root.add(text_option("color", "WHEN", &text, "colour").short_name('c'));
    Command group("ask", "a group");
    group.add(text_option("base", "NAME", &text, "whom"));
    Command module("module", "a command of a group");
    module.add(flag_option("prove", &flag, "prove it"));
    module.add(list_option("add", "X", &list, "more"));
    module.add(positionals("PATH", &words, true, "what"));
    module.run = nothing;
    Command pair("pair", "two arguments");
    pair.add(positional("FIRST", &first, "one"));
    pair.add(positional("SECOND", &second, "two"));
    pair.run = nothing;
    group.add(std::move(module)).add(std::move(pair));
    Command serve("serve", "runs, and has commands");
    serve.add(text_option("zone", "NAME", &text, "its own"));
    serve.add(text_option("db", "FILE", &text, "of both"));
    serve.run = nothing;
    Command status("status", "a command of one that runs");
    status.add(text_option("db", "FILE", &text, "of both"));
    status.run = nothing;
    serve.add(std::move(status));
    Command look("look", "takes arguments, and has commands");
    look.add(positionals("PATH", &words, false, "what"));
    look.run = nothing;
    Command zone("zone", "a command beside arguments");
    zone.add(positionals("FILE", &words, true, "what"));
    zone.run = nothing;
    look.add(std::move(zone));
    Command guard("guard", "runs a program");
    guard.runs_program = true;
    guard.add(positionals("COMMAND", &words, true, "what"));
    guard.add(text_option("zone", "NAME", &text, "its own"));
    guard.run = nothing;
    Command ask_it("state", "a command beside the program");
    ask_it.add(positionals("WORD", &words, false, "what"));
    ask_it.run = nothing;
    guard.add(std::move(ask_it));
    root.add(std::move(group)).add(std::move(serve)).add(std::move(look)).add(std::move(guard));
  }

  // "tool ask module: PATH=a,b quiet=true", or the error and its hint.
  std::string parse(Words args) const {
    auto parsed = parse_command_line(root, std::move(args));
    if (!parsed) return parsed.error().message + "; " + parsed.error().hint;
    std::string out = full_name(parsed->path) + ":";
    for (const auto& [name, values] : parsed->given) {
      out += " " + name + "=";
      for (std::size_t i = 0; i < values.size(); ++i) out += (i == 0 ? "" : ",") + values[i];
    }
    return out;
  }
};

TEST_CASE("words become a command and what was given to it") {
  const ParserTree t;
  struct Case {
    Words args;
    std::string parsed;
  };
  const std::vector<Case> cases{
      {{}, "tool:"},
      {{"ask"}, "tool ask:"},
      {{"ask", "module", "a", "b"}, "tool ask module: PATH=a,b"},
      {{"-q", "ask", "module", "a", "-j"}, "tool ask module: PATH=a json=true quiet=true"},
      {{"-qjc", "x", "ask"}, "tool ask: color=x json=true quiet=true"},
      {{"-qcx", "ask"}, "tool ask: color=x quiet=true"},
      {{"-q", "ask", "-q", "module", "-q", "a"}, "tool ask module: PATH=a quiet=true"},
      {{"-q", "ask", "--quiet=false", "module", "a"}, "tool ask module: PATH=a quiet=false"},
      {{"ask", "--base", "b", "module", "a"}, "tool ask module: PATH=a base=b"},
      {{"ask", "module", "a", "--base=b", "c"}, "tool ask module: PATH=a,c base=b"},
      {{"ask", "module", "--add", "1", "a", "--add=2", "b"}, "tool ask module: PATH=a,b add=1,2"},
      {{"ask", "module", "--add", "[1,2]", "[a,b]", "{}", ""},
       "tool ask module: PATH=[a,b],{}, add=[1,2]"},
      {{"ask", "module", "--add", "--prove", "-", "a"}, "tool ask module: PATH=-,a add=--prove"},
      {{"ask", "module", "--add", "-1", "a"}, "tool ask module: PATH=a add=-1"},
      {{"ask", "module", "--add", "--", "a"}, "tool ask module: PATH=a add=--"},
      {{"ask", "module", "--add=x=y", "a"}, "tool ask module: PATH=a add=x=y"},
      {{"ask", "module", "--", "-q", "--", "++", "--x="}, "tool ask module: PATH=-q,--,++,--x="},
      {{"ask", "module", "module", "ask", "serve"}, "tool ask module: PATH=module,ask,serve"},
      {{"ask", "pair", "1"}, "tool ask pair: FIRST=1"},
      {{"ask", "pair", "1", "pair"}, "tool ask pair: FIRST=1 SECOND=pair"},
      {{"serve", "--zone", "z", "--db", "d"}, "tool serve: db=d zone=z"},
      {{"serve", "--db", "d", "status"}, "tool serve status: db=d"},
      {{"look", "zone", "x"}, "tool look zone: FILE=x"},
      {{"look", "x", "zone"}, "tool look: PATH=x,zone"},
      {{"look", "--", "zone"}, "tool look: PATH=zone"},
      {{"guard", "./x"}, "tool guard: COMMAND=./x"},
      {{"-q", "guard", "--zone", "z", "./x", "-q", "--zone", "y", "-help", "--a=", "--", "++", "-"},
       "tool guard: COMMAND=./x,-q,--zone,y,-help,--a=,--,++,- quiet=true zone=z"},
      {{"guard", "--zone=z", "./x", "state"}, "tool guard: COMMAND=./x,state zone=z"},
      {{"guard", "--zone", "state", "./x", "--zone"}, "tool guard: COMMAND=./x,--zone zone=state"},
      {{"guard", "--", "./x", "-q"}, "tool guard: COMMAND=./x,-q"},
      {{"guard", "--", "./x", "--", "--a="}, "tool guard: COMMAND=./x,--,--a="},
      {{"-c", "red", "guard", "./x", "-q"}, "tool guard: COMMAND=./x,-q color=red"},
      {{"guard", "-c", "red", "./x", "-c"}, "tool guard: COMMAND=./x,-c color=red"},
      {{"guard", "state", "x", "-q"}, "tool guard state: WORD=x quiet=true"},
      {{"help", "ask", "module"},
       "unknown option \"--help\" of tool ask module; "
       "try tool ask module --help"},
  };
  for (const Case& c : cases) {
    INFO(c.parsed);
    CHECK(t.parse(c.args) == c.parsed);
  }
}

TEST_CASE("what cannot be split is told at the word") {
  const ParserTree t;
  struct Case {
    Words args;
    std::string error;
  };
  const std::vector<Case> cases{
      {{"ask", "modul", "x"},
       "unknown command \"modul\" of tool ask; did you mean tool ask module?"},
      {{"x", "ask"}, "unknown command \"x\" of tool; the commands are ask, serve, look, guard"},
      {{"serve", "x"}, "unknown command \"x\" of tool serve; the commands are status"},
      {{"ask", "pair", "1", "2", "3"},
       "unexpected argument \"3\" to tool ask pair; try tool ask pair --help"},
      {{"serve", "status", "--", "-q"},
       "unexpected argument \"-q\" to tool serve status; try tool serve status --help"},
      {{"--prove", "ask", "module", "x"},
       "unknown option \"--prove\" of tool; --prove is an option of tool ask module and comes "
       "after "
       "that"},
      {{"ask", "--porve", "module", "x"},
       "unknown option \"--porve\" of tool ask; try tool ask --help"},
      {{"ask", "module", "--porve=1"},
       "unknown option \"--porve\" of tool ask module; did you mean --prove?"},
      {{"guard", "--bogus", "./x"},
       "unknown option \"--bogus\" of tool guard; try tool guard --help"},
      {{"guard", "-help", "./x"}, "unknown option \"-h\" of tool guard; try tool guard --help"},
      {{"-qzj"}, "unknown option \"-z\" of tool; try tool --help"},
      {{"serve", "--zone", "z", "status"},
       "unknown option \"--zone\" of tool serve status; --zone is an option of tool serve and "
       "comes "
       "after that"},
      {{"serve", "--db", "a", "status", "--db", "b"}, "--db is given more than once; "},
      {{"ask", "module", "--add"}, "--add needs a value; --add X: more"},
      {{"-qc"}, "--color needs a value; --color WHEN: colour"},
      {{"ask", "--nonsense", "module", "--add"},
       "unknown option \"--nonsense\" of tool ask; try tool ask --help"},
      {{"ask", "module", "--add=", "x"}, "--add has an empty value; "},
      {{"ask", "module", "x", "++"}, "\"++\" is no argument of tool; "},
      {{"guard", "++", "./x", "-q"}, "\"++\" is no argument of tool; "},
      {{"guard", "--zone=", "./x", "y", "--a="}, "--zone has an empty value; "},
  };
  for (const Case& c : cases) {
    INFO(c.error);
    CHECK(t.parse(c.args) == c.error);
  }
}

}  // namespace
}  // namespace gw::cmd
