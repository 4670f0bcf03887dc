#include "vanity/meta_tags.h"

#include <malloc.h>

#include <catch2/catch.hpp>

#include "support/vanity/parse_meta_tags.h"

using namespace gw;
using namespace gw::vanity;
using gw::vanity::test::parse_meta_tags;

namespace {

// The tags as lines, or "error: REASON".
std::string tags(std::string_view page) {
  const auto shown = [](const Result<std::vector<GoImport>>& r) {
    if (!r) return "error: " + r.error().message;
    std::string out;
    for (const GoImport& t : *r) out += format_import(t) + "\n";
    return out;
  };
  const std::string whole = shown(parse_meta_tags(page));
  // However it arrives, the same is read.
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{4096}}) {
    if (page.size() > 100000 && piece < 4096) continue;
    MetaTagReader reader(page.size());
    for (std::size_t at = 0; at < page.size(); at += piece) {
      if (!reader.add(page.substr(at, piece))) break;
    }
    reader.finish();
    CHECK_FALSE(reader.too_large());
    CHECK(shown(reader.tags()) == whole);
  }
  return whole;
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

TEST_CASE("reading ends where nothing more can come") {
  for (const char* end : {"</head>", "<body>", "</HEAD>", "<p style=a;b>"}) {
    MetaTagReader reader(1000);
    CHECK(reader.add(kTag));
    CHECK_FALSE(reader.ended());
    CHECK_FALSE(reader.add(end));
    CHECK(reader.ended());
    CHECK_FALSE(reader.add(kTag));
    CHECK(reader.tags()->size() == 1);
  }
  // What came before the page was cut short counts; a part of a tag does not.
  MetaTagReader cut(1000);
  cut.add(std::string(kTag) + std::string(kTag).substr(0, 20));
  cut.finish();
  CHECK(cut.tags()->size() == 1);
}

TEST_CASE("a token that is too large ends reading, and small ones of any number do not") {
  MetaTagReader many(200);
  for (int i = 0; i < 100000; ++i) REQUIRE(many.add("<p a=b c=d>text</p>"));
  CHECK(many.add(kTag));
  CHECK(many.tags()->size() == 1);
  MetaTagReader one(200);
  CHECK(one.add("<a"));
  CHECK_FALSE(one.add(std::string(300, ' ')));
  CHECK(one.too_large());
}

TEST_CASE("of many tags no more are kept than are wanted") {
  MetaTagReader reader(1000, [](const gw::vanity::GoImport& tag) { return tag.prefix == "b.c/d"; });
  for (int i = 0; i < 1000; ++i) reader.add("<meta name=go-import content='a.b/c git https://x'>");
  reader.add("<meta name=go-import content='b.c/d git https://x'>");
  reader.finish();
  REQUIRE(reader.tags()->size() == 1);
  CHECK(reader.tags()->front().prefix == "b.c/d");
}

TEST_CASE("a reader that has ended keeps no memory but its tags") {
  const auto used = [] {
    const struct mallinfo2 info = ::mallinfo2();  // zeros where a sanitizer has its own
    return info.uordblks + info.hblkhd;
  };
  const std::string text(3 << 20, ' ');
  const std::string value = "<meta name=go-import content='" + text + "'>";
  const std::vector<std::string> pages = {text, "<p>" + text + "<p>", value, "<!--" + text};
  std::vector<MetaTagReader> readers;
  const std::size_t before = used();
  for (const std::string& page : pages) {
    for (const std::size_t most : {std::size_t{1000}, std::size_t{8} << 20}) {
      readers.emplace_back(most);
      readers.back().add(page);
      readers.back().finish();
    }
  }
  CHECK(used() < before + (1 << 20));
}

TEST_CASE("a large token takes time in proportion, in whatever pieces it comes") {
  MetaTagReader reader(std::size_t{64} << 20);
  const std::string piece(1000, 'x');
  reader.add("<!--");
  for (int i = 0; i < 16000; ++i) reader.add(piece + "<>");  // were it read each time: minutes
  reader.add("-->");
  reader.add(kTag);
  reader.finish();
  CHECK(reader.tags()->size() == 1);
}
