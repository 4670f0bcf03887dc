// ysco's configuration and state in our words: each row of the table, and each line that stops it.
#include "supervise/import.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "supervise/config_text.h"
#include "supervise/sconf.h"

using namespace gw;
using namespace gw::supervise;
using namespace std::chrono_literals;

namespace {

const std::string kHead = "LogLevel: info\nAuthFile: ys/password.txt\n";

std::string error_of(const std::string& text) {
  const auto got = import_config(text, "ysco.conf");
  return got ? "" : got.error().message;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

std::string all(const std::vector<std::string>& notes) {
  std::string out;
  for (const std::string& note : notes) out += note + "\n";
  return out;
}

}  // namespace

TEST_CASE("sconf", "[sconf]") {
  const auto root = parse_sconf(
      "# a comment\nA: text with: colon\nB:\n\t# inside\n\tC: 1\n\n    D:\n\t\t- "
      "x\n\t\t-\n\t\t\tE: y\n"
      "\t\t- \nF:\nG: last",
      "f");
  REQUIRE(root);
  CHECK(root->find("A")->text == "text with: colon");
  CHECK(root->find("A")->line == 2);
  const Sconf& b = *root->find("B");
  CHECK(b.kind == Sconf::Kind::kStruct);
  CHECK(b.find("C")->text == "1");
  const Sconf& d = *b.find("D");
  REQUIRE(d.items.size() == 3);
  CHECK(d.items[0].text == "x");
  CHECK(d.items[1].find("E")->text == "y");
  CHECK(d.items[2].text.empty());
  CHECK(root->find("F")->text.empty());
  CHECK(root->find("G")->text == "last");
  CHECK(root->find("H") == nullptr);
  CHECK(parse_sconf("", "f")->members.empty());
  const std::vector<std::pair<std::string, std::string>> bad{
      {"A", "f:1: no colon"},
      {"A: 1\n \n", "f:2: no colon"},
      {"A:1", "f:1: no space"},
      {"A: 1\nA: 2", "f:2: \"A\" is there twice"},
      {"A: 1\n\tB: 2", "f:2: indented too far"},
      {"\tA: 1", "f:1: indented too far"},
      {": 1", "f:1: not a key"},
      {" A: 1", "f:1: not a key"},
      {"A:\n\t- x\n\ty", "f:3: no dash"},
      {"A:\n\t-x", "f:2: no space"},
  };
  for (const auto& [text, why] : bad) {
    INFO(text);
    const auto parsed = parse_sconf(text, "f");
    REQUIRE_FALSE(parsed);
    CHECK(has(parsed.error().message, why));
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += std::string(static_cast<std::size_t>(i), '\t') + "A:\n";
  CHECK(has(parse_sconf(deep, "f").error().message, "too deep"));
}

TEST_CASE("every row of the configuration", "[import]") {
  const std::string text =
      "LogLevel: debug\nAuthFile: ys/password.txt\n"
      "Monitor:\n\tMethods:\n\t\t- goproxy\n\t\t- dns\n\tDNS: l.example.org\n"
      "\tGoProxy: https://proxy.example.org\n\tGoProxyToolchain: https://go.example.org\n"
      "\tDelay: 2m0s\n\tInterval: 12h\n"
      "Policy:\n\tService: minor\n\tSelf: patch\n\tServiceToolchain: supported\n"
      "\tSelfToolchain: follow\n"
      "Update:\n\tDelay: 24h\n\tSchedule:\n\t\t-  mo,mo,tu 09-17 \n\t\t- sa\n\t\t- sa\n"
      "\tJitter: 30m\n\tAll: true\n"
      "Gobuild:\n\tVerifierKey: gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF\n"
      "\tBaseURL: https://builds.example.org\n"
      "Links:\n\t-\n\t\tURL: https://svc.example.org/\n\t\tText: a=b\n\t-\n\t\tURL: http://x/\n"
      "Process:\n\tAmbientCapabilities:\n\t\t- CAP_NET_BIND_SERVICE\n\t\t- 0xa\n\t\t- 13\n";
  const auto got = import_config(text, "ysco.conf");
  REQUIRE(got);
  CHECK(got->config.text() ==
        "verbose = true\n\n[supervise]\n"
        "toolchain-proxy = \"https://go.example.org\"\n"
        "first-check = \"2m\"\n"
        "interval = \"12h\"\n"
        "module-policy = \"minor\"\n"
        "toolchain-policy = \"supported\"\n"
        "delay = \"1d\"\n"
        "schedule = [\"mo,tu 9-17\", \"sa\"]\n"
        "jitter = \"30m\"\n"
        "every-version = true\n"
        "build-url = \"https://builds.example.org\"\n"
        "link = [\"a b=https://svc.example.org/\", \"service=http://x/\"]\n"
        "ambient-capability = [\"cap_net_bind_service\", \"cap_net_bind_service\", "
        "\"cap_net_raw\"]\n"
        "dns = \"l.example.org\"\n"
        "proxy = \"https://proxy.example.org\"\n"
        "build-key = \"gobuildtest+d0d3feb6+AfDDZM94TRqrIJ+QKApGNZw8Bhk2gOFHrQHXXAeVqkVF\"\n");
  CHECK(got->auth_file == "ys/password.txt");
  CHECK(got->delay == 24h);
  const std::string notes = all(got->notes);
  for (const char* there : {"Policy.Self (patch) has no counterpart",
                            "Policy.SelfToolchain (follow) has no counterpart",
                            "DNS is asked first", "--admin-listen"}) {
    INFO(there);
    CHECK(has(notes, there));
  }
  CHECK_FALSE(has(notes, "Update.Delay"));
}

TEST_CASE("what the options would not take is made to fit, or stops the import", "[import]") {
  const auto got = import_config(
      kHead +
          "Monitor:\n\tDelay: 48h\n\tInterval: 10000h\n"
          "Update:\n\tDelay: 100000h\n\tJitter: 25h\n\tSchedule:\n\t\t- mo-fr,we 9-17,12-13\n"
          "\t\t- 1-3,2-4\n",
      "ysco.conf");
  REQUIRE(got);
  const std::string config = got->config.text();
  for (const char* there :
       {"first-check = \"1d\"\n", "interval = \"30d\"\n", "delay = \"365d\"\n", "jitter = \"1d\"\n",
        "schedule = [\"mo-fr 9-17\", \"mo-fr 12-13\", \"we 9-17\", \"we 12-13\", \"1-3\", "
        "\"2-4\"]\n"}) {
    INFO(config);
    INFO(there);
    CHECK(has(config, there));
  }
  // whole seconds; less than one is none, and not the usual value
  const auto parts = import_config(
      kHead + "Update:\n\tDelay: 90.7s\n\tJitter: 1ns\nMonitor:\n\tDelay: 1500ms\n", "f");
  REQUIRE(parts);
  for (const char* there : {"delay = \"90s\"\n", "jitter = \"0s\"\n", "first-check = \"1s\"\n"}) {
    CHECK(has(parts->config.text(), there));
  }
  CHECK(has(all(got->notes), "interval: 10000h is lowered to 30d"));
  CHECK(got->delay == std::chrono::hours(24 * 365));
  for (const char* bad : {"Monitor:\n\tDNS: not a zone\n", "Monitor:\n\tGoProxy: ftp://x\n",
                          "Update:\n\tSchedule:\n\t\t- 9-17,12-13 mo\n",
                          "Update:\n\tSchedule:\n\t\t- mo,xx 9-17\n"}) {
    INFO(bad);
    CHECK_FALSE(import_config(kHead + bad, "ysco.conf"));
  }
}

TEST_CASE("what ysco does where nothing is said", "[import]") {
  const auto got = import_config(kHead + "Update:\n\tDelay: 0s\n", "ysco.conf");
  REQUIRE(got);
  CHECK(has(got->config.text(), "delay = \"3d\"\n"));
  CHECK(has(got->config.text(), "build-key = \"beta.gobuilds.org+"));
  CHECK_FALSE(has(got->config.text(), "dns ="));
  CHECK_FALSE(has(got->config.text(), "proxy ="));
  const std::string notes = all(got->notes);
  // all three
  for (const char* there : {"ysco then waits for nothing but up to an hour of jitter",
                            "its documents say a day", "its sample configuration 72h"}) {
    CHECK(has(notes, there));
  }
  const auto only = import_config(kHead + "Monitor:\n\tMethods:\n\t\t- dns\n\tInterval: 5s\n", "f");
  REQUIRE(only);
  CHECK(has(only->config.text(), "proxy = \"off\"\n"));
  CHECK(has(only->config.text(), "interval = \"1m\"\n"));
  CHECK(has(all(only->notes), "interval: 5s is raised to 1m"));
  CHECK(has(import_config(kHead + "Monitor:\n\tMethods:\n\t\t- goproxy\n", "f")->config.text(),
            "dns = \"off\"\n"));
}

TEST_CASE("lines that stop an import", "[import]") {
  const std::vector<std::pair<std::string, std::string>> bad{
      {"LogLevel: info\n", "AuthFile is missing"},
      {"", "ysco.conf:1: the configuration: LogLevel is missing"},
      {"LogLevel: info\r\nAuthFile: x\r\n", "ysco.conf:1: a carriage return"},
      {kHead + "Monitor:\r\n", "ysco.conf:3: a carriage return"},
      {kHead + "Links:\n\t-\n\t\tURL: https://x/\n\t\tText: \xff\n", "ysco.conf:6: no UTF-8"},
      {"AuthFile: x\n", "LogLevel is missing"},
      {"LogLevel: loud\nAuthFile: x\n", "ysco.conf:1: \"loud\" is no log level"},
      {"LogLevel: info\nAuthFile:\n", "ysco.conf:2: AuthFile is empty"},
      {kHead + "Other: 1\n", "ysco.conf:3: unknown key \"Other\""},
      {kHead + "Monitor:\n\tMethod: x\n", "ysco.conf:4: unknown key \"Method\""},
      {kHead + "Monitor: x\n", "ysco.conf:3: Monitor: no keys"},
      {kHead + "Monitor:\n\tMethods:\n\t\t- mail\n", "ysco.conf:5: \"mail\" is no method"},
      {kHead + "Monitor:\n\tMethods: dns\n", "ysco.conf:4: not a list"},
      {kHead + "Monitor:\n\tDelay: 3\n", "ysco.conf:4: \"3\" is not a duration"},
      {kHead + "Monitor:\n\tGoProxy: ftp://x\n", "ysco.conf:4: "},
      {kHead + "Policy:\n\tService: follow\n", "ysco.conf:4: \"follow\" is no policy"},
      {kHead + "Update:\n\tSchedule:\n\t\t- 9-17 mo\n", "ysco.conf:5: "},
      {kHead + "Update:\n\tSchedule:\n\t\t- mo  9-17\n", "ysco.conf:5: "},
      {kHead + "Update:\n\tAll: yes\n", "ysco.conf:4: \"yes\" is not true or false"},
      {kHead + "Gobuild:\n\tBaseURL: https://x\n", "VerifierKey is missing"},
      {kHead + "Gobuild:\n\tVerifierKey: x\n", "ysco.conf:4: "},
      {kHead + "Links:\n\t-\n\t\tText: x\n", "URL is missing"},
      {kHead + "Links:\n\t-\n\t\tURL: javascript:alert(1)\n", "ysco.conf:4: "},
      {kHead + "Process:\n\tAmbientCapabilities:\n\t\t- CAP_X\n", "ysco.conf:5: "},
      {kHead + "Monitor:\n\tDNS: a\x01z\n", "ysco.conf:4: a control character"},
  };
  for (const auto& [text, why] : bad) {
    INFO(text);
    CHECK(has(error_of(text), why));
  }
}

TEST_CASE("ysco's state", "[import]") {
  const WallTime now = from_unix(1800000000);
  const auto got = import_state(
      R"({"PauseReason":"by hand","Backoff":3,"BackoffReason":"no route",
          "PreviousBinarySvc":"/srv/svc-v0.1.0-go1.26.8-stripped",
          "PreviousBinarySelf":"/srv/ysco-v0.1.2","Schedule":[
            {"Time":"2027-01-16T08:00:00Z","Which":"svc","Version":"v0.1.2","GoVersion":"go1.26.8"},
            {"Which":"svc","Version":"nonsense"},{"Which":"self","Version":"v0.1.3"}]})",
      24h, now);
  REQUIRE(got);
  CHECK(got->state.paused->reason == "by hand");
  CHECK(got->state.failures == 3);
  CHECK(got->state.last_failure == now);
  CHECK(got->state.last_error == "no route");
  CHECK(got->state.previous == "svc-v0.1.0-go1.26.8-stripped");
  REQUIRE(got->state.versions.size() == 1);
  CHECK(got->state.toolchain_times.at("go1.26.8") == got->state.versions.at("v0.1.2"));
  CHECK(got->state.toolchains.cur == "go1.26.8");
  CHECK(got->state.versions.at("v0.1.2") == *parse_rfc3339("2027-01-15T08:00:00Z"));
  const std::string notes = all(got->notes);
  CHECK(has(notes, "ysco itself to \"v0.1.3\""));
  CHECK(has(notes, "nonsense"));
  CHECK(has(notes, "PreviousBinarySelf (/srv/ysco-v0.1.2)"));
  CHECK(import_state("{}", 0ms, now)->notes.empty());
  for (const char* bad : {"", "[]", "{"}) CHECK_FALSE(import_state(bad, 0ms, now));
}

TEST_CASE("a state that ysco did not write stops the import", "[import]") {
  const WallTime now = from_unix(1800000000);
  for (const auto& [text, why] : std::vector<std::pair<const char*, const char*>>{
           {R"({"PauseReason":5})", "PauseReason is no text"},
           {R"({"PauseReason":["x"]})", "PauseReason is no text"},
           {R"({"Backoff":-1})", "Backoff is no number from 0 on"},
           {R"({"Backoff":"3"})", "Backoff is no number from 0 on"},
           {R"({"Backoff":1.5})", "Backoff is no number from 0 on"},
           {R"({"Schedule":{"a":{}}})", "Schedule is no list"},
           {R"({"PreviousBinarySvc":{}})", "PreviousBinarySvc is no text"}}) {
    INFO(text);
    const auto got = import_state(text, 0ms, now);
    REQUIRE_FALSE(got);
    CHECK(got.error().kind == ErrorKind::kUsage);
    CHECK(has(got.error().message, why));
  }
  // as Go writes a list that is not there; what is of a later ysco; what names no file or service
  const auto got =
      import_state(R"({"Schedule":null,"Extra":1,"PreviousBinarySvc":"/srv/.."})", 0ms, now);
  REQUIRE(got);
  CHECK(got->state.previous.empty());
  CHECK(has(all(got->notes), "\"Extra\" of the state has no counterpart"));
  CHECK(has(all(got->notes), "PreviousBinarySvc (\"/srv/..\") is dropped"));
  for (const char* path : {"/srv/", "/", ".", "a\\nb"}) {
    const auto none = import_state(fmt::format(R"({{"PreviousBinarySvc":"{}"}})", path), 0ms, now);
    REQUIRE(none);
    CHECK(none->state.previous.empty());
  }
  const auto other = import_state(R"({"Schedule":[5,{"Which":"x","Version":"v0.1.2"}]})", 0ms, now);
  REQUIRE(other);
  CHECK(other->state.versions.empty());
  CHECK(has(all(other->notes), R"(of "x" to "v0.1.2" is dropped: no service)"));
}

TEST_CASE("capabilities as Go has numbers", "[import]") {
  for (const char* text : {"10", "0xa", "0XA", "0b1010", "0B1010", "0o12", "012",
                           "CAP_NET_BIND_SERVICE", "cap_net_bind_service"}) {
    INFO(text);
    const auto got = import_capability(text);
    REQUIRE(got);
    CHECK(*got == "cap_net_bind_service");
  }
  CHECK(import_capability("0").value_or("") == "cap_chown");
  for (const char* bad : {"", "0x", "0b", "0o", "09", "0xg", "0x-1", "-1", "99", "0b2", "x", "0-5",
                          "0z5", "0 5", "0+5", "00x5"}) {
    INFO(bad);
    CHECK_FALSE(import_capability(bad));
  }
}

TEST_CASE("durations as Go has them", "[import]") {
  CHECK(parse_go_duration("0") == 0ms);
  CHECK(parse_go_duration("72h0m0s") == 72h);
  CHECK(parse_go_duration("1h30m") == 90min);
  CHECK(parse_go_duration("1.5s") == 1500ms);
  CHECK(parse_go_duration("250ms") == 250ms);
  CHECK(parse_go_duration("3000000ns") == 3ms);
  CHECK(parse_go_duration("1ns") == 1ms);  // not none: that would be the usual value
  for (const char* bad :
       {"", "1", "h", "1d", "-1h", "1h 2m", ".h", "1.2.3s", "9999999999999999h"}) {
    INFO(bad);
    CHECK_FALSE(parse_go_duration(bad));
  }
}

TEST_CASE("schedules that ysco does not mind", "[import]") {
  CHECK(clean_schedule_item("  mo-fr 09-17 ") == "mo-fr 9-17");
  CHECK(clean_schedule_item("00-04,20-24") == "0-4,20-24");
  CHECK(clean_schedule_item("sa,su,sa") == "sa,su");
  CHECK(clean_schedule_item("010-17") == "10-17");
  CHECK(clean_schedule_item("mo 0-0") == "mo 0-0");
}

TEST_CASE("the text of a configuration", "[import]") {
  ConfigText c;
  c.add("before", "a \"b\" \\ \n");
  c.add_list("schedule", {});
  c.add_list("link", {"x=y"});
  c.add_flag("monitor", false);
  c.add_time("delay", 90s);
  c.add_time("grace", 0s);
  c.add_time("trial", 1500ms);
  CHECK(c.text() ==
        "[supervise]\nbefore = \"a \\\"b\\\" \\\\ \\n\"\nlink = [\"x=y\"]\n"
        "monitor = false\ndelay = \"90s\"\ngrace = \"0s\"\ntrial = \"1500ms\"\n");
}
