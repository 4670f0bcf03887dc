#include "vanity/meta_tags.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::vanity;

namespace {

// The tags as lines, or "error: REASON".
std::string tags(std::string_view page) {
  auto r = parse_meta_tags(page);
  if (!r) return "error: " + r.error().message;
  std::string out;
  for (const GoImport& t : *r) out += format_import(t) + "\n";
  return out;
}

constexpr const char* kTag = "<meta name=\"go-import\" content=\"a git https://b\">";
constexpr const char* kFound = "a git https://b\n";

}  // namespace

TEST_CASE("tags that the go command finds") {
  const std::string pages[] = {
      kTag,
      std::string("<!DOCTYPE html><html><head><title>x</title>") + kTag + "</head>",
      std::string("\xef\xbb\xbf") + kTag,
      std::string("<?xml version=\"1.0\" encoding=\"UTF-8\"?>") + kTag,
      std::string("<?xml version='1.0' encoding='ascii'?>") + kTag,
      "<META NAME='go-import' CONTENT='a git https://b'/>",
      "<meta content=\"a git https://b\" name=\"go-import\" />",
      "<meta name=go-import content=\"a git https://b\">",
      "<meta name = \"go-import\"\n content\t=\r\n\"a git\nhttps://b\">",
      "<meta name=\"go-import\" name=\"other\" content=\"a git https://b\" content=\"x y z\">",
      "<meta charset name=\"go-import\" content=\"a git https://b\">",
      "<x:meta y:name=\"go-import\" content=\"a git https://b\">",
      "<meta name=\"go&#45;import\" content=\"a &#x67;it https:&#47;/b\">",
      std::string("<title>a & b &nbsp; &#xzz; &;</title>") + kTag,
      std::string("<!-- <meta name=\"go-import\" content=\"x y z\"> -->") + kTag,
      std::string("<![CDATA[<meta name=\"go-import\" content=\"x y z\">]]>") + kTag,
      std::string("<!DOCTYPE html [<!ENTITY x \"<body>\"> <!-- > -->]>") + kTag,
      std::string("</body>") + kTag,
      std::string("<header></header>") + kTag,
      std::string("<title>]] ></title><a b=\"]]>\">") + kTag,
      std::string(kTag) + "<div style=position:relative;>",
      std::string(kTag) + "</head><meta name=\"go-import\" content=\"x y z\">",
      std::string(kTag) + "<BODY><meta name=\"go-import\" content=\"x y z\">",
      std::string(kTag) + "<head/><meta name=\"go-import\" content=\"x y z\">",
      std::string(kTag) + "<",
      std::string("<meta name=\"go-import\" content=\"one two\">"
                  "<meta name=\"go-import\" content=\"1 2 3 4 5\">"
                  "<meta name=\"go-import\">"
                  "<meta name=\"Go-Import\" content=\"x y z\">"
                  "<meta name=\" go-import\" content=\"x y z\">"
                  "<metadata name=\"go-import\" content=\"x y z\">") +
          kTag,
      std::string("<\xc3\xa9l\xcc\x80ment>") + kTag,
  };
  for (const std::string& page : pages) {
    INFO(page);
    CHECK(tags(page) == kFound);
  }
  CHECK(tags(std::string(kTag) + "<meta name='go-import' content='c mod https://d sub'>") ==
        "a git https://b\nc mod https://d sub\n");
}

TEST_CASE("pages without a tag for the go command") {
  const std::string pages[] = {
      "",
      "Not found\n",
      "<html><body><meta name=\"go-import\" content=\"a git https://b\"></body></html>",
      "<head></head><meta name=\"go-import\" content=\"a git https://b\">",
      "<head/><meta name=\"go-import\" content=\"a git https://b\">",
      "<meta name=go-import content=a_git>",
  };
  for (const std::string& page : pages) {
    INFO(page);
    CHECK(tags(page).empty());
  }
}

TEST_CASE("syntax errors before the first tag, named with their line") {
  struct Case {
    std::string before;
    const char* why;
  };
  const Case cases[] = {
      {"<div style=position:relative;>", "line 1: expected attribute name"},
      {"\n\n<script>if (a<b && c) {}</script>", "line 3: expected attribute name"},
      {"<a b=\"<\">", "unescaped < inside quoted string"},
      {"<!-- a -- b -->", "invalid sequence -- in comment"},
      {"<!-- a", "invalid sequence --"},  // the tag's own text has none: runs to the end
      {"<title>]]></title>", "unescaped ]]>"},
      {"<title>\xe9</title>", "invalid UTF-8"},
      {"<title>\x01</title>", "illegal character"},
      {"<title>&#0;</title>", "illegal character"},
      {"<title>\xef\xbf\xbe</title>", "illegal character"},
      {"<?xml version=\"1.1\"?>", "unsupported XML version \"1.1\""},
      {"<?xml encoding=\"ISO-8859-1\"?>", "cannot decode charset \"iso-8859-1\""},
      {"<? x?>", "expected target name"},
      {"<1a>", "invalid name \"1a\""},
      {"<a:b:c>", "expected element name"},
      {"</a b>", "invalid characters between </"},
      {"<a/b>", "expected /> in element"},
      {"<![CDAT[", "invalid <![ sequence"},
      {"<!- x>", "invalid sequence <!-"},
      {"< a>", "expected element name"},
  };
  for (const Case& c : cases) {
    INFO(c.before);
    if (c.before == "<!-- a") {
      CHECK_THAT(tags(c.before + kTag), Catch::Contains("unexpected end"));
    } else {
      CHECK_THAT(tags(c.before + kTag), Catch::Contains(c.why));
    }
    CHECK_THAT(tags(kTag + c.before), Catch::Equals(kFound));
  }
  for (std::string_view end :
       {"<",  "<a",  "<a ",  "<a b",  "<a b=", "<a b=c",       "<a b='c", "</",    "</a",
        "<!", "<!-", "<!--", "<!---", "<![",   "<![CDATA[x]]", "<!a",     "<!a <", "<!a <!--",
        "<?", "<?a", "&",    "&#",    "&#1",   "&#x",          "&a"}) {
    INFO(end);
    CHECK_THAT(tags(end), Catch::Contains("unexpected end"));
  }
}

TEST_CASE("a deep or long page costs no recursion") {
  std::string page(1 << 20, '<');
  CHECK_THAT(tags(page), Catch::Contains("expected element name"));
  page = "<!a ";
  page += std::string(1 << 20, '<');
  CHECK_THAT(tags(page), Catch::Contains("unexpected end"));
  page.clear();
  for (int i = 0; i < 100000; ++i) page += "<a><b c='d'>";
  CHECK(tags(page + kTag) == kFound);
}
