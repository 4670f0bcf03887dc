// Text in pages.
#include "http/html.h"

#include <catch2/catch.hpp>

using namespace gw::http;

TEST_CASE("text in a page is text") {
  CHECK(escape_html("") == "");
  CHECK(escape_html("a b\n\xc3\xa9") == "a b\n\xc3\xa9");
  CHECK(escape_html("<script>\"a\" & 'b'</script>") ==
        "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
}
