#include "cli/table.hpp"

#include "tests/support/catch.hpp"

using namespace nexus::cli;

TEST_CASE("Columns are as wide as their widest cell, and numbers stand on the right") {
  table out({{"name"}, {"size", table::align::right}, {"what"}});
  out.add({"a", "1", "x"});
  out.add({"longer", "12345", ""});
  CHECK(out.text() ==
        "name     size  what\n"
        "a           1  x\n"
        "longer  12345\n");
}

TEST_CASE("Widths count characters, not bytes") {
  table out({{"ä"}, {"b"}});
  out.add({"öü", "1"});
  out.add({"abc", "2"});
  CHECK(out.text() == "ä    b\nöü   1\nabc  2\n");
}

TEST_CASE("What strangers wrote cannot give orders to a terminal") {
  CHECK(printable("a\x1b[2Jb\r\n\t\x7f") == "a?[2Jb????");
  CHECK(printable("\xc2\x9b"
                  "1mä") == "?1mä");
  table out({{"reason"}});
  out.add({"\x1b]0;title\x07"});
  CHECK(out.text() == "reason\n?]0;title?\n");
}

TEST_CASE("Sizes and counts read well") {
  CHECK(size_text(0) == "0 B");
  CHECK(size_text(1023) == "1023 B");
  CHECK(size_text(1024) == "1.0 KiB");
  CHECK(size_text(52'428'800) == "50.0 MiB");
  CHECK(count_text(1, "line", "lines") == "1 line");
  CHECK(count_text(0, "line", "lines") == "0 lines");
}
