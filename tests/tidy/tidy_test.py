#!/usr/bin/env python3
"""Tests of tidy.py: trees made for the purpose, with and without offences."""

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import tidy

INSTALLS = "nexus_add_library({}\n  SOURCES a.cpp\n  HEADERS {}\n  PUBLIC Threads::Threads)\n"
# Written apart, so that this file keeps the rules itself.
HOME_PATH = "/ho" + "me/somebody/x"
LEFTOVER = "TO" + "DO"


class TidyTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)

    def write(self, path, text, executable=False):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o755 if executable else 0o644)

    def offences(self):
        """The offences found, as (path, line, rule)."""
        _, found = tidy.check_tree(self.root)
        return sorted((path, line, rule) for path, line, rule, _ in found)

    def expect(self, *offences):
        self.assertEqual(self.offences(), sorted(offences))

    def test_a_tree_that_keeps_the_rules_is_clean(self):
        self.write("core/CMakeLists.txt", INSTALLS.format("core", "a.hpp b.hpp"))
        self.write("core/a.hpp", '#pragma once\n#include <string>\n#include "core/b.hpp"\n')
        self.write("core/b.hpp", "#pragma once\n")
        self.write("core/c.hpp", "#pragma once\n#include <zlib.h>\n#include <boost/x.hpp>\n")
        self.write("core/a.cpp", '#include "core/a.hpp"\n#include <spdlog/spdlog.h>\n'
                   '// system("x") and rand() in a comment\n'
                   'const char* text = "rand() sleep_for";\n'
                   'const char* raw = R"(system("x") {{{ )";\n')
        self.write("actors/a.cpp", '#include "core/a.hpp"\n#include <caf/all.hpp>\n'
                   "void f() { self->system(); config.rand(); fmt::gmtime(t); }\n"
                   "caf::actor_system system(config);\n")
        self.write("cli/a.cpp", '#include "core/a.hpp"\n#include <CLI/CLI.hpp>\n'
                   "void f() { std::cout << 1; }\n")
        self.write("script/run", "#!/bin/sh\n", executable=True)
        self.write("docs/a.md", "# Some `words`, here\n[up](../README.md) [web](https://a.b/c)\n"
                   "[self](#some-words-here) `[code](nowhere.md)`\n"
                   "\n```\n[code](nowhere.md)\n```\n")
        self.write("docs/decisions/README.md", "[1](0001-one.md)\n")
        self.write("docs/decisions/0001-one.md", "# One\n")
        self.write("README.md", "[a](docs/a.md#some-words-here)\n")
        self.write("build/x/a.hpp", "x" * 200)
        self.expect()

    def test_a_folder_includes_only_what_it_may(self):
        self.write("wal/log.hpp", "#pragma once\n")
        self.write("cli/wire.hpp", "#pragma once\n")
        self.write("destinations/destination.hpp", "#pragma once\n")
        self.write("destinations/registry.hpp", "#pragma once\n")
        self.write("core/a.cpp", '\n#include "wal/log.hpp"\n')
        self.write("wal/a.cpp", '#include "cli/wire.hpp"\n#include "wal/log.hpp"\n')
        self.write("actors/a.cpp", '#include "wal/log.hpp"\n#include "cli/wire.hpp"\n')
        self.write("ingest/a.cpp", '#include "destinations/destination.hpp"\n'
                   '#include "destinations/registry.hpp"\n#include "wal/log.hpp"\n')
        self.write("tests/wal/a.cpp", '#include "cli/wire.hpp"\n')
        self.expect(("core/a.cpp", 2, "include"), ("wal/a.cpp", 1, "include"),
                    ("actors/a.cpp", 2, "include"), ("ingest/a.cpp", 2, "include"),
                    ("ingest/a.cpp", 3, "include"))

    def test_our_headers_are_named_from_the_root_and_in_quotes(self):
        self.write("core/a.hpp", "#pragma once\n")
        self.write("core/a.cpp", '#include "a.hpp"\n#include <core/a.hpp>\n')
        self.expect(("core/a.cpp", 1, "include"), ("core/a.cpp", 2, "include"))

    def test_a_library_stays_in_its_folder(self):
        for folder in ("core", "wal", "config", "destinations", "actors", "http"):
            self.write(f"{folder}/a.cpp", "#include <caf/all.hpp>\n#include <boost/asio.hpp>\n"
                       "#include <toml++/toml.h>\n")
        found = {(path, line) for path, line, _ in self.offences()}
        kept = {("actors/a.cpp", 1), ("http/a.cpp", 2), ("config/a.cpp", 3)}
        self.assertEqual(len(found), 15)
        self.assertFalse(found & kept)

    def test_public_headers_show_no_library_and_no_internal_header(self):
        self.write("wal/CMakeLists.txt", INSTALLS.format("wal", "log.hpp"))
        self.write("wal/log.hpp", '#pragma once\n#include <zlib.h>\n#include "wal/line.hpp"\n')
        self.write("wal/line.hpp", "#pragma once\n#include <zlib.h>\n")
        self.write("actors/CMakeLists.txt", INSTALLS.format("actors", "protocol.hpp"))
        self.write("actors/protocol.hpp", "#pragma once\n#include <caf/fwd.hpp>\n")
        self.expect(("wal/log.hpp", 2, "include"), ("wal/log.hpp", 3, "include"))

    def test_lines_files_and_functions_have_a_largest_size(self):
        body = "  x();\n"
        self.write("core/a.cpp", "// " + "é" * 97 + "\n// " + "x" * 98 + "\n")
        self.write("core/b.cpp", "\n" * 501)
        self.write("core/c.cpp", "namespace a {\nclass c : b<int()> {\n" + body * 80
                   + "};\nvoid fits() {\n" + body * 68 + "}\n#define X(a) {{\n"
                   "c::c()\n    : a_{1} {\n" + body * 69 + "}\n"
                   "const int table[] = {\n" + "1,\n" * 80 + "};\n}\n")
        self.write("core/d.cpp", "void f() {\n  if (x) {\n" + body * 80 + "  }\n}\n")
        self.expect(("core/a.cpp", 2, "line-length"), ("core/b.cpp", 501, "file-length"),
                    ("core/c.cpp", 156, "function-length"), ("core/d.cpp", 1, "function-length"))

    def test_a_header_has_pragma_once_and_no_using_namespace(self):
        self.write("cli/a.hpp", "\nusing namespace std;\n")
        self.write("cli/a.cpp", "using namespace std;\n")
        self.expect(("cli/a.hpp", 1, "pragma-once"), ("cli/a.hpp", 2, "banned"))

    def test_banned_calls_are_found_where_they_are_banned(self):
        everywhere = ['system("ls");', "  return std::system(x);", "strerror(e);", "rand();",
                      "std::gmtime(&t);", "sprintf(b, f);", "std::atoi(x);", "thread.detach();",
                      "} catch (...) {\n}"]
        in_libraries = ["std::cout << 1;", "printf(f);", "std::fprintf(stderr, f);"]
        asleep = ["std::this_thread::sleep_for(x);", "::usleep(1);"]
        for folder, calls in (("cli", everywhere), ("tests", everywhere + asleep),
                              ("wal", everywhere + asleep + in_libraries)):
            for number, call in enumerate(calls):
                path = f"{folder}/{number}.cpp"
                self.write(path, "// first line\n" + call + "\n")
                with self.subTest(path=path, call=call):
                    self.assertIn((path, 2, "banned"), self.offences())
        self.write("cli/asleep.cpp", "\n".join(asleep + in_libraries))
        self.assertFalse([path for path, _, _ in self.offences() if path == "cli/asleep.cpp"])

    def test_a_test_has_a_name_that_ctest_can_run(self):
        self.write("tests/core/a_test.cpp", 'TEST_CASE("one") {}\nTEST_CASE(\n    "a; b") {}\n')
        self.expect(("tests/core/a_test.cpp", 2, "test-name"))

    def test_leftovers_and_paths_of_one_machine_are_found_in_any_text(self):
        self.write("README.md", f"# x\n{LEFTOVER}: this\n")
        self.write("packaging/unit.conf", f"a={HOME_PATH}\nb=$HOME/work/x\nc=nexus-XXXXXX\n"
                   "d=/home/someone\n")
        self.expect(("README.md", 2, "leftover"), ("packaging/unit.conf", 1, "machine-path"))

    def test_links_lead_somewhere(self):
        self.write("docs/a.md", "# One\n[x](b.md)\n[y](#two)\n")
        self.write("README.md", "[x](docs/a.md#one)\n[y](docs/a.md#two)\n![z](docs/no.png)\n")
        self.expect(("docs/a.md", 2, "link"), ("docs/a.md", 3, "link"),
                    ("README.md", 2, "link"), ("README.md", 3, "link"))

    def test_scripts_are_executable(self):
        self.write("script/a", "#!/bin/sh\n")
        self.write("script/b", "echo\n", executable=True)
        self.write("docs/c.md", "# c\n", executable=True)
        self.expect(("script/a", 1, "script"), ("script/b", 1, "script"),
                    ("script/b", 1, "script"), ("docs/c.md", 1, "script"))

    def test_decisions_are_listed_and_have_their_own_numbers(self):
        self.write("docs/decisions/README.md", "[1](0001-one.md)\n")
        self.write("docs/decisions/0001-one.md", "# One\n")
        self.write("docs/decisions/0001-other.md", "# Other\n")
        path = "docs/decisions/0001-other.md"
        self.expect((path, 1, "decision"), (path, 1, "decision"))

    def test_the_program_prints_each_offence_and_fails(self):
        self.write("core/a.hpp", "\n")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            code = tidy.main([str(self.root)])
        self.assertEqual(code, 1)
        self.assertIn("core/a.hpp:1: pragma-once: ", out.getvalue())
        self.write("core/a.hpp", "#pragma once\n")
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(tidy.main([str(self.root)]), 0)

    def test_an_empty_tree_is_no_success(self):
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(tidy.main([str(self.root)]), 1)


if __name__ == "__main__":
    unittest.main()
