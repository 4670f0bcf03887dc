// The frame over a small tree of commands of its own: what the command line, the environment and
// the configuration file mean, and how everything that can be wrong with them is told.
#include "frame/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "groups.h"

namespace gw::cmd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Keep { kVersions, kRecords };

// What the last command that ran was given.
struct Seen {
  std::string command;
  std::string db;
  std::uint64_t workers = 0;
  seconds interval{0};
  Keep keep = Keep::kVersions;
  std::vector<std::string> urls;
  std::vector<std::string> custom;
  bool once = false;
  std::vector<std::string> paths;
  std::string base;
  LogSourceValues log;
  bool json = false;
  bool quiet = false;
};

std::vector<Command> fake_commands(Seen* seen) {
  std::vector<Command> commands;
  {
    struct Values {
      std::string db;
      std::uint64_t workers = 2;
      seconds interval{600};
      Keep keep = Keep::kVersions;
      std::vector<std::string> urls;
      std::vector<std::string> custom;
      bool once = false;
      LogSourceValues log;
    };
    auto v = std::make_shared<Values>();
    Command c("follow", "follow a log");
    c.add(path_option("db", "FILE", &v->db, PathUse::kState, "the database").require());
    c.add(number_option("workers", "N", &v->workers, 1, 64, "threads"));
    c.add(duration_option("interval", &v->interval, seconds(1), std::chrono::hours(24), "pause"));
    c.add(choice_option<Keep>("keep", "WHAT", &v->keep,
                              {{"versions", Keep::kVersions, ""}, {"records", Keep::kRecords, ""}},
                              "what is kept"));
    c.add(list_option("submit", "URL", &v->urls, "where to send heads"));
    c.add(custom_option(
        "pair", "A=B",
        [v](std::string_view text) -> Status {
          if (text.find('=') == std::string_view::npos) return usage_error("no = in it");
          v->custom.emplace_back(text);
          return {};
        },
        "a pair", true));
    c.add(flag_option("once", &v->once, "one round"));
    c.add(list_option("listen", "ADDR", &v->urls, "where").default_text("2 places"));
    add_log_source(c, &v->log);
    c.run = [v, seen](Context& ctx) -> Result<int> {
      *seen = {"follow", v->db, v->workers, v->interval, v->keep,  v->urls,  v->custom,
               v->once,  {},    "",         v->log,      ctx.json, ctx.quiet};
      ctx.out.line("followed");
      ctx.out.note("a note");
      ctx.out.detail("a detail");
      if (v->db == "unavailable") return unavailable_error("no network", "try again");
      if (v->db == "untrusted") return untrusted_error("a forged\ntile \x1b[31m");
      if (v->db == "notfound") return not_found_error("nothing there");
      return kExitDone;
    };
    commands.push_back(std::move(c));
  }
  {
    struct Values {
      std::string base = "l.example.org";
      std::vector<std::string> paths;
      std::optional<std::string> version;
    };
    auto v = std::make_shared<Values>();
    Command group("ask", "ask something");
    group.add(text_option("base", "DOMAIN", &v->base, "whom to ask"));
    Command module("module", "ask for modules");
    module.add(positionals("PATH", &v->paths, true, "what to ask for"));
    module.run = [v, seen](Context& ctx) -> Result<int> {
      *seen = {};
      seen->command = "ask module";
      seen->base = v->base;
      seen->paths = v->paths;
      seen->json = ctx.json;
      return kExitNewer;
    };
    Command toolchain("toolchain", "ask for the toolchain");
    toolchain.add(positional("VERSION", &v->version, "the present one"));
    toolchain.run = [v, seen](Context&) -> Result<int> {
      *seen = {};
      seen->command = "ask toolchain";
      if (v->version) seen->paths = {*v->version};
      return kExitDone;
    };
    group.add(std::move(module)).add(std::move(toolchain));
    commands.push_back(std::move(group));
  }
  {
    struct Values {
      std::string zone;
      std::string key;
    };
    auto v = std::make_shared<Values>();
    Command serve("serve", "serve a zone");
    serve.add(text_option("zone", "NAME", &v->zone, "the zone").require());
    serve.run = [seen](Context&) -> Result<int> {
      *seen = {};
      seen->command = "serve";
      return kExitDone;
    };
    Command key("key", "keys");
    Command create("new", "make a key");
    create.add(path_option("file", "FILE", &v->key, PathUse::kSecret, "the key").require());
    create.run = [v, seen](Context&) -> Result<int> {
      *seen = {};
      seen->command = "serve key new";
      seen->db = v->key;
      return kExitDone;
    };
    key.add(std::move(create));
    serve.add(std::move(key));
    commands.push_back(std::move(serve));
  }
  return commands;
}

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
  Seen seen;
};

std::string slurp(int fd) {
  std::string text;
  char buffer[4096];
  ::lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

int temporary_fd() {
  std::string name = (std::filesystem::temp_directory_path() / "gwtool-unit-XXXXXX").string();
  int fd = ::mkstemp(name.data());
  REQUIRE(fd >= 0);
  ::unlink(name.c_str());
  return fd;
}

class Harness {
 public:
  Harness() {
    std::string name = (std::filesystem::temp_directory_path() / "gwtool-cmd-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    dir_ = name;
  }
  ~Harness() { std::filesystem::remove_all(dir_); }

  Outcome run(std::vector<std::string> args) {
    Outcome o;
    return run(fake_commands(&o.seen), std::move(args), o);
  }
  Outcome& run(std::vector<Command> commands, std::vector<std::string> args, Outcome& o) {
    int out = temporary_fd();
    int err = temporary_fd();
    {
      Output output(out, err);
      auto env = [this](const std::string& name) -> std::optional<std::string> {
        auto it = environment.find(name);
        if (it == environment.end()) return std::nullopt;
        return it->second;
      };
      o.code = run_program(std::move(commands), std::move(args), output, env, terminal);
    }
    o.out = slurp(out);
    o.err = slurp(err);
    ::close(out);
    ::close(err);
    return o;
  }
  std::string file(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::string path = (dir_ / name).string();
    std::ofstream(path) << text;
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
    return path;
  }
  std::string path(const std::string& name) const { return (dir_ / name).string(); }

  std::map<std::string, std::string> environment;
  Terminal terminal;

 private:
  std::filesystem::path dir_;
};

bool has_text(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("values reach the command from the command line") {
  Harness h;
  auto o = h.run({"follow", "--db", "x.db", "--workers=3", "--interval", "90s", "--keep", "records",
                  "--submit", "https://a.example", "--submit=https://b.example", "--once", "--pair",
                  "a=b", "--pair", "c=d", "--json"});
  REQUIRE(o.err == "gwtool: a note\n");
  CHECK(o.code == 0);
  CHECK(o.out == "followed\n");
  CHECK(o.seen.db == "x.db");
  CHECK(o.seen.workers == 3);
  CHECK(o.seen.interval == seconds(90));
  CHECK(o.seen.keep == Keep::kRecords);
  CHECK(o.seen.urls == std::vector<std::string>{"https://a.example", "https://b.example"});
  CHECK(o.seen.custom == std::vector<std::string>{"a=b", "c=d"});
  CHECK(o.seen.once);
  CHECK(o.seen.json);
}

TEST_CASE("while a long-lived command runs no command is kept, but what it was given") {
  for (const bool long_lived : {false, true}) {
    std::size_t kept = 0;
    std::string given;
    Json all;
    std::vector<Command> commands;
    for (const char* name : {"before", "serve", "after"}) {
      Command c(name, "does it");
      const auto value = std::make_shared<std::string>();
      c.add(text_option("word", "WORD", value.get(), "a word"));
      c.add(text_option("other", "WORD", value.get(), "another"));
      c.long_lived = long_lived;
      c.run = [&, value](Context& ctx) -> Result<int> {
        for (const Command& one : ctx.root.subcommands) kept += one.options.size();
        kept += ctx.root.options.size();
        given = *value;
        all = ctx.settings();
        CHECK(ctx.given("word"));
        CHECK_FALSE(ctx.given("other"));
        return kExitDone;
      };
      commands.push_back(std::move(c));
    }
    Output out(STDOUT_FILENO, STDERR_FILENO);
    CHECK(run_program(std::move(commands), {"serve", "--word", "x"}, out,
                      [](std::string_view) { return std::nullopt; }, {}) == 0);
    CHECK(given == "x");
    CHECK((kept == 0) == long_lived);
    CHECK(all.dump().find("\"word\"") != std::string::npos);
  }
}

TEST_CASE("defaults are what the variables held") {
  Harness h;
  auto o = h.run({"follow", "--db", "x.db", "--once=false"});
  CHECK(o.seen.workers == 2);
  CHECK(o.seen.interval == seconds(600));
  CHECK(o.seen.keep == Keep::kVersions);
  CHECK_FALSE(o.seen.once);
  CHECK(o.seen.log.log_key == tlog::kGoLogKey);
}

TEST_CASE("global options stand anywhere") {
  Harness h;
  for (std::vector<std::string> args :
       std::vector<std::vector<std::string>>{{"-q", "--json", "follow", "--db", "x"},
                                             {"follow", "-q", "--db", "x", "--json"},
                                             {"follow", "--db", "x", "--json", "-qv"}}) {
    auto o = h.run(args);
    CHECK(o.code == 0);
    CHECK(o.err.empty());
    CHECK(o.seen.json);
    CHECK(o.seen.quiet);
  }
}

TEST_CASE("options of a group hold for its commands, those of a command that runs do not") {
  Harness h;
  CHECK(h.run({"ask", "--base", "b.example", "module", "p"}).seen.base == "b.example");
  CHECK(h.run({"ask", "module", "p", "--base=b.example"}).seen.base == "b.example");
  CHECK(h.run({"serve", "key", "new", "--file", "k"}).seen.command == "serve key new");
  for (auto args : std::vector<std::vector<std::string>>{
           {"serve", "--zone", "z", "key", "new", "--file", "k"},
           {"serve", "key", "new", "--file", "k", "--zone", "z"}}) {
    auto o = h.run(args);
    CHECK(o.code == 2);
    CHECK(has_text(o.err, "unknown option \"--zone\" of gwtool serve key new"));
  }
}

TEST_CASE("positional arguments are taken as they are") {
  Harness h;
  using V = std::vector<std::string>;
  CHECK(h.run({"ask", "module", "a", "-", "b"}).seen.paths == V{"a", "-", "b"});
  // Names of commands, dashes after "--", and brackets have no meaning here.
  CHECK(h.run({"ask", "module", "module", "ask", "follow"}).seen.paths ==
        V{"module", "ask", "follow"});
  CHECK(h.run({"ask", "module", "--", "--base", "-x"}).seen.paths == V{"--base", "-x"});
  CHECK(h.run({"ask", "module", "[a,b]", "{}", "x"}).seen.paths == V{"[a,b]", "{}", "x"});
  CHECK(has_text(h.run({"ask", "module", "x", ""}).err, "PATH: the value is empty"));
  CHECK(h.run({"ask", "module", "--base", "[::1,x]", "p"}).seen.base == "[::1,x]");
  CHECK(h.run({"ask", "module", "--base", "--", "p"}).seen.base == "--");
  CHECK(h.run({"ask", "toolchain"}).seen.paths.empty());
  CHECK(h.run({"ask", "toolchain", "1.2"}).seen.paths == V{"1.2"});
  CHECK(h.run({"ask", "module", "p"}).code == kExitNewer);
}

TEST_CASE("mistakes on the command line are told with the nearest right thing") {
  Harness h;
  struct Case {
    std::vector<std::string> args;
    std::string error;
    std::string hint;
  };
  const std::vector<Case> cases{
      {{}, "gwtool needs a command", "gwtool --help"},
      {{"folow"}, "unknown command \"folow\" of gwtool", "did you mean gwtool follow?"},
      {{"foll"}, "unknown command \"foll\"", "did you mean gwtool follow?"},
      {{"xyzzy"}, "unknown command \"xyzzy\"", "the commands are follow, ask, serve"},
      {{"bad\x1b[0m\n"}, "unknown command \"bad\\x1b[0m\\x0a\"", "the commands are"},
      {{"ask"}, "gwtool ask needs a command", "gwtool ask --help"},
      {{"ask", "modul", "x"}, "unknown command \"modul\" of gwtool ask", "gwtool ask module?"},
      {{"serve", "kye"}, "unknown command \"kye\" of gwtool serve", "gwtool serve key?"},
      {{"follow", "--bd", "x"}, "unknown option \"--bd\" of gwtool follow", "did you mean --db?"},
      {{"follow", "--intervall=1s"}, "unknown option \"--intervall\"", "did you mean --interval?"},
      {{"--db", "x", "follow"},
       "unknown option \"--db\" of gwtool",
       "is an option of gwtool follow"},
      {{"follow", "--db", "x", "-z"}, "unknown option \"-z\"", "--help"},
      {{"-help"}, "unknown option \"-help\"", "two dashes: --help"},
      {{"-version"}, "unknown option \"-version\"", "two dashes: --version"},
      {{"follow", "-db=x"}, "unknown option \"-db\"", "two dashes: --db"},
      {{"follow", "--db"}, "--db needs a value", "--db FILE: the database"},
      {{"follow", "--db="}, "--db has an empty value", ""},
      {{"follow", "--db", ""}, "--db: the value is empty", ""},
      {{"follow", "--db", "a", "--db", "b"}, "--db is given more than once", ""},
      {{"follow"}, "gwtool follow needs --db FILE", "db in [follow]"},
      {{"follow", "--db", "x", "extra"}, "unexpected argument \"extra\" to gwtool follow", ""},
      {{"follow", "--db", "x", "--once=maybe"}, "--once: \"maybe\" is neither true nor false", ""},
      {{"follow", "--db", "x", "--workers", "0"},
       "--workers: \"0\" is not a number from 1 to 64",
       ""},
      {{"follow", "--db", "x", "--workers", "-1"}, "\"-1\" is not a number", ""},
      {{"follow", "--db", "x", "--workers", "3x"}, "\"3x\" is not a number", ""},
      {{"follow", "--db", "x", "--interval", "10"}, "--interval: \"10\" is not a duration", "90s"},
      {{"follow", "--db", "x", "--interval", "0s"}, "\"0s\" is not between 1s and 1d", ""},
      {{"follow", "--db", "x", "--interval", "1500ms"}, "\"1500ms\" is not between", ""},
      {{"follow", "--db", "x", "--keep", "all"}, "--keep: \"all\" is not versions or records", ""},
      {{"follow", "--db", "x", "--pair", "ab"}, "--pair: no = in it", ""},
      {{"follow", "--db", "x", "--source", "ftp://x"}, "--source: bad URL \"ftp://x\"", ""},
      {{"follow", "--db", "x", "--log-key", "sum.golang.org+1"}, "--log-key: ", ""},
      {{"follow", "--db", "x", "--source", "d", "--proxy", "https://p.example"},
       "--source and --proxy exclude each other",
       ""},
      {{"ask", "module"}, "gwtool ask module needs PATH", "what to ask for"},
      {{"ask", "toolchain", "a", "b"}, "unexpected argument \"b\"", ""},
  };
  for (const Case& c : cases) {
    auto o = h.run(c.args);
    INFO(o.err);
    CHECK(o.code == kExitUsage);
    CHECK(o.out.empty());
    CHECK(o.seen.command.empty());
    CHECK(has_text(o.err, "gwtool: error: "));
    CHECK(has_text(o.err, c.error));
    CHECK(has_text(o.err, c.hint));
  }
}

TEST_CASE("an error's kind is the exit code, and its text moves no cursor") {
  Harness h;
  auto o = h.run({"follow", "--db", "unavailable"});
  CHECK(o.code == kExitTemporary);
  CHECK(o.err == "gwtool: a note\ngwtool: error: no network\ngwtool: hint: try again\n");
  o = h.run({"follow", "--db", "untrusted", "-q"});
  CHECK(o.code == kExitUntrusted);
  CHECK(o.err == "gwtool: error: a forged\\x0atile \\x1b[31m\n");
  CHECK(h.run({"follow", "--db", "notfound"}).code == kExitFailed);
  CHECK(exit_code(ErrorKind::kUsage) == 2);
  CHECK(exit_code(ErrorKind::kCorrupt) == 1);
  CHECK(exit_code(ErrorKind::kIo) == 1);
  CHECK(exit_code(ErrorKind::kInternal) == 1);
}

TEST_CASE("of several exit codes the gravest is reported") {
  CHECK(worse_exit(0, 100) == 100);
  CHECK(worse_exit(100, 1) == 1);
  CHECK(worse_exit(1, 3) == 3);
  CHECK(worse_exit(4, 3) == 4);
  CHECK(worse_exit(2, 3) == 3);
  CHECK(worse_exit(1, 2) == 2);
  CHECK(worse_exit(130, 100) == 130);
  CHECK(worse_exit(130, 1) == 1);
  CHECK(worse_exit(0, 0) == 0);
}

TEST_CASE("colour only on a terminal, or when asked for") {
  Harness h;
  h.terminal.error_is_terminal = true;
  CHECK(has_text(h.run({"follow", "--db", "unavailable"}).err, "\x1b[31m"));
  CHECK_FALSE(has_text(h.run({"follow", "--db", "unavailable", "--color=never"}).err, "\x1b"));
  h.environment["NO_COLOR"] = "1";
  CHECK_FALSE(has_text(h.run({"follow", "--db", "unavailable"}).err, "\x1b"));
  CHECK(has_text(h.run({"follow", "--db", "unavailable", "--color=always"}).err, "\x1b[31m"));
  h.environment["NO_COLOR"] = "";
  CHECK(has_text(h.run({"follow", "--db", "unavailable"}).err, "\x1b[31m"));
  h.environment["TERM"] = "dumb";
  CHECK_FALSE(has_text(h.run({"follow", "--db", "unavailable"}).err, "\x1b"));
}

TEST_CASE("the configuration file gives values that flags and environment win over") {
  Harness h;
  std::string conf = h.file("gw.toml",
                            "json = true\n[follow]\ndb = \"from-file\"\nworkers = 5\n"
                            "submit = [\"https://a.example\", \"https://b.example\"]\n"
                            "pair = [\"a=b\", \"c=d\"]\nonce = true\nca-file = \"from-file.pem\"\n"
                            "[ask]\nbase = \"c.example\"\n[serve-key-new]\nfile = \"k\"\n");
  auto o = h.run({"--config", conf, "follow"});
  REQUIRE(o.code == 0);
  CHECK(o.seen.db == "from-file");
  CHECK(o.seen.workers == 5);
  CHECK(o.seen.urls.size() == 2);
  CHECK(o.seen.custom == std::vector<std::string>{"a=b", "c=d"});
  CHECK(o.seen.once);
  CHECK(o.seen.json);
  CHECK(o.seen.log.ca_file == "from-file.pem");
  CHECK(h.run({"ask", "module", "p", "--config", conf}).seen.base == "c.example");
  CHECK(h.run({"serve", "key", "new", "--config", conf}).seen.db == "k");

  o = h.run({"--config", conf, "follow", "--db", "flag", "--once=false", "--submit",
             "https://c.example"});
  CHECK(o.seen.db == "flag");
  CHECK_FALSE(o.seen.once);
  CHECK(o.seen.urls == std::vector<std::string>{"https://c.example"});

  h.environment["SSL_CERT_FILE"] = "from-env.pem";
  o = h.run({"--config", conf, "follow", "-v"});
  CHECK(o.seen.log.ca_file == "from-env.pem");
  CHECK(has_text(o.err, "$SSL_CERT_FILE wins over " + conf + ":8"));
  o = h.run({"--config", conf, "follow", "-v", "--ca-file", "flag.pem"});
  CHECK(o.seen.log.ca_file == "flag.pem");
  CHECK(has_text(o.err, "--ca-file wins over $SSL_CERT_FILE"));

  h.environment["GWTOOL_CONFIG"] = conf;
  CHECK(h.run({"follow"}).seen.db == "from-file");
  h.environment["GWTOOL_CONFIG"] = h.path("missing.toml");
  CHECK(h.run({"follow", "--db", "x"}).code == kExitUsage);
  CHECK(h.run({"follow", "--config", conf}).seen.db == "from-file");
}

TEST_CASE("a command can tell a value that was given from the same default") {
  Harness h;
  auto ask = [&](std::vector<std::string> args) {
    std::string key = "the default";
    Command c("ask", "ask");
    c.add(text_option("key", "KEY", &key, "a key").environment("GW_KEY"));
    c.run = [](Context& ctx) -> Result<int> {
      ctx.out.line(ctx.given("key") ? "given" : "not given");
      return kExitDone;
    };
    std::vector<Command> commands;
    commands.push_back(std::move(c));
    Outcome o;
    return h.run(std::move(commands), std::move(args), o).out;
  };
  CHECK(ask({"ask"}) == "not given\n");
  CHECK(ask({"ask", "--key", "the default"}) == "given\n");
  const std::string conf = h.file("c.toml", "[ask]\nkey = \"the default\"\n");
  CHECK(ask({"ask", "--config", conf}) == "given\n");
  h.environment["GW_KEY"] = "the default";
  CHECK(ask({"ask"}) == "given\n");
}

TEST_CASE("mistakes in the configuration file name file, line, key and the nearest right one") {
  Harness h;
  struct Case {
    std::string text;
    std::string error;
    std::string hint;
  };
  const std::vector<Case> cases{
      {"[follow]\nbd = \"x\"\n", ":2: unknown key \"bd\" in [follow]", "did you mean db?"},
      {"[folow]\ndb = \"x\"\n", ":1: unknown table [folow]", "did you mean [follow]?"},
      {"\n\n[nothing]\n", ":3: unknown table [nothing]", "a table has a command's name"},
      {"[ask.module]\n", ":1: unknown table [ask.module]", "did you mean [ask-module]?"},
      {"[gen]\n", ":1: unknown table [gen]", ""},
      {"db = \"x\"\n", ":1: unknown key \"db\"", "db belongs in [follow]"},
      {"[follow]\nquiet = true\n", ":2: unknown key \"quiet\"", "belongs before any table"},
      {"[ask-module]\nPATH = \"x\"\n", ":2: unknown key \"PATH\"", ""},
      {"config = \"x\"\n", ":1: unknown key \"config\"", ""},
      {"[follow]\ndb = 1.5\n", ":2: db: only strings, integers", ""},
      {"[follow]\ndb = true\n", ":2: db must be a string", ""},
      {"[follow]\ndb = [\"a\"]\n", ":2: db must be one value", ""},
      {"[follow]\ndb = \"\"\n", ":2: db has an empty value", ""},
      {"[follow]\nonce = \"true\"\n", ":2: once must be true or false", ""},
      {"[follow]\nworkers = \"5\"\n", ":2: workers must be an integer", ""},
      {"[follow]\ndb = \"x\"\nworkers = 500\n", ":3: \"500\" is not a number from 1 to 64", ""},
      {"[follow]\nworkers = -3\n", ":2: \"-3\" is not a number", ""},
      {"[follow]\nsubmit = [\"a\", 1]\n", ":2: submit: an array holds values of one type", ""},
      {"[follow]\nkeep = \"all\"\n", ":2: \"all\" is not versions or records", ""},
      {"[follow]\nkeep = \"all\"\n", "keep at ", ""},
      {"[[follow]]\ndb = \"x\"\n", "follow", ""},
      {"[follow]\ndb = \"x\"\ndb = \"y\"\n", ":3: ", ""},
      {"[follow\n", ":1: ", ""},
      {"\xff\xfe", ":1: ", ""},
      {"[\xd1\xa5[[", ":1: ", ""},
      // Of another command than the one that runs.
      {"[ask]\nbase = [1]\n", ":2: base must be one value", ""},
      {"[serve]\nzone = \"\"\n", ":2: zone has an empty value", ""},
  };
  for (const Case& c : cases) {
    std::string conf = h.file("bad.toml", c.text);
    auto o = h.run({"follow", "--config", conf});
    INFO(c.text << o.err);
    CHECK(o.code == kExitUsage);
    CHECK(o.seen.command.empty());
    CHECK(has_text(o.err, conf));
    CHECK(has_text(o.err, c.error));
    CHECK(has_text(o.err, c.hint));
  }
}

TEST_CASE("nesting that would exhaust the stack is refused") {
  for (const std::string& text :
       std::vector<std::string>{std::string(200000, 'x') + " = 1", std::string(100000, '['),
                                "a = " + std::string(100000, '['),
                                "# comment with ....................\nq = \"....................\"",
                                "q = '''....................\n....................'''\nr = "
                                "\"\"\"\\\"....................\"\"\""}) {
    CHECK_NOTHROW(parse_config(text, "f"));
  }
  std::string dotted;
  for (int i = 0; i < 50000; ++i) dotted += "a.";
  for (const std::string& text :
       {dotted + "a = 1", "[" + dotted + "a]", "\n\nx = { " + dotted + "a = 1 }"}) {
    auto r = parse_config(text, "f");
    REQUIRE_FALSE(r);
    CHECK(has_text(r.error().message, "a key of too many parts"));
  }
  // As deep as the dots of a line and the nesting of values allow: taken down all the same.
  std::string deep = "x = ";
  for (int i = 0; i < 7; ++i) deep += "[\n{" + dotted.substr(0, 998) + "a = ";
  deep += "1";
  for (int i = 0; i < 7; ++i) deep += "}\n]";
  CHECK_FALSE(parse_config(deep, "f"));
  auto tables = parse_config("[" + dotted.substr(0, 40) + "a]", "f");
  REQUIRE_FALSE(tables);
  CHECK(tables.error().message == "f:1: a key of too many parts");
  // Dots in strings and comments are no parts of a key, and lines are counted over them.
  auto r = parse_config(
      "a = '''\n....................\n'''\n# ....................\n'....................' = 1\nb = "
      "\"\"\"\n\\\"\"\"\" \nc = 1.5",
      "f");
  REQUIRE_FALSE(r);
  CHECK(r.error().message.starts_with("f:8: c: only strings"));
}

TEST_CASE("a configuration file that is not there is never skipped") {
  Harness h;
  for (std::string path : {h.path("missing.toml"), h.path("")}) {
    auto o = h.run({"follow", "--db", "x", "--config", path});
    CHECK(o.code != 0);
    CHECK(has_text(o.err, "reading the configuration"));
    CHECK(o.seen.command.empty());
  }
}

TEST_CASE("option --check-config checks everything and runs nothing") {
  Harness h;
  std::string key = h.file("key", "x", 0600);
  std::string conf = h.file("c.toml", "[serve-key-new]\nfile = \"" + key + "\"\n");
  CHECK(h.run({"--check-config", "--config", conf}).code == 0);
  CHECK(h.run({"--check-config", "--config", conf, "serve", "key", "new"}).seen.command.empty());
  // A secret that others can read; a file that is missing; a required option.
  h.file("key", "x", 0644);
  auto o = h.run({"--check-config", "--config", conf});
  CHECK(o.code == kExitUsage);
  CHECK(has_text(o.err, conf + ":2: " + key + ": others than its owner"));
  std::filesystem::remove(key);
  CHECK(has_text(h.run({"--check-config", "--config", conf}).err, "No such file"));
  o = h.run({"--check-config", "follow"});
  CHECK(o.code == kExitUsage);
  CHECK(has_text(o.err, "needs --db"));
}

TEST_CASE("option --print-config prints a file that means the same") {
  Harness h;
  std::string conf = h.file("c.toml",
                            "[follow]\ndb = \"a \\\"quoted\\\" \\u0001 name\"\nworkers = 5\n"
                            "submit = [\"https://a.example\"]\n");
  auto first = h.run({"--config", conf, "--print-config", "follow", "--workers", "7", "--once"});
  REQUIRE(first.code == 0);
  CHECK(first.seen.command.empty());
  CHECK(has_text(first.out, "workers = 7  # from --workers, not " + conf + ":3\n"));
  CHECK(has_text(first.out, "interval = \"10m\"  # default\n"));
  CHECK(has_text(first.out, "# proxy = \"URL\"  # not set\n"));
  CHECK(has_text(first.out, "# listen = [\"ADDR\"]  # default: 2 places\n"));
  std::string again = h.file("d.toml", first.out);
  auto o = h.run({"--config", again, "follow"});
  INFO(o.err);
  CHECK(o.code == 0);
  CHECK(o.seen.db == "a \"quoted\" \x01 name");
  CHECK(o.seen.workers == 7);
  CHECK(o.seen.once);
  CHECK(o.seen.urls == std::vector<std::string>{"https://a.example"});
  // All commands, without one.
  o = h.run({"--config", conf, "--print-config"});
  CHECK(has_text(o.out, "[ask]\nbase = \"l.example.org\""));
  CHECK(has_text(o.out, "[serve-key-new]\n"));
  CHECK(h.run({"--config", h.file("e.toml", o.out), "follow"}).code == 0);
}

TEST_CASE("the sample configuration is a valid file in which nothing is set") {
  Harness h;
  auto o = h.run({"gen", "config"});
  REQUIRE(o.code == 0);
  CHECK(h.run({"--config", h.file("s.toml", o.out), "--check-config"}).code == 0);
  // With every comment sign taken away that stands before a key, too.
  std::istringstream lines(o.out);
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    bool key = line.starts_with("# ") && has_text(line, " = ");
    all += (key ? line.substr(2) : line) + "\n";
  }
  auto uncommented = h.run({"--config", h.file("u.toml", all), "follow"});
  INFO(uncommented.err);
  // The placeholders are no values: the first is refused by its option, not by TOML.
  CHECK_FALSE(has_text(uncommented.err, "unknown"));
}

TEST_CASE("help and version are data") {
  Harness h;
  auto o = h.run({"--version"});
  CHECK(o.out == "gwtool " GW_VERSION "\n");
  for (auto args : std::vector<std::vector<std::string>>{{"--help"},
                                                         {"-h"},
                                                         {"help"},
                                                         {"ask", "--help"},
                                                         {"help", "ask", "module"},
                                                         {"follow", "-h"},
                                                         {"ask", "module", "--help"},
                                                         {"serve", "--help"}}) {
    o = h.run(args);
    CHECK(o.code == 0);
    CHECK(o.err.empty());
    std::istringstream lines(o.out);
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      CHECK((line.size() <= 80 || has_text(line, "usage:") || has_text(line, "       gwtool")));
      CHECK((line.empty() || line.back() != ' '));
    }
  }
  CHECK_FALSE(has_text(h.run({"--help"}).out, "gen"));
  CHECK(has_text(h.run({"follow", "--help"}).out, "--keep WHAT"));
  CHECK(has_text(h.run({"follow", "--help"}).out, "versions or records (default versions)"));
  CHECK(has_text(h.run({"ask", "module", "--help"}).out, "gwtool ask module [OPTION]... PATH..."));
}

TEST_CASE("data that cannot be written is a failure") {
  int full = ::open("/dev/full", O_WRONLY);
  int err = temporary_fd();
  REQUIRE(full >= 0);
  Seen seen;
  {
    Output out(full, err);
    auto none = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
    CHECK(run_program(fake_commands(&seen), {"follow", "--db", "x", "-q"}, out, none, {}) == 1);
  }
  CHECK(slurp(err) == "gwtool: error: writing standard output: No space left on device\n");
  ::close(full);
  ::close(err);
}

TEST_CASE("progress replaces itself and never mixes with messages") {
  int out = temporary_fd();
  int err = temporary_fd();
  {
    Output o(out, err);
    o.progress("unseen: not a terminal");
    o.configure({.terminal = true});
    o.progress("1 of 3");
    o.progress("2 of 3");
    o.note("halfway");
    o.progress("3 of 3");
    o.progress("");
    o.progress("");
    o.configure({.quiet = true, .terminal = true});
    o.progress("unseen: quiet");
  }
  CHECK(slurp(err) ==
        "\r\x1b[K1 of 3\r\x1b[K2 of 3\r\x1b[Kgwtool: halfway\n\r\x1b[K3 of 3\r\x1b[K");
  CHECK(slurp(out).empty());
  ::close(out);
  ::close(err);
}

TEST_CASE("durations") {
  CHECK(parse_duration("90s") == milliseconds(90000));
  CHECK(parse_duration("10m") == milliseconds(600000));
  CHECK(parse_duration("2d") == milliseconds(172800000));
  CHECK(parse_duration("500ms") == milliseconds(500));
  CHECK(parse_duration("0s") == milliseconds(0));
  CHECK(parse_duration("1m30s") == milliseconds(90000));
  CHECK(parse_duration("1h30m") == milliseconds(5400000));
  CHECK(parse_duration("1d1ms") == milliseconds(86400001));
  for (const char* bad : {"", "10", "s", "1 s", "-1s", "1.5s", "01s", "1S", "30s1m", "1s1s", "1m30",
                          "99999999999999999999s", "9223372036854775807d", "106751991167d23h59m1d",
                          "106751991167d9h"}) {
    CHECK_FALSE(parse_duration(bad));
  }
  for (const char* text : {"0s", "1ms", "1500ms", "90s", "10m", "6h", "2d"}) {
    CHECK(format_duration(*parse_duration(text)) == text);
  }
  CHECK(format_duration(milliseconds(3600000)) == "1h");
}

TEST_CASE("the nearest name") {
  const std::vector<std::string> names{"follow-tlog", "serve-dns", "check", "db", "interval"};
  CHECK(nearest("folow-tlog", names) == "follow-tlog");
  CHECK(nearest("serve", names) == "serve-dns");
  CHECK(nearest("chekc", names) == "check");
  CHECK(nearest("bd", names) == "db");
  CHECK_FALSE(nearest("x", names));
  CHECK_FALSE(nearest("", names));
  CHECK_FALSE(nearest("completely", names));
  CHECK_FALSE(nearest(std::string(10000, 'a'), names));
}

}  // namespace
}  // namespace gw::cmd
